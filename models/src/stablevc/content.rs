//! What is said: content extractors.

use candle_core::Tensor;

use crate::Result;

/// Makes content features of a recording: [`super::PhoneEncoder`], or a self-supervised network such as WavLM.
///
/// Features are those that a model was trained on; U = ceil(T / [`frames_per_unit`](Self::frames_per_unit)).
pub trait ContentExtractor: std::fmt::Debug + Send + Sync {
    /// Features [U, F] of frames [bands, T].
    ///
    /// # Errors
    /// [`crate::Error::Input`] for frames of another number of bands, or none.
    fn features(&self, mel: &Tensor) -> Result<Tensor>;

    /// Width of the features, F.
    fn width(&self) -> usize;

    /// Frames per unit.
    fn frames_per_unit(&self) -> usize;

    /// Frames after the last of a unit that its features depend on.
    fn look_ahead(&self) -> usize;

    /// A new stream; its features are those of [`features`](Self::features).
    fn stream(&self) -> Box<dyn ContentStream>;
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
