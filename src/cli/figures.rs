//! What a run took: time, memory, threads.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use syrinx::Engine;

/// Measured while speaking; waiting for text and for the sound card does not count.
#[derive(Debug, Clone)]
pub struct Figures {
    load_ms: f64,
    threads: usize,
    device: String,
    rate_hz: u32,
    /// From having the text to having the first samples.
    first_audio: Option<Duration>,
    synthesis: Duration,
    pub frames: u64,
    pub sentences: u64,
}

impl Figures {
    pub fn new(engine: &Engine) -> Self {
        Self {
            load_ms: engine.load_ms(),
            threads: engine.threads(),
            device: engine.device().to_string(),
            rate_hz: engine.rate_hz(),
            first_audio: None,
            synthesis: Duration::ZERO,
            frames: 0,
            sentences: 0,
        }
    }

    /// The same for audio of another rate, made by networks that took `load_ms` ms more to load.
    pub fn also_loaded(self, load_ms: f64, rate_hz: u32) -> Self {
        Self {
            load_ms: self.load_ms + load_ms,
            rate_hz,
            ..self
        }
    }

    /// Counts time spent making audio.
    pub fn worked(&mut self, time: Duration) {
        self.synthesis += time;
    }

    /// Counts audio made.
    pub fn heard(&mut self, frames: usize) {
        if frames > 0 {
            self.first_audio.get_or_insert(self.synthesis);
        }
        self.frames += frames as u64;
    }

    /// Length of the audio, seconds.
    pub fn audio_s(&self) -> f64 {
        self.frames as f64 / f64::from(self.rate_hz.max(1))
    }

    /// Seconds of work per second of audio.
    fn rtf(&self) -> Option<f64> {
        (self.frames > 0).then(|| self.synthesis.as_secs_f64() / self.audio_s())
    }

    /// The figures as they are reported.
    pub fn report(&self) -> Report {
        Report {
            load_ms: round(self.load_ms, 1),
            first_audio_ms: self.first_audio.map(|t| round(milliseconds(t), 1)),
            synthesis_ms: round(milliseconds(self.synthesis), 1),
            rtf: self.rtf().map(|rtf| round(rtf, 4)),
            threads: self.threads,
            device: self.device.clone(),
            peak_memory_mib: peak_memory_mib().map(|mib| round(mib, 1)),
        }
    }
}

/// [`Figures`] in the units and roundings of the output.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    load_ms: f64,
    first_audio_ms: Option<f64>,
    synthesis_ms: f64,
    rtf: Option<f64>,
    threads: usize,
    device: String,
    peak_memory_mib: Option<f64>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "load {:.1} ms", self.load_ms)?;
        if let Some(first) = self.first_audio_ms {
            write!(f, ", first audio {first:.1} ms")?;
        }
        write!(f, ", synthesis {:.1} ms", self.synthesis_ms)?;
        if let Some(rtf) = self.rtf {
            write!(f, ", RTF {rtf:.4}")?;
        }
        let plural = if self.threads == 1 { "" } else { "s" };
        write!(f, ", {} thread{plural} on {}", self.threads, self.device)?;
        if let Some(mib) = self.peak_memory_mib {
            write!(f, ", peak memory {mib:.1} MiB")?;
        }
        Ok(())
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

pub fn round(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}

/// The most memory this process has held, where the system tells (Linux).
fn peak_memory_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_peak_memory_of_a_test_is_plausible() {
        let mib = peak_memory_mib().unwrap();
        assert!((1.0..65_536.0).contains(&mib), "{mib}");
    }

    #[test]
    fn first_audio_is_the_time_of_the_first_samples() {
        let mut figures = Figures {
            load_ms: 12.34,
            threads: 2,
            device: "cpu".into(),
            rate_hz: 24_000,
            first_audio: None,
            synthesis: Duration::ZERO,
            frames: 0,
            sentences: 0,
        };
        assert_eq!(figures.report().rtf, None);
        figures.worked(Duration::from_millis(30));
        figures.heard(0);
        figures.worked(Duration::from_millis(20));
        figures.heard(24_000);
        figures.worked(Duration::from_millis(50));
        figures.heard(24_000);
        let report = figures.report();
        assert_eq!(report.first_audio_ms, Some(50.0));
        assert_eq!(report.rtf, Some(0.05));
        let line = report.to_string();
        assert!(
            line.starts_with("load 12.3 ms, first audio 50.0 ms"),
            "{line}"
        );
        assert!(line.contains("RTF 0.0500, 2 threads on cpu"), "{line}");
    }
}
