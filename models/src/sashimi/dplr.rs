//! The state spaces of a layer: diagonal plus rank one, one per channel.

use syrinx_vocoder::kernel::{Complex64, DplrPole, Recurrence};

use super::tensors::Tensors;
use super::truncation;
use crate::{Error, Result};

/// How the stored logarithm of the step becomes the step Δ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepTransform {
    /// Δ = eˣ: all published checkpoints, also those converted to the newer names.
    #[default]
    Exp,
    /// Δ = ln(1 + eˣ): what newer training code defaults to.
    Softplus,
}

impl StepTransform {
    fn apply(self, x: f64) -> f64 {
        match self {
            Self::Exp => x.exp(),
            // ln(1 + eˣ) is x long before eˣ overflows.
            Self::Softplus if x > 30.0 => x,
            Self::Softplus => x.exp().ln_1p(),
        }
    }
}

/// x′ = A x + B u, y = 2 Re C x for each of H channels, with A = diag(λ) − p q over N conjugate pairs.
///
/// Discretised by the bilinear rule with the step Δ of the channel. In the Hurwitz form (It's Raw!,
/// section 4.1) q = p* and Re λ < 0, so that A can only decay.
#[derive(Debug, Clone)]
pub struct Dplr {
    pub(super) states: usize,
    /// Δ \[H\]
    pub(super) step: Vec<f64>,
    /// \[H\]\[N\] each.
    pub(super) lambda: Vec<Complex64>,
    pub(super) b: Vec<Complex64>,
    pub(super) p: Vec<Complex64>,
    pub(super) q: Vec<Complex64>,
    /// \[direction\]\[H\]\[N\]: forwards, and backwards where the layer reads both ways.
    pub(super) c: Vec<Vec<Complex64>>,
    /// The length that C is corrected for, C̃ = C (1 − Āᴸ); 0 where C is C itself.
    pub(super) length: usize,
}

/// A state smaller than this beside the others is held up by it: the change of variables of
/// [`Dplr::recurrences`] divides by p, and this far down p is lost in single precision anyway.
const SMALLEST_P: f64 = 1e-9;

impl Dplr {
    /// Reads the kernel `prefix` of `channels` channels in the names of v4, or of v3 and v2.
    pub(crate) fn load(
        tensors: &Tensors,
        prefix: &str,
        channels: usize,
        transform: StepTransform,
    ) -> Result<Self> {
        let name = |part: &str| format!("{prefix}.{part}");
        let newest = tensors.contains(&name("inv_dt"));
        let p_dims = tensors.dims(&name("P")).unwrap_or_default().to_vec();
        let &[rank, sets, states, 2] = p_dims.as_slice() else {
            return Err(tensors.fault(&name("P"), "[1, sets, states, 2]", format!("{p_dims:?}")));
        };
        if rank != 1 {
            return Err(tensors.fault(&name("P"), "rank 1", format!("rank {rank}")));
        }
        if sets == 0 || states == 0 || !channels.is_multiple_of(sets) {
            let found = format!("{sets} sets for {channels} channels");
            return Err(tensors.fault(&name("P"), "sets that divide the channels", found));
        }
        let (step, real, imaginary, sign) = match newest {
            true => ("inv_dt", "A_real", "A_imag", -1.0),
            false if tensors.contains(&name("inv_w_real")) => {
                ("log_dt", "inv_w_real", "w_imag", 1.0)
            }
            false => ("log_dt", "log_w_real", "w_imag", 1.0),
        };
        let step = tensors.doubles(&name(step), channels)?;
        let real = tensors.doubles(&name(real), sets * states)?;
        let imaginary = tensors.doubles(&name(imaginary), sets * states)?;
        let lambda: Vec<Complex64> = real
            .iter()
            .zip(&imaginary)
            .map(|(re, im)| Complex64::new(-re.exp(), sign * im))
            .collect();
        let b = tensors.complex(&name("B"), sets * states)?;
        let p = tensors.complex(&name("P"), sets * states)?;
        let c_dims = tensors.dims(&name("C")).unwrap_or_default().to_vec();
        let directions = c_dims.first().copied().unwrap_or(0);
        if !matches!(directions, 1 | 2) {
            return Err(tensors.fault(
                &name("C"),
                format!("[1 or 2, {channels}, {states}, 2]"),
                format!("{c_dims:?}"),
            ));
        }
        let c = tensors.complex(&name("C"), directions * channels * states)?;
        let length = Self::length(tensors, prefix)?;
        let dplr = Self {
            states,
            step: step.into_iter().map(|x| transform.apply(x)).collect(),
            q: spread(&p, channels, states, |p| p.conj()),
            lambda: spread(&lambda, channels, states, |x| x),
            b: spread(&b, channels, states, |x| x),
            p: spread(&p, channels, states, |x| x),
            c: c.chunks(channels * states).map(<[_]>::to_vec).collect(),
            length,
        };
        dplr.check(tensors, prefix, true)?;
        Ok(dplr)
    }

    /// Reads one direction of the `checkpoints` branch of DiffWave-SaShiMi: A = diag(w) − p q*, b with p
    /// and c with q in one tensor each, products with conjugates of c and q.
    pub(crate) fn load_krylov(tensors: &Tensors, prefix: &str, channels: usize) -> Result<Self> {
        let name = |part: &str| format!("{prefix}.{part}");
        let dims = tensors.dims(&name("w")).unwrap_or_default().to_vec();
        let &[states, 2] = dims.as_slice() else {
            return Err(tensors.fault(&name("w"), "[states, 2]", format!("{dims:?}")));
        };
        let lambda = tensors.complex(&name("w"), states)?;
        let bp = tensors.complex(&name("B"), 2 * states)?;
        let cq = tensors.complex(&name("C"), channels * 2 * states)?;
        let step = tensors.doubles(&name("log_dt"), channels)?;
        // Of each channel c and then q.
        let half = |from: usize| -> Vec<Complex64> {
            let rows = cq.chunks_exact(2 * states);
            let halves = rows.flat_map(|row| &row[from..from + states]);
            halves.map(Complex64::conj).collect()
        };
        let nodes = name("nodes");
        let length = match tensors.dims(&nodes) {
            Some(&[rows, 2]) if rows > 1 => 2 * (rows - 1),
            other => return Err(tensors.fault(&nodes, "[L / 2 + 1, 2]", format!("{other:?}"))),
        };
        tensors.pass_over(&nodes);
        tensors.pass_over(&name("z"));
        let dplr = Self {
            states,
            step: step.into_iter().map(f64::exp).collect(),
            lambda: spread(&lambda, channels, states, |x| x),
            b: spread(&bp[..states], channels, states, |x| x),
            p: spread(&bp[states..], channels, states, |x| x),
            q: half(states),
            c: vec![half(0)],
            length,
        };
        dplr.check(tensors, prefix, false)?;
        Ok(dplr)
    }

    /// The length that a checkpoint's C is corrected for, under any of its names.
    fn length(tensors: &Tensors, prefix: &str) -> Result<usize> {
        for name in ["l_kernel", "L"] {
            let name = format!("{prefix}.{name}");
            if tensors.contains(&name) {
                return tensors.integer(&name);
            }
        }
        // v2 keeps the frequencies instead, half of them and one.
        let (omega, z) = (format!("{prefix}.omega"), format!("{prefix}.z"));
        match tensors.dims(&omega) {
            Some(&[rows, 2]) if rows > 1 => {
                tensors.pass_over(&omega);
                tensors.pass_over(&z);
                Ok(2 * (rows - 1))
            }
            _ => Err(tensors.fault(
                &format!("{prefix}.l_kernel"),
                "the length of the kernel (l_kernel in v4, L in v3, omega in v2)",
                "none of them",
            )),
        }
    }

    /// That the numbers are a system that can run, and one that decays where it has to.
    fn check(&self, tensors: &Tensors, prefix: &str, decays: bool) -> Result<()> {
        let fault =
            |what: &str| Err(tensors.fault(prefix, "a state space that can run", what.to_owned()));
        if self.step.iter().any(|dt| *dt <= 0.0 || !dt.is_finite()) {
            return fault("a step that is not above 0");
        }
        let runs = |l: &Complex64| l.re.is_finite() && l.im.is_finite();
        if self
            .lambda
            .iter()
            .any(|l| !runs(l) || (decays && l.re >= 0.0))
        {
            return fault("a pole without a negative real part");
        }
        Ok(())
    }

    /// Channels.
    pub fn channels(&self) -> usize {
        self.step.len()
    }

    /// Complex states per channel, each standing for itself and its conjugate.
    pub fn states(&self) -> usize {
        self.states
    }

    /// Outputs per channel: 1, or 2 where there is a backward one.
    pub fn directions(&self) -> usize {
        self.c.len()
    }

    pub(super) fn row<'a>(&self, of: &'a [Complex64], channel: usize) -> &'a [Complex64] {
        &of[channel * self.states..(channel + 1) * self.states]
    }

    /// The kernels of each direction, \[H, taps\].
    ///
    /// # Errors
    /// [`Error::Compute`] from the products of matrices that a change of length takes.
    pub fn kernels(&self, taps: usize) -> Result<Vec<Vec<f32>>> {
        let (c, length) = truncation::corrected(self, taps)?;
        let kernel = |c: &Vec<Complex64>| {
            let channels: Vec<Vec<DplrPole>> = (0..self.channels())
                .map(|channel| self.poles(channel, self.row(c, channel)))
                .collect();
            syrinx_vocoder::kernel::dplr_kernels(&channels, length, taps)
        };
        Ok(c.iter().map(kernel).collect())
    }

    fn poles(&self, channel: usize, c: &[Complex64]) -> Vec<DplrPole> {
        let dt = self.step[channel];
        let of = |numbers: &[Complex64], n: usize| numbers[channel * self.states + n];
        let pole = |n: usize| {
            let (b, p, q) = (of(&self.b, n), of(&self.p, n), of(&self.q, n));
            DplrPole {
                pole: of(&self.lambda, n) * dt,
                products: [c[n] * b, c[n] * p, q * b, q * p].map(|v| v * dt),
            }
        };
        (0..self.states).map(pole).collect()
    }

    /// The discrete system of a channel: s ← G s + v f + w u with f = 2 Re m·s, before any change of variables.
    ///
    /// From s′ = (2/Δ − A)⁻¹ ((2/Δ + A) s + 2 B u): both factors are diagonal plus rank one, and so is
    /// their product, with D = 1/(2/Δ − λ), E = 2/Δ + λ, R = qD / (1 + 2 Re qDp):
    /// G = DE, v = −Dp, m = RE + (1 − 2 Re Rp) q, and f gains 4 Re(R B) u.
    pub(super) fn discrete(&self, channel: usize) -> Discrete {
        let rate = 2.0 / self.step[channel];
        let pick = |of| self.row(of, channel).to_vec();
        let (lambda, b, p, q) = (
            pick(&self.lambda),
            pick(&self.b),
            pick(&self.p),
            pick(&self.q),
        );
        let d: Vec<_> = lambda.iter().map(|l| 1.0 / (rate - l)).collect();
        let real_sum = |terms: &mut dyn Iterator<Item = Complex64>| -> f64 {
            2.0 * terms.map(|term| term.re).sum::<f64>()
        };
        let states = 0..self.states;
        let qdp = real_sum(&mut states.clone().map(|n| q[n] * d[n] * p[n]));
        let r: Vec<_> = states.clone().map(|n| q[n] * d[n] / (1.0 + qdp)).collect();
        let rp = real_sum(&mut states.clone().map(|n| r[n] * p[n]));
        let rb = 2.0 * real_sum(&mut states.clone().map(|n| r[n] * b[n]));
        Discrete {
            g: states.clone().map(|n| d[n] * (rate + lambda[n])).collect(),
            v: states.clone().map(|n| -d[n] * p[n]).collect(),
            m: states
                .clone()
                .map(|n| r[n] * (rate + lambda[n]) + q[n] * (1.0 - rp))
                .collect(),
            w: states
                .map(|n| 2.0 * d[n] * b[n] - d[n] * p[n] * rb)
                .collect(),
        }
    }

    /// The steps of all channels for [`StateSpace`](syrinx_vocoder::kernel::StateSpace), with `skip` \[H\].
    ///
    /// The states are counted in units of v, which makes the feedback a plain sum.
    ///
    /// # Errors
    /// [`Error::Config`] for a layer that reads both ways: it cannot step.
    pub fn recurrences(&self, skip: &[f32]) -> Result<Vec<Recurrence>> {
        if self.directions() != 1 {
            return Err(Error::Config(
                "a bidirectional model cannot generate sample by sample".into(),
            ));
        }
        let held = self.held_up();
        let c = truncation::uncorrected(&held)?;
        let pair = |z: Complex64| [z.re as f32, z.im as f32];
        let recurrence = |channel: usize| {
            let Discrete { g, v, m, w } = held.discrete(channel);
            let c = held.row(&c[0], channel);
            let state = |n: usize| [g[n], w[n] / v[n], m[n] * v[n], c[n] * v[n]].map(pair);
            Recurrence {
                states: (0..held.states).map(state).collect(),
                skip: skip[channel],
            }
        };
        Ok((0..self.channels()).map(recurrence).collect())
    }

    /// With no p so small that it cannot be divided by.
    fn held_up(&self) -> Self {
        let mut held = self.clone();
        for channel in 0..self.channels() {
            let largest = self.row(&self.p, channel).iter().map(|p| p.norm());
            let least = largest.fold(0.0, f64::max).max(1.0) * SMALLEST_P;
            let from = channel * self.states;
            for n in from..from + self.states {
                if held.p[n].norm() < least {
                    held.p[n] = Complex64::new(least, 0.0);
                }
            }
        }
        held
    }
}

/// One channel in discrete time.
pub(super) struct Discrete {
    pub g: Vec<Complex64>,
    pub v: Vec<Complex64>,
    pub m: Vec<Complex64>,
    pub w: Vec<Complex64>,
}

/// Parameters that channels share, once per channel: set h mod S belongs to channel h.
fn spread(
    sets: &[Complex64],
    channels: usize,
    states: usize,
    f: impl Fn(Complex64) -> Complex64,
) -> Vec<Complex64> {
    let all = sets.iter().cycle().take(channels * states);
    all.map(|x| f(*x)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_positive_whatever_is_stored() {
        assert_eq!(StepTransform::Exp.apply(0.0), 1.0);
        assert!((StepTransform::Softplus.apply(0.0) - 2f64.ln()).abs() < 1e-15);
        assert_eq!(StepTransform::Softplus.apply(800.0), 800.0);
        assert!(StepTransform::Softplus.apply(-20.0) > 0.0);
    }
}
