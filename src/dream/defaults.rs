//! The settings a model is at its best with.

use serde::Deserialize;

/// What a request asks for unless it says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(default)]
pub struct DreamDefaults {
    /// Length of a clip, s.
    pub seconds: f64,
    /// Less than 1 prefers the likely.
    pub temperature: f32,
    /// Draws only from the fewest values that together have this probability.
    pub top_p: f32,
}

impl Default for DreamDefaults {
    /// One second, drawn as the model predicts.
    fn default() -> Self {
        Self {
            seconds: 1.0,
            temperature: 1.0,
            top_p: 1.0,
        }
    }
}

impl DreamDefaults {
    /// That a clip can be made so, or what is in the way.
    pub(super) fn check(&self) -> Result<(), String> {
        let fault = |name: &str, value: f64, range: &str| {
            Err(format!("defaults.{name} is {value}, expected {range}"))
        };
        if !(0.001..=86_400.0).contains(&self.seconds) {
            return fault("seconds", self.seconds, "0.001 to 86400");
        }
        if !(0.0..=2.0).contains(&self.temperature) {
            return fault("temperature", self.temperature.into(), "0 to 2");
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return fault("top_p", self.top_p.into(), "above 0, up to 1");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_leaves_out_is_usual_and_what_it_says_is_checked() {
        let read = |json: &str| serde_json::from_str::<DreamDefaults>(json).unwrap();
        assert_eq!(read("{}"), DreamDefaults::default());
        let some = read(r#"{"temperature": 0.9, "seconds": 8}"#);
        assert_eq!(
            (some.seconds, some.temperature, some.top_p),
            (8.0, 0.9, 1.0)
        );
        assert_eq!(some.check(), Ok(()));
        for (json, name) in [
            (r#"{"seconds": 0}"#, "seconds"),
            (r#"{"temperature": -1}"#, "temperature"),
            (r#"{"top_p": 0}"#, "top_p"),
        ] {
            assert!(read(json).check().unwrap_err().contains(name));
        }
    }
}
