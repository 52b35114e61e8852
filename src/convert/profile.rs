//! What the source is like: how high, how lively and how loud its speaker speaks.

mod histogram;

use histogram::{Heights, Levels};

/// Frames of speech that a source is measured over: one minute.
const SPEECH: usize = 4800;

/// Frames that are waited for at most: three minutes, where little of it is speech.
const LONGEST: usize = 14_400;

/// Fewer voiced frames tell nothing of how high a voice lies.
const FEW: f64 = 9.0;

/// Fewer voiced frames tell nothing of how much it moves: half a second.
const FEW_TO_SPREAD: f64 = 40.0;

/// What a running estimate keeps of the past from one frame of speech to the next: most of it is forgotten after
/// half a minute of speech.
const KEPT: f64 = 1.0 - 1.0 / 2400.0;

/// The share that a running register and level move towards a new estimate in a frame, once they have settled.
const FOLLOW: f32 = 0.05;

/// What a source is like.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SourceProfile {
    /// Median F0, Hz; none of a source that is hardly voiced.
    pub register_hz: Option<f32>,
    /// Standard deviation of ln F0 by its 10th and 90th percentile; none of a source too short to tell.
    pub spread: Option<f32>,
    /// Level of the speech, its pauses left out, dB below full scale; none of silence.
    pub level_db: Option<f32>,
}

/// Where what the source is like is known from.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Profile {
    /// Measured over the first minute of speech (of three minutes at most), which is waited for; then it stays. For
    /// files.
    #[default]
    Measured,
    /// A running estimate from what has been heard up to each moment. For live use.
    Adaptive,
    /// Known beforehand.
    Known(SourceProfile),
}

/// What is known after a frame.
pub(super) enum Hearing {
    /// Too little: wait for more frames.
    Wait,
    /// What holds for this frame, and for those that have waited.
    Known(SourceProfile),
}

/// Follows a source frame by frame; what it says depends on the frames alone.
pub(super) struct Listener {
    profile: Profile,
    state: State,
}

enum State {
    Measuring(Measure),
    Running(Box<Running>),
    Known(SourceProfile),
}

impl Listener {
    pub fn new(profile: Profile) -> Self {
        let state = match profile {
            Profile::Measured => State::Measuring(Measure::new(1.0)),
            Profile::Adaptive => State::Running(Box::new(Running::new(Measure::new(KEPT)))),
            Profile::Known(profile) => State::Known(profile),
        };
        Self { profile, state }
    }

    /// Hears a frame of mean `power` and F0 `f0_hz`, 0 where unvoiced.
    pub fn hear(&mut self, power: f32, f0_hz: f32) -> Hearing {
        let known = match &mut self.state {
            State::Known(profile) => return Hearing::Known(*profile),
            State::Running(running) => return Hearing::Known(running.hear(power, f0_hz)),
            State::Measuring(measure) => {
                measure.add(power, f0_hz);
                if measure.speech() < SPEECH && measure.frames < LONGEST {
                    return Hearing::Wait;
                }
                measure.profile()
            }
        };
        self.settle();
        Hearing::Known(known)
    }

    /// No more frames are waited for; what is known.
    pub fn settle(&mut self) -> SourceProfile {
        let measure = match &mut self.state {
            State::Known(profile) => return *profile,
            State::Running(running) => return running.now,
            State::Measuring(measure) => measure,
        };
        let known = measure.profile();
        self.state = match known.register_hz {
            Some(_) => State::Known(known),
            // Minutes without a voice: somebody may still begin to speak.
            None => {
                let measure = std::mem::replace(measure, Measure::new(1.0));
                State::Running(Box::new(Running::new(measure.forgetting(KEPT))))
            }
        };
        known
    }

    /// What is known so far, if anything is.
    pub fn known(&self) -> Option<SourceProfile> {
        match &self.state {
            State::Known(profile) => Some(*profile),
            State::Running(running) => Some(running.now),
            State::Measuring(_) => None,
        }
    }

    /// As new.
    pub fn reset(&mut self) {
        *self = Self::new(self.profile);
    }
}

/// Histograms of what has been heard.
struct Measure {
    levels: Levels,
    heights: Heights,
    frames: usize,
}

impl Measure {
    fn new(kept: f64) -> Self {
        Self {
            levels: Levels::new(kept),
            heights: Heights::new(kept),
            frames: 0,
        }
    }

    fn forgetting(mut self, kept: f64) -> Self {
        self.levels.kept = kept;
        self.heights.kept = kept;
        self
    }

    fn add(&mut self, power: f32, f0_hz: f32) {
        self.frames += 1;
        self.levels.add(power);
        if f0_hz > 0.0 {
            self.heights.add(f0_hz);
        }
    }

    /// Frames that are no pauses.
    fn speech(&self) -> usize {
        self.levels.speech().1 as usize
    }

    fn profile(&self) -> SourceProfile {
        let voiced = self.heights.count();
        let quantile = |q| self.heights.quantile(q);
        // Of a normal distribution, the 10th and the 90th percentile lie 2.563 standard deviations apart.
        let spread = || ((quantile(0.9) - quantile(0.1)) / 2.563) as f32;
        SourceProfile {
            register_hz: (voiced >= FEW).then(|| quantile(0.5).exp() as f32),
            spread: (voiced >= FEW_TO_SPREAD).then(spread),
            level_db: self.levels.speech_db(),
        }
    }
}

/// An estimate that is there from the first frame on and moves smoothly.
struct Running {
    measure: Measure,
    now: SourceProfile,
    /// Frames that have moved register and level.
    moved: (u32, u32),
}

impl Running {
    fn new(measure: Measure) -> Self {
        Self {
            now: measure.profile(),
            measure,
            moved: (0, 0),
        }
    }

    fn hear(&mut self, power: f32, f0_hz: f32) -> SourceProfile {
        self.measure.add(power, f0_hz);
        let heard = self.measure.profile();
        if f0_hz > 0.0 {
            // One voiced frame is a poor median, but a better one than none.
            let median = self.measure.heights.quantile(0.5) as f32;
            let before = self.now.register_hz.map_or(median, f32::ln);
            let next = before + share(&mut self.moved.0) * (median - before);
            self.now.register_hz = Some(next.exp());
        }
        if let Some(level) = heard.level_db {
            let before = self.now.level_db.unwrap_or(level);
            self.now.level_db = Some(before + share(&mut self.moved.1) * (level - before));
        }
        self.now.spread = heard.spread;
        self.now
    }
}

/// The first estimates are taken at once, later ones little by little.
fn share(moved: &mut u32) -> f32 {
    *moved = moved.saturating_add(1);
    FOLLOW.max(1.0 / *moved as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A voice around `register_hz` whose ln F0 is spread evenly over ±`width`, with pauses.
    fn speak(frames: usize, register_hz: f32, width: f32, level_db: f32) -> Vec<(f32, f32)> {
        let power = 10f32.powf(level_db / 10.0);
        (0..frames)
            .map(|t| match t % 10 {
                0..3 => (power * 1e-5, 0.0),
                3 => (power, 0.0),
                _ => {
                    let x = (t as f32 * 0.618_034).fract() * 2.0 - 1.0;
                    (power, register_hz * (width * x).exp())
                }
            })
            .collect()
    }

    fn listen(profile: Profile, frames: &[(f32, f32)]) -> (Option<usize>, SourceProfile) {
        let mut listener = Listener::new(profile);
        let mut known = None;
        for (at, &(power, f0)) in frames.iter().enumerate() {
            if let (Hearing::Known(_), None) = (listener.hear(power, f0), known) {
                known = Some(at);
            }
        }
        (known, listener.settle())
    }

    #[test]
    fn a_minute_of_speech_is_measured_and_stays() {
        let mut frames = speak(8000, 120.0, 0.3, -30.0);
        frames.extend(speak(8000, 240.0, 0.1, -10.0));
        let (known, profile) = listen(Profile::Measured, &frames);
        // Seven frames of ten are speech.
        assert!((6850..=6860).contains(&known.unwrap()), "{known:?}");
        let register = profile.register_hz.unwrap();
        assert!((register / 120.0).ln().abs() < 0.01, "{register}");
        // 80 % of an even spread over ±0.3 lie within ±0.24.
        assert!((profile.spread.unwrap() - 0.48 / 2.563).abs() < 0.01);
        assert!((profile.level_db.unwrap() + 30.0).abs() < 0.1);
    }

    #[test]
    fn a_running_estimate_is_there_at_once_and_follows() {
        let mut frames = speak(3000, 120.0, 0.3, -30.0);
        let (known, profile) = listen(Profile::Adaptive, &frames);
        assert_eq!(known, Some(0));
        assert!((profile.register_hz.unwrap() / 120.0).ln().abs() < 0.03);
        assert!((profile.level_db.unwrap() + 30.0).abs() < 1.0);
        frames.extend(speak(8000, 240.0, 0.3, -20.0));
        let (_, profile) = listen(Profile::Adaptive, &frames);
        assert!((profile.register_hz.unwrap() / 240.0).ln().abs() < 0.06);
        assert!((profile.level_db.unwrap() + 20.0).abs() < 1.0);
    }

    #[test]
    fn silence_is_known_as_such() {
        let silence = vec![(0.0, 0.0); LONGEST + 10];
        let (known, profile) = listen(Profile::Measured, &silence);
        assert_eq!(known, Some(LONGEST - 1));
        assert_eq!(profile, SourceProfile::default());
        let (_, profile) = listen(Profile::Measured, &[]);
        assert_eq!(profile, SourceProfile::default());
        // Whoever speaks after that is followed.
        let mut late = silence;
        late.extend(speak(500, 200.0, 0.2, -25.0));
        let (_, profile) = listen(Profile::Measured, &late);
        assert!((profile.register_hz.unwrap() / 200.0).ln().abs() < 0.05);
    }

    #[test]
    fn what_is_known_beforehand_stays() {
        let told = SourceProfile {
            register_hz: Some(99.0),
            spread: None,
            level_db: Some(-12.0),
        };
        let (known, profile) = listen(Profile::Known(told), &speak(10, 200.0, 0.2, -25.0));
        assert_eq!((known, profile), (Some(0), told));
    }
}
