//! The level of the converted speech, sample by sample.

use std::collections::VecDeque;

use crate::speech::limited;

/// Gains by frame, from each to the next in a straight line.
pub(super) struct Gains {
    frames: VecDeque<f32>,
    hop: usize,
    /// Samples since the first of `frames`.
    at: usize,
}

impl Gains {
    /// Of frames `hop` samples apart.
    pub fn new(hop: usize) -> Self {
        Self {
            frames: VecDeque::new(),
            hop,
            at: 0,
        }
    }

    /// Tells the gain of the next frame.
    pub fn add(&mut self, gain: f32) {
        self.frames.push_back(gain);
    }

    /// Takes the samples whose gains are known, all if none are to come (`last`), and levels them; what would be above
    /// full scale is limited softly.
    pub fn apply(&mut self, wave: &mut Vec<f32>, last: bool) -> Vec<f32> {
        let known = self.frames.len().saturating_sub(1) * self.hop;
        let ready = match last {
            true => wave.len(),
            false => wave.len().min(known.saturating_sub(self.at)),
        };
        let mut levelled: Vec<f32> = wave.drain(..ready).collect();
        for sample in &mut levelled {
            let here = self.frames.front().copied().unwrap_or_default();
            let next = self.frames.get(1).copied().unwrap_or(here);
            let x = self.at as f32 / self.hop as f32;
            *sample = limited(*sample * (here + (next - here) * x));
            self.at += 1;
            if self.at == self.hop {
                self.at = 0;
                // The last frame's gain holds to the end.
                if self.frames.len() > 1 {
                    self.frames.pop_front();
                }
            }
        }
        levelled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gains_run_in_straight_lines_whatever_the_pieces() {
        let gains = |pieces: &[usize]| {
            let mut gains = Gains::new(4);
            let (mut wave, mut out) = (Vec::new(), Vec::new());
            let mut frames = [1.0, 0.0, 0.5].into_iter();
            for piece in pieces {
                frames.next().into_iter().for_each(|gain| gains.add(gain));
                wave.extend(vec![0.8; *piece]);
                out.extend(gains.apply(&mut wave, false));
            }
            frames.for_each(|gain| gains.add(gain));
            out.extend(gains.apply(&mut wave, true));
            out
        };
        let whole = gains(&[12]);
        let expected = [
            1.0, 0.75, 0.5, 0.25, 0.0, 0.125, 0.25, 0.375, 0.5, 0.5, 0.5, 0.5,
        ];
        assert_eq!(whole, expected.map(|gain| 0.8 * gain));
        for pieces in [&[1; 12][..], &[5, 7], &[11, 1]] {
            assert_eq!(gains(pieces), whole, "{pieces:?}");
        }
    }
}
