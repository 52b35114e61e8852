//! Joints that do not click.

/// Smooths the joints of a signal that is put together of pieces: the step at a joint dies away over some milliseconds
/// instead of being heard as a click.
///
/// No overlap of the pieces is needed, and elsewhere samples stay as they are.
#[derive(Debug, Clone)]
pub(super) struct Seam {
    fade: usize,
    last: f32,
    step: f32,
    /// Samples since the joint.
    since: usize,
    joint: bool,
}

impl Seam {
    /// Steps die away over `fade` samples.
    pub fn new(fade: usize) -> Self {
        Self {
            fade: fade.max(1),
            last: 0.0,
            step: 0.0,
            since: fade,
            joint: false,
        }
    }

    /// The next sample does not continue the last.
    pub fn joint(&mut self) {
        self.joint = true;
    }

    /// The next sample comes after silence.
    pub fn rest(&mut self) {
        self.last = 0.0;
        self.joint = true;
    }

    /// Smooths the next samples.
    pub fn apply(&mut self, samples: &mut [f32]) {
        for sample in samples {
            if self.joint {
                self.step = self.last - *sample;
                self.since = 0;
                self.joint = false;
            }
            if self.since < self.fade {
                let x = self.since as f32 / self.fade as f32;
                *sample += self.step * (0.5 + 0.5 * (std::f32::consts::PI * x).cos());
                self.since += 1;
            }
            self.last = *sample;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_dies_away_and_the_rest_stays() {
        let mut seam = Seam::new(10);
        let mut first = [0.5; 20];
        seam.apply(&mut first);
        assert_eq!(first, [0.5; 20], "no joint, no change");
        seam.joint();
        let mut second = [-0.5; 20];
        seam.apply(&mut second);
        assert_eq!(second[0], 0.5);
        let largest = second.windows(2).map(|w| (w[1] - w[0]).abs());
        assert!(largest.fold(0.0, f32::max) < 0.17);
        assert_eq!(second[10..], [-0.5; 10]);
    }
}
