//! What is said: content extractors.

use candle_core::Tensor;

use crate::Result;

/// Makes content features of a recording: [`super::PhoneEncoder`], or a self-supervised network such as WavLM.
///
/// Features are those that a model was trained on; U = ceil(T / [`frames_per_unit`](Self::frames_per_unit)).
pub trait ContentExtractor: std::fmt::Debug + Send + Sync {
    /// Features [U, F] of frames [bands, T], with the longest look-ahead.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for frames of another number of bands, or none.
    fn features(&self, mel: &Tensor) -> Result<Tensor>;

    /// Width of the features, F.
    fn width(&self) -> usize;

    /// Frames per unit.
    fn frames_per_unit(&self) -> usize;

    /// The look-aheads there are, the shortest first, in frames: the frames after the last of a unit that its features
    /// depend on.
    fn look_aheads(&self) -> Vec<usize>;

    /// A new stream with one of the [`look_aheads`](Self::look_aheads); with the longest, its features are those of
    /// [`features`](Self::features).
    fn stream(&self, look_ahead: LookAhead) -> Box<dyn ContentStream>;
}

/// Which of the look-aheads of a [`ContentExtractor`]: a stream waits for it, and hears the better the longer it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LookAhead {
    /// The shortest: 50 ms in the starter model.
    Shortest,
    /// The one in the middle: 100 ms in the starter model.
    Middle,
    /// The longest, for files: 325 ms in the starter model.
    #[default]
    Longest,
}

impl LookAhead {
    /// Its place among `count` look-aheads, the shortest first.
    pub fn of(self, count: usize) -> usize {
        match self {
            Self::Shortest => 0,
            Self::Middle => count.saturating_sub(1) / 2,
            Self::Longest => count.saturating_sub(1),
        }
    }
}

/// Makes content features piece by piece.
pub trait ContentStream: std::fmt::Debug + Send {
    /// The features [n, F] that the next frames [1, bands, T] complete, if any.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for frames of another number of bands.
    fn push(&mut self, mel: &Tensor) -> Result<Option<Tensor>>;

    /// The features of what is left, and a reset. Where frames are missing to a whole unit, the last is heard again.
    ///
    /// # Errors
    /// If the computation fails.
    fn flush(&mut self) -> Result<Option<Tensor>>;

    /// Forgets the signal so far.
    fn reset(&mut self);
}
