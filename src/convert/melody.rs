//! From the melody of the source to that of the converted speech.

use super::SourceProfile;

/// Where a source is taken to lie whose height is unknown, Hz.
const UNKNOWN_HZ: f32 = 150.0;

/// A style spreads the melody of the source by no more and no less than this.
const LEAST: f32 = 0.5;
const MOST: f32 = 2.0;

/// A spread melody strays no farther from its register than an octave, unless the source itself does.
const FARTHEST: f32 = std::f32::consts::LN_2;

/// F0 that a vocoder is asked for, Hz.
const LOWEST_HZ: f32 = 40.0;
const HIGHEST_HZ: f32 = 1000.0;

/// How F0 is moved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Melody {
    /// Median F0 of the target, Hz; the source keeps its own F0 where there is none.
    pub register_hz: Option<f32>,
    /// Standard deviation of ln F0 of the style, if it shall be heard.
    pub spread: Option<f32>,
    /// Semitones on top.
    pub semitones: f32,
}

impl Melody {
    /// F0 in Hz of a frame of the source, 0 where unvoiced, to that of the converted speech.
    ///
    /// ```text
    /// ln f = ln register + scale · (ln f0 − ln register of the source) + semitones · ln 2 / 12
    /// ```
    pub fn convert(&self, f0_hz: f32, source: &SourceProfile) -> f32 {
        if f0_hz <= 0.0 {
            return 0.0;
        }
        let moved = match self.register_hz {
            None => f0_hz,
            Some(register_hz) => {
                let own = source.register_hz.unwrap_or(UNKNOWN_HZ);
                let strays = (f0_hz / own).ln();
                let farthest = strays.abs().max(FARTHEST);
                let strays = (strays * self.scale(source)).clamp(-farthest, farthest);
                register_hz * strays.exp()
            }
        };
        (moved * (self.semitones / 12.0).exp2()).clamp(LOWEST_HZ, HIGHEST_HZ)
    }

    /// How much wider the melody becomes, so that its standard deviation is that of the style.
    pub fn scale(&self, source: &SourceProfile) -> f32 {
        match (self.spread, source.spread) {
            (Some(style), Some(own)) if style > 0.0 && own > 0.0 => {
                (style / own).clamp(LEAST, MOST)
            }
            _ => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: SourceProfile = SourceProfile {
        register_hz: Some(100.0),
        spread: Some(0.1),
        level_db: None,
    };

    fn melody(register_hz: Option<f32>, spread: Option<f32>, semitones: f32) -> Melody {
        Melody {
            register_hz,
            spread,
            semitones,
        }
    }

    #[track_caller]
    fn near(found: f32, expected: f32) {
        assert!((found / expected - 1.0).abs() < 1e-5, "{found} {expected}");
    }

    #[test]
    fn the_register_is_that_of_the_target() {
        let placed = melody(Some(200.0), None, 0.0);
        near(placed.convert(100.0, &SOURCE), 200.0);
        near(placed.convert(130.0, &SOURCE), 260.0);
        assert_eq!(placed.convert(0.0, &SOURCE), 0.0);
        near(
            melody(Some(200.0), None, 12.0).convert(100.0, &SOURCE),
            400.0,
        );
        let unknown = SourceProfile::default();
        near(placed.convert(150.0, &unknown), 200.0);
    }

    #[test]
    fn a_style_spreads_the_melody_within_bounds() {
        let (high, low) = (100.0 * 0.1f32.exp(), 100.0 * (-0.1f32).exp());
        let wider = melody(Some(200.0), Some(0.15), 0.0);
        near(wider.convert(high, &SOURCE), 200.0 * 0.15f32.exp());
        near(wider.convert(low, &SOURCE), 200.0 * (-0.15f32).exp());
        let much = melody(Some(200.0), Some(9.0), 0.0);
        near(much.convert(high, &SOURCE), 200.0 * 0.2f32.exp());
        near(much.convert(190.0, &SOURCE), 400.0);
        // What strays by more than an octave by itself is left where it is.
        near(much.convert(250.0, &SOURCE), 500.0);
        let flat = melody(Some(200.0), Some(1e-3), 0.0);
        near(flat.convert(high, &SOURCE), 200.0 * 0.05f32.exp());
        let untold = SourceProfile {
            spread: None,
            ..SOURCE
        };
        near(wider.convert(high, &untold), 200.0 * 0.1f32.exp());
    }

    #[test]
    fn the_source_may_keep_its_pitch() {
        near(melody(None, Some(0.3), 0.0).convert(123.0, &SOURCE), 123.0);
        near(melody(None, None, -12.0).convert(123.0, &SOURCE), 61.5);
        near(melody(None, None, 24.0).convert(500.0, &SOURCE), 1000.0);
    }
}
