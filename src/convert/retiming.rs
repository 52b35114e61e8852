//! Sounds as long as the target makes them: pieces between pauses, each through the duration module.

use std::collections::VecDeque;
use std::sync::Arc;

use candle_core::{Device, Tensor};
use syrinx_models::stablevc::{Settings, StableVc, Target, Timing};
use syrinx_vocoder::stream::Frames;

use crate::Result;

/// Frames of a piece at most: 20 s. A longer one is cut where it is quietest in its second half.
pub(super) const LONGEST: usize = 1600;

/// A frame of the source as the networks hear it.
pub(super) struct SourceFrame {
    /// Log mel at the nominal level.
    pub mel: Vec<f32>,
    /// F0 at the target's register, Hz, 0 where unvoiced.
    pub f0_hz: f32,
    /// Mean power in the source.
    pub power: f32,
    /// What brings it back to the level of the source.
    pub gain: f32,
}

/// Frames for the vocoder, with the gain of each.
pub(super) struct Retimed {
    pub frames: Frames,
    pub gains: Vec<f32>,
}

/// Collects pieces and gives them their new timing; pauses keep theirs.
pub(super) struct Retiming {
    network: Arc<StableVc>,
    target: Target,
    settings: Settings,
    device: Device,
    /// The mel of silence.
    floor: f32,
    /// Frames that the gate has not decided on yet.
    waiting: VecDeque<SourceFrame>,
    piece: Vec<SourceFrame>,
    /// Pieces so far, each with noise of its own.
    pieces: u64,
}

impl Retiming {
    pub fn new(
        network: Arc<StableVc>,
        target: Target,
        settings: Settings,
        device: &Device,
        floor: f32,
    ) -> Self {
        Self {
            network,
            target,
            settings,
            device: device.clone(),
            floor,
            waiting: VecDeque::new(),
            piece: Vec::new(),
            pieces: 0,
        }
    }

    pub fn push(&mut self, frame: SourceFrame) {
        self.waiting.push_back(frame);
    }

    pub fn set_target(&mut self, target: Target) {
        self.target = target;
    }

    /// Whether the next frame is heard or belongs to a pause; what is done by that.
    pub fn decide(&mut self, heard: bool) -> Result<Vec<Retimed>> {
        let Some(frame) = self.waiting.pop_front() else {
            return Ok(Vec::new());
        };
        if heard {
            self.piece.push(frame);
            if self.piece.len() < LONGEST {
                return Ok(Vec::new());
            }
            let rest = self.piece.split_off(quietest(&self.piece));
            let done = self.finish()?;
            self.piece = rest;
            return Ok(done.into_iter().collect());
        }
        let mut done: Vec<Retimed> = self.finish()?.into_iter().collect();
        done.push(Retimed {
            frames: self.frames(vec![self.floor; frame.mel.len()], vec![0.0])?,
            gains: vec![0.0],
        });
        Ok(done)
    }

    /// Gives the piece so far its timing, if there is one.
    pub fn finish(&mut self) -> Result<Option<Retimed>> {
        let piece = std::mem::take(&mut self.piece);
        let Some(first) = piece.first() else {
            return Ok(None);
        };
        let gain = first.gain;
        let mel = piece.iter().flat_map(|frame| frame.mel.iter().copied());
        let f0_hz = piece.iter().map(|frame| frame.f0_hz).collect();
        let source = self.frames(mel.collect(), f0_hz)?;
        let settings = Settings {
            seed: self.settings.seed ^ self.pieces.wrapping_mul(0x9E37_79B9_7F4A_7C15),
            ..self.settings.clone()
        };
        self.pieces += 1;
        let frames = self.network.retime(
            source.mel(),
            source.f0(),
            &self.target,
            &settings,
            Timing::default(),
        )?;
        Ok(Some(Retimed {
            gains: vec![gain; frames.len()],
            frames,
        }))
    }

    /// As new, with the same target.
    pub fn reset(&mut self) {
        self.waiting.clear();
        self.piece.clear();
        self.pieces = 0;
    }

    /// A mel, frame-major, with F0 as frames.
    fn frames(&self, mel: Vec<f32>, f0_hz: Vec<f32>) -> Result<Frames> {
        let bands = mel.len() / f0_hz.len().max(1);
        let mel = Tensor::from_vec(mel, (1, f0_hz.len(), bands), &self.device)?;
        Ok(Frames::with_f0(
            &mel.transpose(1, 2)?.contiguous()?,
            &f0_hz,
        )?)
    }
}

/// The quietest frame in the second half of a piece.
fn quietest(piece: &[SourceFrame]) -> usize {
    let half = piece.len() / 2;
    let frames = piece.iter().enumerate().skip(half.max(1));
    let quietest = frames.min_by(|(_, a), (_, b)| a.power.total_cmp(&b.power));
    quietest.map_or(piece.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_piece_is_cut_where_it_is_quietest_in_its_second_half() {
        let frame = |power| SourceFrame {
            mel: Vec::new(),
            f0_hz: 0.0,
            power,
            gain: 1.0,
        };
        let powers = [0.0, 0.5, 0.9, 0.3, 0.2, 0.4];
        let piece: Vec<SourceFrame> = powers.map(frame).into();
        assert_eq!(quietest(&piece), 4);
        assert_eq!(quietest(&piece[..1]), 1);
    }
}
