//! How loud speech is, its pauses left out.

/// Samples of a frame at 24 kHz: 12.5 ms.
pub(super) const FRAME: usize = 300;

/// Frames so far below the loud ones count as pauses, dB.
const PAUSE_DB: f32 = 25.0;

/// The level that references are brought to before the networks hear them, dB.
pub(crate) const REFERENCE_DB: f32 = -23.0;

/// Mean power of each whole frame.
pub(super) fn powers(samples: &[f32]) -> Vec<f32> {
    let power = |frame: &[f32]| {
        let sum: f64 = frame.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        (sum / frame.len() as f64) as f32
    };
    samples.chunks_exact(FRAME).map(power).collect()
}

/// The power that 95 % of the frames stay below: of `sorted[floor(0.95 (n - 1))]`.
pub(super) fn loud(powers: &[f32]) -> f32 {
    let mut sorted = powers.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let at = (0.95 * powers.len().saturating_sub(1) as f64) as usize;
    sorted.get(at).copied().unwrap_or_default()
}

/// The level of speech in mono `samples` at 24 kHz, dB below full scale: of the frames that are less than 25 dB below
/// the loud ones. Minus infinity for silence.
pub(crate) fn speech_level_db(samples: &[f32]) -> f32 {
    level_db(&powers(samples))
}

/// As [`speech_level_db`], from the mean power of every frame.
pub(crate) fn level_db(powers: &[f32]) -> f32 {
    let floor = loud(powers) * 10f32.powf(-PAUSE_DB / 10.0);
    let (sum, count) = powers
        .iter()
        .filter(|&&power| power > floor)
        .fold((0.0f64, 0usize), |(sum, count), &power| {
            (sum + f64::from(power), count + 1)
        });
    if count == 0 {
        return f32::NEG_INFINITY;
    }
    10.0 * (sum / count as f64).log10() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_do_not_lower_the_level() {
        let tone: Vec<f32> = (0..24_000).map(|t| 0.1 * (t as f32 * 0.3).sin()).collect();
        let alone = speech_level_db(&tone);
        assert!((alone + 23.01).abs() < 0.1, "{alone}");
        let mut paused = tone.clone();
        paused.extend(vec![1e-4; 48_000]);
        paused.extend(&tone);
        assert!((speech_level_db(&paused) - alone).abs() < 0.01);
        assert_eq!(speech_level_db(&[0.0; 9_000]), f32::NEG_INFINITY);
        assert_eq!(speech_level_db(&[]), f32::NEG_INFINITY);
    }
}
