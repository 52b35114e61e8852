//! What is heard of the changed and of the unchanged voice: bypass and mute, without clicks.

/// Gains that move to where they shall be in straight lines.
#[derive(Debug, Clone)]
pub(super) struct Mixer {
    pub bypass: bool,
    pub mute: bool,
    /// Share of the unchanged voice and loudness, as they are.
    dry: f32,
    gain: f32,
    /// What they move by in a sample.
    step: f32,
}

impl Mixer {
    /// Changes take `fade` samples.
    pub fn new(fade: usize) -> Self {
        Self {
            bypass: false,
            mute: false,
            dry: 0.0,
            gain: 1.0,
            step: 1.0 / fade.max(1) as f32,
        }
    }

    /// Mixes a sample of each.
    pub fn mix(&mut self, wet: f32, dry: f32) -> f32 {
        self.dry = towards(self.dry, f32::from(u8::from(self.bypass)), self.step);
        self.gain = towards(self.gain, f32::from(u8::from(!self.mute)), self.step);
        self.gain * (wet + self.dry * (dry - wet))
    }
}

fn towards(from: f32, to: f32, step: f32) -> f32 {
    from + (to - from).clamp(-step, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_gradual_and_complete() {
        let mut mixer = Mixer::new(4);
        assert_eq!(mixer.mix(1.0, -1.0), 1.0);
        mixer.bypass = true;
        let mixed: Vec<f32> = (0..5).map(|_| mixer.mix(1.0, -1.0)).collect();
        assert_eq!(mixed, [0.5, 0.0, -0.5, -1.0, -1.0]);
        mixer.mute = true;
        let muted: Vec<f32> = (0..5).map(|_| mixer.mix(1.0, -1.0)).collect();
        assert_eq!(muted, [-0.75, -0.5, -0.25, 0.0, 0.0]);
    }
}
