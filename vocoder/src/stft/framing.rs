//! Where frames lie on the signal, and what lies beyond its ends.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How frames are placed on a signal of `L` samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Framing {
    /// `torch.stft(center=True)`, librosa: frame `k` is centred on sample `k · hop`; `1 + L / hop`
    /// frames.
    Centred,
    /// As `Centred` without the last frame: `T = L / hop`, so that frames and samples tile alike.
    CentredDropLast,
    /// HiFi-GAN: `(n_fft - hop) / 2` samples of padding on both sides; `L / hop` frames.
    HopAligned,
    /// No padding: `1 + (L - n_fft) / hop` frames.
    Bare,
}

/// What a frame sees beyond the ends of the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PadMode {
    /// The signal mirrored at its first and last sample (repeatedly, if it is very short).
    Reflect,
    /// Zeros.
    Constant,
}

/// Sizes and framing of a short-time Fourier transform, in samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StftConfig {
    /// Length of the Fourier transform; any size, fastest with small prime factors.
    pub n_fft: usize,
    /// Length of the Hann window, at most `n_fft`.
    pub win: usize,
    /// Distance between frames.
    pub hop: usize,
    /// Placement of the frames.
    pub framing: Framing,
    /// Padding at the ends.
    pub pad: PadMode,
}

impl StftConfig {
    /// Window as long as the transform, frames centred, ends mirrored: `torch.stft`'s defaults.
    pub fn centred(n_fft: usize, hop: usize) -> Self {
        Self {
            n_fft,
            win: n_fft,
            hop,
            framing: Framing::Centred,
            pad: PadMode::Reflect,
        }
    }

    /// The same sizes with another framing.
    pub fn with_framing(self, framing: Framing) -> Self {
        Self { framing, ..self }
    }

    /// Checks `2 <= win <= n_fft`, `1 <= hop <= win`, and, for [`Framing::CentredDropLast`], that
    /// a hop is no longer than half a transform.
    ///
    /// # Errors
    /// [`Error::Config`] naming the offending sizes.
    pub fn validate(&self) -> Result<()> {
        let Self {
            n_fft, win, hop, ..
        } = *self;
        if win < 2 || win > n_fft || hop == 0 || hop > win {
            return Err(Error::Config(format!(
                "STFT needs 2 <= win <= n_fft and 1 <= hop <= win, got n_fft {n_fft}, win {win}, hop {hop}"
            )));
        }
        if self.framing == Framing::CentredDropLast && hop > n_fft / 2 {
            return Err(Error::Config(format!(
                "dropping the last centred frame needs hop <= n_fft / 2, got n_fft {n_fft}, hop {hop}"
            )));
        }
        Ok(())
    }

    /// Frequency bins per frame.
    pub fn bins(&self) -> usize {
        self.n_fft / 2 + 1
    }

    /// Samples of padding on each side.
    pub fn padding(&self) -> usize {
        match self.framing {
            Framing::Centred | Framing::CentredDropLast => self.n_fft / 2,
            Framing::HopAligned => (self.n_fft - self.hop) / 2,
            Framing::Bare => 0,
        }
    }

    /// Frames that a signal of `samples` gives. No samples give no frames.
    pub fn frames(&self, samples: usize) -> usize {
        if samples == 0 {
            return 0;
        }
        let padded = samples + 2 * self.padding();
        let frames = match padded.checked_sub(self.n_fft) {
            Some(rest) => 1 + rest / self.hop,
            None => 0,
        };
        match self.framing {
            Framing::CentredDropLast => frames.saturating_sub(1).min(samples / self.hop),
            _ => frames,
        }
    }

    /// Samples that `frames` frames give back.
    pub fn samples(&self, frames: usize) -> usize {
        if frames == 0 {
            return 0;
        }
        match self.framing {
            Framing::Centred => (frames - 1) * self.hop,
            Framing::CentredDropLast | Framing::HopAligned => frames * self.hop,
            Framing::Bare => (frames - 1) * self.hop + self.n_fft,
        }
    }

    /// First sample under frame `frame`; negative inside the left padding.
    pub(crate) fn frame_start(&self, frame: usize) -> isize {
        (frame * self.hop) as isize - self.padding() as isize
    }
}

/// Index into a signal of `len >= 1` samples after mirroring at both ends.
pub(crate) fn reflect(index: isize, len: usize) -> usize {
    if len == 1 {
        return 0;
    }
    let period = 2 * (len - 1);
    let folded = index.rem_euclid(period as isize) as usize;
    if folded < len {
        folded
    } else {
        period - folded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reflection_bounces_like_numpy() {
        // np.pad(np.arange(3), 5, mode="reflect")
        let padded: Vec<usize> = (-5..8).map(|i| reflect(i, 3)).collect();
        assert_eq!(padded, [1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1]);
        assert_eq!(reflect(-7, 1), 0);
    }

    #[test]
    fn frame_counts_follow_the_conventions() {
        let torch = StftConfig::centred(1200, 300);
        let starter = torch.with_framing(Framing::CentredDropLast);
        let aligned = StftConfig::centred(1024, 256).with_framing(Framing::HopAligned);
        let bare = torch.with_framing(Framing::Bare);
        for samples in [0, 1, 299, 300, 301, 1199, 1200, 24_000, 24_123] {
            let whole = samples / 300;
            assert_eq!(
                torch.frames(samples),
                if samples == 0 { 0 } else { 1 + whole }
            );
            assert_eq!(starter.frames(samples), whole);
            assert_eq!(aligned.frames(samples), samples / 256);
            assert_eq!(
                bare.frames(samples),
                if samples < 1200 {
                    0
                } else {
                    (samples - 900) / 300
                }
            );
        }
    }

    #[test]
    fn impossible_sizes_are_refused() {
        let bad = |n_fft, win, hop| StftConfig {
            win,
            ..StftConfig::centred(n_fft, hop)
        };
        assert!(bad(512, 600, 100).validate().is_err());
        assert!(bad(512, 512, 0).validate().is_err());
        assert!(bad(512, 256, 300).validate().is_err());
        assert!(bad(0, 0, 0).validate().is_err());
        let drop = StftConfig::centred(512, 300).with_framing(Framing::CentredDropLast);
        assert!(drop.validate().is_err());
    }
}
