//! Convolutions and the layers made of them.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;
use proptest::prelude::*;

use super::super::*;
use super::{difference, noise, tensor, worst};

#[derive(Debug, Clone)]
struct Case {
    batch: usize,
    inputs: usize,
    outputs: usize,
    taps: usize,
    time: usize,
    stride: usize,
    dilation: usize,
    groups: usize,
    padding: (usize, usize),
    output_padding: usize,
}

impl Case {
    fn x(&self) -> Vec<f32> {
        noise(self.batch * self.inputs * self.time, 1)
    }
    fn weight(&self) -> Vec<f32> {
        noise(self.inputs * self.outputs / self.groups * self.taps, 2)
    }
    fn bias(&self) -> Vec<f32> {
        noise(self.outputs, 3)
    }
    fn spec(&self) -> Conv1dSpec {
        let Self {
            padding,
            stride,
            dilation,
            groups,
            ..
        } = *self;
        Conv1dSpec {
            padding,
            stride,
            dilation,
            groups,
        }
    }
    fn transposed_spec(&self) -> ConvTranspose1dSpec {
        let Self {
            padding,
            stride,
            dilation,
            groups,
            output_padding,
            ..
        } = *self;
        ConvTranspose1dSpec {
            stride,
            padding,
            output_padding,
            dilation,
            groups,
        }
    }

    /// Definition of the convolution, term by term.
    fn naive(&self, x: &[f32], w: &[f32], b: &[f32]) -> Vec<f64> {
        let steps = self.spec().output_len(self.time, self.taps).unwrap();
        let (ci, co) = (self.inputs / self.groups, self.outputs / self.groups);
        let mut y = vec![0.0; self.batch * self.outputs * steps];
        for (i, y) in y.iter_mut().enumerate() {
            let (n, o, t) = (
                i / steps / self.outputs,
                i / steps % self.outputs,
                i % steps,
            );
            *y = f64::from(b[o]);
            for c in 0..ci {
                for k in 0..self.taps {
                    let at = (t * self.stride + k * self.dilation).wrapping_sub(self.padding.0);
                    if at < self.time {
                        let v = x[(n * self.inputs + o / co * ci + c) * self.time + at];
                        *y += f64::from(v) * f64::from(w[(o * ci + c) * self.taps + k]);
                    }
                }
            }
        }
        y
    }

    /// Definition of the transposed convolution: every input adds its kernel to the output.
    fn naive_transposed(&self, x: &[f32], w: &[f32], b: &[f32]) -> Vec<f64> {
        let steps = self
            .transposed_spec()
            .output_len(self.time, self.taps)
            .unwrap();
        let (ci, co) = (self.inputs / self.groups, self.outputs / self.groups);
        let mut y: Vec<f64> = (0..self.batch * self.outputs * steps)
            .map(|i| f64::from(b[i / steps % self.outputs]))
            .collect();
        for n in 0..self.batch {
            for c in 0..self.inputs {
                for o in 0..co {
                    for t in 0..self.time {
                        for k in 0..self.taps {
                            let at =
                                (t * self.stride + k * self.dilation).wrapping_sub(self.padding.0);
                            if at < steps {
                                let out = n * self.outputs + c / ci * co + o;
                                y[out * steps + at] +=
                                    f64::from(x[(n * self.inputs + c) * self.time + t])
                                        * f64::from(w[(c * co + o) * self.taps + k]);
                            }
                        }
                    }
                }
            }
        }
        y
    }
}

prop_compose! {
    fn case()(
        groups in prop_oneof![4 => Just(1usize), 1 => 2usize..4],
        ci in 1usize..12, co in 1usize..12, batch in 1usize..3,
        taps in 1usize..8, stride in 1usize..5, dilation in 1usize..4,
        time in 1usize..130, left in 0usize..9, right in 0usize..9, extra in 0usize..4,
    ) -> Case {
        Case {
            batch, inputs: ci * groups, outputs: co * groups, taps, time, stride, dilation, groups,
            padding: (left, right), output_padding: extra % stride.max(dilation),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn conv1d_is_its_definition_at_every_level(case in case()) {
        let (x, w, b) = (case.x(), case.weight(), case.bias());
        let Some(steps) = case.spec().output_len(case.time, case.taps) else { return Ok(()) };
        let expected = case.naive(&x, &w, &b);
        for level in Level::available() {
            let sizes = (case.outputs, case.inputs, case.taps);
            let kernel = Conv1dKernel::at(level, &w, Some(&b), sizes, &case.spec()).unwrap();
            let mut y = vec![f32::NAN; case.batch * case.outputs * steps];
            let none = (Activation::Identity, Activation::Identity);
            kernel.run(&x, case.batch, case.time, none, None, &mut y).unwrap();
            prop_assert!(worst(&y, &expected) < 1e-5, "{}", level.name());
        }
    }

    #[test]
    fn conv_transpose1d_is_its_definition_at_every_level(case in case()) {
        let (x, w, b) = (case.x(), case.weight(), case.bias());
        let Some(steps) = case.transposed_spec().output_len(case.time, case.taps) else { return Ok(()) };
        let expected = case.naive_transposed(&x, &w, &b);
        for level in Level::available() {
            let sizes = (case.inputs, case.outputs, case.taps);
            let kernel =
                ConvTranspose1dKernel::at(level, &w, Some(&b), sizes, &case.transposed_spec()).unwrap();
            let mut y = vec![f32::NAN; case.batch * case.outputs * steps];
            let none = (Activation::Identity, Activation::Identity);
            kernel.run(&x, case.batch, case.time, none, None, &mut y).unwrap();
            prop_assert!(worst(&y, &expected) < 1e-5, "{}", level.name());
        }
    }

    #[test]
    fn fused_is_the_parts_one_after_the_other(case in case(), slope in 0.01f32..0.5) {
        let cpu = &Device::Cpu;
        if case.spec().output_len(case.time, case.taps).is_none() { return Ok(()) }
        let x = Tensor::from_vec(case.x(), (case.batch, case.inputs, case.time), cpu).unwrap();
        let shape = (case.outputs, case.inputs / case.groups, case.taps);
        let w = Tensor::from_vec(case.weight(), shape, cpu).unwrap();
        let b = Tensor::from_vec(case.bias(), case.outputs, cpu).unwrap();
        let layer = Conv1d::from_tensors(&w, Some(&b), &case.spec()).unwrap();
        let pre = Activation::LeakyRelu(slope);
        let plain = layer.forward(&activation(&x, &pre).unwrap()).unwrap();
        let residual = Tensor::from_vec(noise(plain.elem_count(), 4), plain.shape(), cpu).unwrap();
        let apart = activation(&(plain + &residual).unwrap(), &Activation::Tanh).unwrap();
        let fused = layer.forward_fused(&x, pre, Activation::Tanh, Some(&residual)).unwrap();
        prop_assert!(difference(&apart, &fused) < 1e-5);
        let layer = ConvTranspose1d::from_tensors(
            &w.transpose(0, 1).unwrap(), None, &ConvTranspose1dSpec::strided(case.stride, 0));
        if let (Ok(layer), 1) = (layer, case.groups) {
            let plain = layer.forward(&activation(&x, &pre).unwrap()).unwrap();
            let residual = Tensor::from_vec(noise(plain.elem_count(), 4), plain.shape(), cpu).unwrap();
            let apart = activation(&(plain + &residual).unwrap(), &Activation::Silu).unwrap();
            let fused = layer.forward_fused(&x, pre, Activation::Silu, Some(&residual)).unwrap();
            prop_assert!(difference(&apart, &fused) < 1e-5);
        }
    }
}

#[test]
fn large_shapes_agree_with_candle_for_any_number_of_threads() -> Result<()> {
    // Several tiles of time, several panels, residues in both, batch of two.
    let (x, w, b) = (
        tensor((2, 37, 5003), 1),
        tensor((45, 37, 5), 2),
        tensor(45, 3),
    );
    let spec = Conv1dSpec {
        padding: (4, 4),
        stride: 1,
        dilation: 2,
        groups: 1,
    };
    let up = tensor((37, 19, 16), 4);
    let up_spec = ConvTranspose1dSpec::strided(8, 4);
    let deep = (
        tensor((1, 512, 23), 5),
        tensor((96, 512, 7), 6),
        Conv1dSpec::same(7, 1),
    );
    let wide = (
        tensor((1, 96, 1000), 7),
        tensor((96, 1, 7), 8),
        Conv1dSpec {
            groups: 96,
            ..Conv1dSpec::same(7, 1)
        },
    );
    let mut results = Vec::new();
    for threads in [1, 2, 3] {
        set_threads(threads);
        results.push([
            conv1d(&x, &w, Some(&b), &spec)?,
            conv_transpose1d(&x, &up, None, &up_spec)?,
            conv1d(&deep.0, &deep.1, None, &deep.2)?,
            conv1d(&wide.0, &wide.1, None, &wide.2)?,
            activation(&x, &Activation::GeluErf)?,
            rms_norm_channels(
                &x,
                &w.narrow(0, 0, 1)?.narrow(2, 0, 1)?.flatten_all()?,
                1e-6,
            )?,
        ]);
    }
    for other in &results[1..] {
        for (a, b) in results[0].iter().zip(other) {
            let (a, b): (Vec<f32>, Vec<f32>) =
                (a.flatten_all()?.to_vec1()?, b.flatten_all()?.to_vec1()?);
            assert!(a == b, "the number of threads changed the bits");
        }
    }
    let stock = x
        .conv1d(&w, 4, 1, 2, 1)?
        .broadcast_add(&b.reshape((1, 45, 1))?)?;
    assert!(difference(&results[0][0], &stock) < 1e-5);
    // One item at a time: candle 0.11.1 computes the second item of a batch wrongly here.
    let stock = |i| {
        x.narrow(0, i, 1)?
            .contiguous()?
            .conv_transpose1d(&up, 0, 0, 8, 1, 1)
    };
    let stock = Tensor::cat(&[stock(0)?, stock(1)?], 0)?;
    let stock = stock.narrow(2, 4, stock.dim(2)? - 8)?.contiguous()?;
    assert!(difference(&results[0][1], &stock) < 1e-5);
    // Sums of 3584 products: two orders of addition differ more.
    assert!(difference(&results[0][2], &deep.0.conv1d(&deep.1, 3, 1, 1, 1)?) < 1e-4);
    assert!(difference(&results[0][3], &wide.0.conv1d(&wide.1, 3, 1, 1, 96)?) < 1e-5);
    Ok(())
}

#[test]
fn chunks_give_the_same_bits_as_the_whole() -> Result<()> {
    let (x, w) = (tensor((1, 33, 700), 1), tensor((21, 33, 3), 2));
    let layer = Conv1d::from_tensors(
        &w,
        None,
        &Conv1dSpec {
            dilation: 3,
            ..Conv1dSpec::default()
        },
    )?;
    let whole: Vec<Vec<f32>> = layer.forward(&x)?.get(0)?.to_vec2()?;
    let mut at = 0;
    for chunk in [1, 2, 7, 8, 31, 100, 250] {
        let part: Vec<Vec<f32>> = layer
            .forward(&x.narrow(2, at, chunk + 6)?)?
            .get(0)?
            .to_vec2()?;
        for (whole, part) in whole.iter().zip(&part) {
            assert_eq!(&whole[at..at + chunk], &part[..]);
        }
        at += chunk;
    }
    Ok(())
}

#[test]
fn layouts_do_not_change_the_result() -> Result<()> {
    let x = tensor((1, 50, 8), 1).transpose(1, 2)?;
    let w = tensor((8, 3, 16), 2).permute((2, 0, 1))?;
    let spec = Conv1dSpec::same(3, 1);
    let expected = conv1d(&x.contiguous()?, &w.contiguous()?, None, &spec)?;
    assert_eq!(difference(&conv1d(&x, &w, None, &spec)?, &expected), 0.0);
    let half = conv1d(&x, &w.to_dtype(DType::F16)?, None, &spec)?;
    assert!(difference(&half, &expected) < 5e-3);
    Ok(())
}

#[test]
fn weight_norm_is_folded_under_both_names() -> Result<()> {
    let (g, v, b) = (tensor((6, 1, 1), 1), tensor((6, 4, 3), 2), tensor(6, 3));
    let x = tensor((1, 4, 40), 4);
    let norm = v.sqr()?.sum_keepdim((1, 2))?.sqrt()?;
    let w = v.broadcast_mul(&g.broadcast_div(&norm)?)?;
    let spec = Conv1dSpec::same(3, 1);
    let expected = conv1d(&x, &w, Some(&b), &spec)?;
    let parametrized = (
        "parametrizations.weight.original0",
        "parametrizations.weight.original1",
    );
    for (g_name, v_name) in [("weight_g", "weight_v"), parametrized] {
        let named = [(g_name, &g), (v_name, &v), ("bias", &b)];
        let map = named
            .into_iter()
            .map(|(n, t)| (n.to_owned(), t.clone()))
            .collect();
        let vb = VarBuilder::from_tensors(map, DType::F32, &Device::Cpu);
        assert!(
            difference(
                &Conv1d::load(4, 6, 3, &spec, vb.clone())?.forward(&x)?,
                &expected
            ) < 1e-6
        );
        assert!(Conv1d::load(4, 7, 3, &spec, vb).is_err());
    }
    Ok(())
}

#[test]
fn wrong_shapes_are_errors() {
    let x = tensor((1, 4, 10), 1);
    let w = tensor((6, 4, 3), 2);
    let plain = Conv1dSpec::default();
    assert!(conv1d(&x, &tensor((6, 5, 3), 2), None, &plain).is_err());
    assert!(conv1d(&x, &tensor((6, 4, 11), 2), None, &plain).is_err());
    assert!(conv1d(&x, &w, Some(&tensor(5, 3)), &plain).is_err());
    assert!(conv1d(&x, &w, None, &Conv1dSpec { groups: 3, ..plain }).is_err());
    assert!(conv1d(&x, &w, None, &Conv1dSpec { stride: 0, ..plain }).is_err());
    assert!(
        conv1d(
            &x,
            &w,
            None,
            &Conv1dSpec {
                dilation: usize::MAX,
                ..plain
            }
        )
        .is_err()
    );
    assert!(conv1d(&tensor((4, 10), 1), &w, None, &plain).is_err());
    assert!(conv1d(&tensor((1, 4, 0), 1), &w, None, &plain).is_err());
    let layer = Conv1d::from_tensors(&w, None, &plain).unwrap();
    let bad = tensor((1, 6, 9), 3);
    let none = Activation::Identity;
    assert!(layer.forward_fused(&x, none, none, Some(&bad)).is_err());
    let message = layer
        .forward(&tensor((1, 5, 10), 1))
        .unwrap_err()
        .to_string();
    assert!(message.contains("4 channels"), "{message}");
    let up = ConvTranspose1dSpec {
        output_padding: 2,
        ..ConvTranspose1dSpec::strided(2, 0)
    };
    assert!(conv_transpose1d(&x, &tensor((4, 6, 4), 2), None, &up).is_err());
    let up = ConvTranspose1dSpec::strided(2, 40);
    assert!(conv_transpose1d(&x, &tensor((4, 6, 4), 2), None, &up).is_err());
    assert!(
        conv_transpose1d(
            &tensor((1, 4, 0), 1),
            &tensor((4, 6, 4), 2),
            None,
            &ConvTranspose1dSpec::strided(2, 0)
        )
        .is_err()
    );
    assert!(glu(&tensor((1, 3, 4), 1), 1).is_err());
    assert!(glu(&x, 3).is_err());
    assert!(gated_tanh(&x, &tensor((1, 4, 9), 1)).is_err());
    assert!(snake(&x, &tensor(3, 1)).is_err());
    assert!(rms_norm_channels(&x, &tensor(3, 1), 1e-6).is_err());
    assert!(layer_norm_channels(&x, &tensor(4, 1), &tensor(3, 1), 1e-6).is_err());
}
