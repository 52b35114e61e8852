//! Keeps pauses quiet: what lies far below the speech is neither voiced nor heard.

use std::collections::VecDeque;

/// The gate opens above this, relative to the level of the speech, dB,
const OPEN_DB: f32 = -40.0;

/// and closes below this,
const CLOSE_DB: f32 = -46.0;

/// after so many frames: 250 ms.
const HOLD: usize = 20;

/// Whatever the speech, nothing below this is heard, dB.
const SILENCE_DB: f32 = -75.0;

/// What the gain loses a frame when the gate closes: 60 ms in all.
const FALL: f32 = 0.2;

/// Says frame by frame whether there is anything to hear, and how far it is let through.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// Frames that the gate stays open for.
    hold: usize,
    /// Whether each of the frames that wait for those after them was open.
    waiting: VecDeque<bool>,
    gain: f32,
}

impl Gate {
    /// Frames that are heard before the gate opens, so that no soft beginning is lost: 50 ms.
    pub const AHEAD: usize = 4;

    /// Hears a frame of a mean `power` where speech has `speech_db`: whether the gate is open.
    pub fn hear(&mut self, power: f32, speech_db: Option<f32>) -> bool {
        let db = 10.0 * power.log10();
        let speech_db = speech_db.unwrap_or(0.0);
        let above = |threshold: f32| db > (speech_db + threshold).max(SILENCE_DB);
        let stays = self.hold > 0 && above(CLOSE_DB);
        self.hold = match above(OPEN_DB) || stays {
            true => HOLD,
            false => self.hold.saturating_sub(1),
        };
        let open = self.hold > 0;
        self.waiting.push_back(open);
        open
    }

    /// The gain of the next frame, if enough frames after it have been heard, or if none comes (`last`).
    pub fn gain(&mut self, last: bool) -> Option<f32> {
        if self.waiting.len() <= Self::AHEAD && !last {
            return None;
        }
        let open = self.waiting.iter().take(Self::AHEAD + 1).any(|open| *open);
        self.waiting.pop_front()?;
        self.gain = match open {
            true => 1.0,
            false => (self.gain - FALL).max(0.0),
        };
        Some(self.gain)
    }

    /// As new.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gains(levels_db: &[f32]) -> Vec<f32> {
        let mut gate = Gate::default();
        let mut gains = Vec::new();
        for db in levels_db {
            gate.hear(10f32.powf(db / 10.0), Some(-23.0));
            gains.extend(gate.gain(false));
        }
        gains.extend(std::iter::from_fn(|| gate.gain(true)));
        gains
    }

    #[test]
    fn it_opens_early_and_closes_late() {
        let mut levels = vec![-90.0; 20];
        levels.extend([-30.0; 5]);
        levels.extend([-90.0; 50]);
        let gains = gains(&levels);
        assert_eq!(gains.len(), levels.len());
        let open: Vec<usize> = (0..75).filter(|&t| gains[t] == 1.0).collect();
        assert_eq!((open[0], open[open.len() - 1]), (16, 43));
        assert!(gains[44..48].windows(2).all(|pair| pair[1] < pair[0]));
        assert!(gains[49..].iter().all(|gain| *gain == 0.0));
        assert_eq!(open.len(), 28);
    }

    #[test]
    fn between_the_thresholds_it_stays_as_it_is() {
        // 43 dB below the speech: too soft to open it, loud enough to keep it open.
        assert!(gains(&[-66.0; 40]).iter().all(|gain| *gain == 0.0));
        let mut levels = vec![-30.0];
        levels.extend([-66.0; 60]);
        assert!(gains(&levels).iter().all(|gain| *gain == 1.0));
    }

    #[test]
    fn digital_silence_is_never_heard() {
        assert!(
            gains(&[f32::NEG_INFINITY; 30])
                .iter()
                .all(|gain| *gain == 0.0)
        );
        let mut gate = Gate::default();
        assert!(!gate.hear(0.0, None) && !gate.hear(1e-9, Some(-80.0)));
    }
}
