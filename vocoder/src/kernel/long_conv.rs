//! Convolution with a kernel as long as the signal, through the Fourier transform.

use std::sync::Arc;

use candle_core::{Device, Result, Storage, Tensor, bail};
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::num_complex::Complex32;

use super::activation::Activation;
use super::pool;
use super::tensor::{elements, unwritten};

/// A kernel of its own for each channel: \[B, H, T\] → \[B, H, T\], y = activation(k ∗ x + skip · x).
///
/// Every call transforms the kernels again: their spectra would be twice their size, which counts
/// more than a third of the time.
pub struct LongConv {
    kernel: Arc<[f32]>,
    reverse: Option<Arc<[f32]>>,
    skip: Vec<f32>,
    taps: usize,
}

impl LongConv {
    /// `kernel` \[H, taps\], tap j reading x\[t − j\]; `reverse`, of the same size, tap j reading
    /// x\[t + 1 + j\] (so that together they read every sample once); `skip` \[H\].
    ///
    /// # Errors
    /// If the lengths do not fit together.
    pub fn new(
        kernel: impl Into<Arc<[f32]>>,
        reverse: Option<Arc<[f32]>>,
        skip: &[f32],
    ) -> Result<Self> {
        let kernel = kernel.into();
        let channels = skip.len();
        let same = reverse.as_ref().is_none_or(|r| r.len() == kernel.len());
        if channels == 0 || kernel.is_empty() || kernel.len() % channels != 0 || !same {
            bail!(
                "long convolution: {} taps for {channels} channels",
                kernel.len()
            )
        }
        Ok(Self {
            taps: kernel.len() / channels,
            skip: skip.to_vec(),
            kernel,
            reverse,
        })
    }

    /// Taps per channel: signals may be at most that long.
    pub fn taps(&self) -> usize {
        self.taps
    }

    /// Convolves `x` \[B, H, T\] with T up to [`LongConv::taps`], and applies `activation`.
    ///
    /// # Errors
    /// If `x` has other channels, is longer than the kernels, or is not f32 on the CPU.
    pub fn forward(&self, x: &Tensor, activation: Activation) -> Result<Tensor> {
        let (_, channels, time) = x.dims3()?;
        if channels != self.skip.len() || time > self.taps {
            bail!(
                "long convolution: {:?} for {} channels and at most {} samples",
                x.shape(),
                self.skip.len(),
                self.taps
            )
        }
        let size = fast_size(2 * time.max(1));
        let mut planner = RealFftPlanner::<f32>::new();
        let op = Op {
            conv: self,
            forward: planner.plan_fft_forward(size),
            inverse: planner.plan_fft_inverse(size),
            activation,
            size,
        };
        op.apply(x)
    }
}

struct Op<'a> {
    conv: &'a LongConv,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    activation: Activation,
    size: usize,
}

impl Op<'_> {
    fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let x = x.contiguous()?;
        let dims = x.dims3()?;
        let (storage, layout) = x.storage_and_layout();
        let Storage::Cpu(storage) = &*storage else {
            bail!("long convolution: the signal is not on the CPU")
        };
        let y = self.convolve(elements(storage, layout)?, dims)?;
        Tensor::from_vec(y, dims, &Device::Cpu)
    }

    fn convolve(
        &self,
        x: &[f32],
        (batch, channels, time): (usize, usize, usize),
    ) -> Result<Vec<f32>> {
        let mut out = vec![0.0; batch * channels * time];
        let rows = pool::SharedMut::new(unwritten(&mut out));
        pool::run(channels, &|channel| {
            let mut work = Work::new(self);
            work.kernel(channel, time);
            for item in 0..batch {
                let from = (item * channels + channel) * time;
                // SAFETY: inside `out`; rows of different channels and items do not overlap.
                let y = unsafe { std::slice::from_raw_parts_mut(rows.get().add(from), time) };
                work.signal(&x[from..from + time], channel, y);
            }
        });
        Ok(out)
    }
}

/// Buffers of one channel.
struct Work<'a, 'b> {
    op: &'b Op<'a>,
    time_domain: Vec<f32>,
    kernel: Vec<Complex32>,
    signal: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl<'a, 'b> Work<'a, 'b> {
    fn new(op: &'b Op<'a>) -> Self {
        let scratch = op
            .forward
            .get_scratch_len()
            .max(op.inverse.get_scratch_len());
        let bins = op.size / 2 + 1;
        Self {
            op,
            time_domain: vec![0.0; op.size],
            kernel: vec![Complex32::default(); bins],
            signal: vec![Complex32::default(); bins],
            scratch: vec![Complex32::default(); scratch],
        }
    }

    /// The spectrum of a channel's kernel; taps of the reverse direction go in from the end.
    fn kernel(&mut self, channel: usize, time: usize) {
        let conv = self.op.conv;
        let row = channel * conv.taps..channel * conv.taps + time;
        self.time_domain.fill(0.0);
        self.time_domain[..time].copy_from_slice(&conv.kernel[row.clone()]);
        if let Some(reverse) = &conv.reverse {
            let end = self.time_domain.len();
            // A tap that reads beyond the last sample has nothing to read.
            for (j, tap) in reverse[row].iter().take(time.saturating_sub(1)).enumerate() {
                self.time_domain[end - 1 - j] = *tap;
            }
        }
        transform(
            &*self.op.forward,
            &mut self.time_domain,
            &mut self.kernel,
            &mut self.scratch,
        );
    }

    fn signal(&mut self, x: &[f32], channel: usize, y: &mut [f32]) {
        self.time_domain[..x.len()].copy_from_slice(x);
        self.time_domain[x.len()..].fill(0.0);
        transform(
            &*self.op.forward,
            &mut self.time_domain,
            &mut self.signal,
            &mut self.scratch,
        );
        let scale = 1.0 / self.op.size as f32;
        for (s, k) in self.signal.iter_mut().zip(&self.kernel) {
            *s = *s * *k * scale;
        }
        let last = self.signal.len() - 1;
        self.signal[0].im = 0.0;
        self.signal[last].im = 0.0;
        let inverse = &self.op.inverse;
        inverse
            .process_with_scratch(&mut self.signal, &mut self.time_domain, &mut self.scratch)
            .expect("buffers have the sizes of the plan");
        let skip = self.op.conv.skip[channel];
        for ((y, x), convolved) in y.iter_mut().zip(x).zip(&self.time_domain) {
            *y = convolved + skip * x;
        }
        self.op.activation.apply(y);
    }
}

fn transform(
    plan: &dyn RealToComplex<f32>,
    input: &mut [f32],
    output: &mut [Complex32],
    scratch: &mut [Complex32],
) {
    plan.process_with_scratch(input, output, scratch)
        .expect("buffers have the sizes of the plan");
}

/// The smallest even size of at least `n` that factors into 2, 3 and 5.
fn fast_size(n: usize) -> usize {
    let mut size = n.next_multiple_of(2);
    loop {
        let mut rest = size;
        for factor in [2, 3, 5] {
            while rest.is_multiple_of(factor) {
                rest /= factor;
            }
        }
        if rest == 1 {
            return size;
        }
        size += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_equal_the_sums_they_stand_for() {
        let (batch, channels, time, taps) = (2, 3, 11, 13);
        let value = |i: usize| ((i * 37 + 11) % 29) as f32 / 29.0 - 0.5;
        let kernel: Vec<f32> = (0..channels * taps).map(value).collect();
        let reverse: Vec<f32> = (0..channels * taps).map(|i| value(i + 500)).collect();
        let x: Vec<f32> = (0..batch * channels * time)
            .map(|i| value(i + 90))
            .collect();
        let skip = [0.5, -1.0, 2.0];
        let tensor = Tensor::from_slice(&x, (batch, channels, time), &Device::Cpu).unwrap();
        for both in [false, true] {
            let backwards = both.then(|| reverse.clone().into());
            let conv = LongConv::new(kernel.clone(), backwards, &skip).unwrap();
            let y = conv.forward(&tensor, Activation::Identity).unwrap();
            let y = y.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            for (row, (x, y)) in x.chunks(time).zip(y.chunks(time)).enumerate() {
                let channel = row % channels;
                for (t, found) in y.iter().enumerate() {
                    let mut sum = skip[channel] * x[t];
                    sum += (0..=t)
                        .map(|j| kernel[channel * taps + j] * x[t - j])
                        .sum::<f32>();
                    if both {
                        sum += (0..time - 1 - t)
                            .map(|j| reverse[channel * taps + j] * x[t + 1 + j])
                            .sum::<f32>();
                    }
                    assert!((sum - found).abs() < 2e-6, "{row} {t}: {sum} {found}");
                }
            }
        }
        assert!(LongConv::new(kernel.clone(), None, &[0.0; 2]).is_err());
        let long = Tensor::zeros((1, 3, 14), candle_core::DType::F32, &Device::Cpu).unwrap();
        let conv = LongConv::new(kernel, None, &skip).unwrap();
        assert!(conv.forward(&long, Activation::Identity).is_err());
    }
}
