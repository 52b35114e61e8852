//! SSML's ways to say how something is said: rate, pitch, volume, pauses.

use super::utterance::Prosody;

/// Longest pause, ms.
const LONGEST_PAUSE: f32 = 60_000.0;

/// `break`: a time, or a strength.
pub(crate) fn pause_ms(time: Option<&str>, strength: Option<&str>) -> Result<u32, String> {
    if let Some(time) = time {
        let time = time.trim();
        let ms = match time.strip_suffix("ms") {
            Some(n) => n.trim().parse::<f32>(),
            None => time
                .strip_suffix('s')
                .unwrap_or("?")
                .trim()
                .parse::<f32>()
                .map(|s| s * 1000.0),
        };
        return match ms {
            Ok(ms) if (0.0..=LONGEST_PAUSE).contains(&ms) => Ok(ms as u32),
            _ => Err(format!(
                "break time {time:?} is not a time up to 60 s, such as \"500ms\" or \"1.5s\""
            )),
        };
    }
    Ok(match strength.unwrap_or("medium") {
        "none" => 0,
        "x-weak" => 100,
        "weak" => 200,
        "medium" => 400,
        "strong" => 700,
        "x-strong" => 1200,
        other => {
            return Err(format!(
                "break strength {other:?} is none of none, x-weak, weak, medium, strong, x-strong"
            ));
        }
    })
}

/// `prosody` inside the prosody around it.
pub(crate) fn prosody(
    around: Prosody,
    rate: Option<&str>,
    pitch: Option<&str>,
    volume: Option<&str>,
) -> Result<Prosody, String> {
    let mut out = around;
    if let Some(rate) = rate {
        out.rate *= self::rate(rate.trim())?;
    }
    if let Some(pitch) = pitch {
        out.pitch_semitones += self::pitch(pitch.trim())?;
    }
    if let Some(volume) = volume {
        out.volume_db += self::volume(volume.trim())?;
    }
    if !(0.25..=4.0).contains(&out.rate) {
        return Err(format!("prosody rate {:.2} is outside 0.25 to 4", out.rate));
    }
    if !(-24.0..=24.0).contains(&out.pitch_semitones) {
        return Err(format!(
            "prosody pitch {:+.1} st is outside -24st to +24st",
            out.pitch_semitones
        ));
    }
    out.volume_db = out.volume_db.min(24.0);
    Ok(out)
}

/// `emphasis` as a change of prosody.
pub(crate) fn emphasis(around: Prosody, level: Option<&str>) -> Result<Prosody, String> {
    let (rate, volume) = match level.unwrap_or("moderate") {
        "strong" => (0.88, 3.0),
        "moderate" => (0.94, 1.5),
        "none" => (1.0, 0.0),
        "reduced" => (1.06, -2.0),
        other => {
            return Err(format!(
                "emphasis level {other:?} is none of strong, moderate, none, reduced"
            ));
        }
    };
    Ok(Prosody {
        rate: around.rate * rate,
        volume_db: around.volume_db + volume,
        ..around
    })
}

/// A finite number.
fn number(text: &str) -> Option<f32> {
    text.trim().parse::<f32>().ok().filter(|n| n.is_finite())
}

/// The factor that "+20" or "120" percent stand for: with a sign it is relative to what is around.
fn percentage(text: &str) -> Option<f32> {
    let part = number(text)? / 100.0;
    Some(if text.starts_with(['+', '-']) {
        1.0 + part
    } else {
        part
    })
}

fn rate(text: &str) -> Result<f32, String> {
    let named = match text {
        "x-slow" => Some(0.6),
        "slow" => Some(0.8),
        "medium" | "default" => Some(1.0),
        "fast" => Some(1.25),
        "x-fast" => Some(1.6),
        _ => None,
    };
    let factor = named.or_else(|| match text.strip_suffix('%') {
        Some(n) => percentage(n),
        None => number(text),
    });
    factor.filter(|f| *f > 0.0).ok_or_else(|| {
        format!("prosody rate {text:?} is not a factor (\"1.2\"), a percentage (\"120%\", \"-10%\") or one of x-slow, slow, medium, fast, x-fast")
    })
}

fn pitch(text: &str) -> Result<f32, String> {
    let named = match text {
        "x-low" => Some(-6.0),
        "low" => Some(-3.0),
        "medium" | "default" => Some(0.0),
        "high" => Some(3.0),
        "x-high" => Some(6.0),
        _ => None,
    };
    let semitones = named.or_else(|| match (text.strip_suffix("st"), text.strip_suffix('%')) {
        (Some(n), _) => number(n),
        (_, Some(n)) => {
            let factor = percentage(n)?;
            (factor > 0.0).then(|| 12.0 * factor.log2())
        }
        _ => None,
    });
    semitones.ok_or_else(|| {
        format!("prosody pitch {text:?} is not in semitones (\"+2st\"), a percentage (\"+10%\") or one of x-low, low, medium, high, x-high")
    })
}

fn volume(text: &str) -> Result<f32, String> {
    let named = match text {
        "silent" => Some(-120.0),
        "x-soft" => Some(-12.0),
        "soft" => Some(-6.0),
        "medium" | "default" => Some(0.0),
        "loud" => Some(4.0),
        "x-loud" => Some(8.0),
        _ => None,
    };
    let db = named.or_else(|| match (text.strip_suffix("dB"), text.strip_suffix('%')) {
        (Some(n), _) => number(n),
        (_, Some(n)) => {
            let factor = percentage(n)?;
            (factor >= 0.0).then(|| (20.0 * factor.max(1e-6).log10()).max(-120.0))
        }
        _ => None,
    });
    db.ok_or_else(|| {
        format!("prosody volume {text:?} is not in decibels (\"+6dB\"), a percentage or one of silent, x-soft, soft, medium, loud, x-loud")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prosody_combines() {
        let p = prosody(Prosody::default(), Some("120%"), Some("+2st"), Some("-6dB")).unwrap();
        let q = prosody(p, Some("-50%"), Some("x-low"), None).unwrap();
        assert!((p.rate - 1.2).abs() < 1e-6 && (q.rate - 0.6).abs() < 1e-6);
        assert_eq!((q.pitch_semitones, q.volume_db), (-4.0, -6.0));
        assert!(prosody(p, Some("NaN"), None, None).is_err());
        assert!(prosody(p, Some("9"), None, None).is_err());
    }

    #[test]
    fn pauses_have_units_and_bounds() {
        assert_eq!(pause_ms(Some("1.5s"), None), Ok(1500));
        assert_eq!(pause_ms(Some("500ms"), Some("weak")), Ok(500));
        assert_eq!(pause_ms(None, Some("x-strong")), Ok(1200));
        assert!(pause_ms(Some("500"), None).is_err());
        assert!(pause_ms(Some("2h"), None).is_err());
        assert!(pause_ms(Some("99s"), None).is_err());
    }
}
