//! The reference's numbers.

use super::*;

#[test]
fn kernels_and_steps_of_a_layer_are_the_references() {
    for name in ["s4_tied", "s4_untied"] {
        let tensors = fixture(name);
        let expected = numbers(&tensors.tensor("K"));
        let dplr = Dplr::load(&tensors, "after160", 4, StepTransform::Exp).unwrap();
        assert_eq!(
            (dplr.channels(), dplr.states(), dplr.directions()),
            (4, 32, 2)
        );
        // From the stored correction, from a doubled one, and from none at all.
        let mut raw = dplr.clone();
        let c = tensors.complex("before.C", 2 * 4 * 32).unwrap();
        raw.c = c.chunks(4 * 32).map(<[_]>::to_vec).collect();
        raw.length = 0;
        for dplr in [&dplr, &raw] {
            for taps in [100, 160, 161, 700] {
                let kernels = dplr.kernels(taps).unwrap().concat();
                let first: Vec<f32> = kernels
                    .chunks_exact(taps)
                    .flat_map(|row| row[..100].to_vec())
                    .collect();
                let worst = relative(&first, &expected);
                assert!(worst < 5e-6, "{name}, {taps} taps: {worst}");
            }
        }
        let impulse = numbers(&tensors.tensor("impulse"));
        for dplr in [dplr, raw] {
            for direction in 0..2 {
                let mut one = dplr.clone();
                one.c = vec![dplr.c[direction].clone()];
                let recurrences = one.recurrences(&[0.0; 4]).unwrap();
                let space = syrinx_vocoder::kernel::StateSpace::new(&recurrences).unwrap();
                let mut state = space.start(1);
                let mut found = vec![0.0; 400];
                for t in 0..100 {
                    let mut y = [0.0; 4];
                    let u = [f32::from(u8::from(t == 0)); 4];
                    space.step(&mut state, &u, &mut y).unwrap();
                    (0..4).for_each(|channel| found[channel * 100 + t] = y[channel]);
                }
                let worst = relative(&found, &impulse[direction * 400..(direction + 1) * 400]);
                assert!(worst < 5e-6, "{name}, step, output {direction}: {worst}");
            }
        }
    }
}

#[test]
fn hippo_is_the_references_up_to_phases() {
    let tensors = fixture("hippo_legs");
    let legs = legs(32);
    let expect = |name: &str, found: Vec<f64>| {
        let expected = tensors.doubles(name, 32).unwrap();
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() < 1e-5 * b.abs().max(1.0), "{name}: {a} {b}");
        }
    };
    expect("A_imag", legs.lambda.iter().map(|l| l.im).collect());
    expect("A_real", legs.lambda.iter().map(|l| l.re).collect());
    expect("P_abs", legs.p.iter().map(|p| p.norm()).collect());
    expect("B_abs_noclip", legs.b.iter().map(|b| b.norm()).collect());
    let products = || legs.b.iter().zip(&legs.p).map(|(b, p)| b * p.conj());
    expect("B_conjP_noclip_re", products().map(|z| z.re).collect());
}

#[test]
fn codes_are_the_references() {
    let tensors = fixture("quantise");
    let wave = stretched(&numbers(&tensors.tensor("wave"))).unwrap();
    for (name, quantisation) in [
        ("mulaw", Quantisation::MuLaw),
        ("linear", Quantisation::Linear),
    ] {
        let expected = numbers(&tensors.tensor(name));
        let codes = quantisation.encode(&wave);
        let codes: Vec<f32> = codes.into_iter().map(|code| code as f32).collect();
        assert_eq!(codes, expected, "{name}");
    }
    let table: Vec<u32> = (0..256).collect();
    let decoded = numbers(&tensors.tensor("decoded"));
    let found = Quantisation::MuLaw.decode(&table);
    assert!(relative(&found, &decoded) < 1e-6);
    // Every code is the code of its value, but those that stand for one value twice.
    for quantisation in [Quantisation::MuLaw, Quantisation::Linear] {
        let again = quantisation.encode(&quantisation.decode(&table));
        let moved = again
            .iter()
            .zip(&table)
            .filter(|(a, b)| a.abs_diff(**b) > 1);
        assert_eq!(moved.count(), 0);
    }
    assert!(stretched(&[0.5; 10]).is_err() && stretched(&[0.5, f32::NAN]).is_err());
}

#[test]
fn logits_are_the_references_in_both_modes_and_all_layouts() {
    for name in ["sashimi_snet", "sashimi_unet"] {
        let tensors = fixture(name);
        let (codes, expected) = (codes(&tensors), numbers(&tensors.tensor("io.logits")));
        for layout in [Layout::V4, Layout::V3, Layout::V2] {
            let renamed = renamed(&weights(&tensors), layout);
            let model = Sashimi::load(&renamed, Config::default()).unwrap();
            assert_eq!(model.layout(), layout);
            let worst = relative(&convolved(&model, &codes), &expected);
            assert!(worst < 1e-5, "{name} {layout:?}, convolution: {worst}");
            if layout == Layout::V4 {
                for two_threads in [false, true] {
                    let worst = relative(&stepped(&model, &codes, two_threads), &expected);
                    assert!(worst < 1e-5, "{name}, steps: {worst}");
                }
            }
        }
    }
}

/// A v4 checkpoint under older names.
fn renamed(tensors: &Tensors, layout: Layout) -> Tensors {
    if layout == Layout::V4 {
        return weights(tensors);
    }
    let older = layout == Layout::V2;
    let mut renamed = HashMap::new();
    for name in tensors.names() {
        let tensor = tensors.tensor(name);
        let mut to = name.replace("layer.layer.kernel.", "layer.kernel.kernel.");
        to = to.replace("layer.layer.D", "layer.D");
        to = to.replace("A_real", if older { "log_w_real" } else { "inv_w_real" });
        let tensor = if name.ends_with("A_imag") {
            to = to.replace("A_imag", "w_imag");
            tensor.neg().unwrap()
        } else if name.ends_with("inv_dt") {
            to = to.replace("inv_dt", "log_dt");
            tensor.flatten_all().unwrap()
        } else if name.ends_with("l_kernel") && older {
            let length = numbers(&tensor)[0] as usize;
            to = to.replace("l_kernel", "omega");
            let frequencies = Tensor::zeros((length / 2 + 1, 2), DType::F32, &Device::Cpu).unwrap();
            renamed.insert(to.replace("omega", "z"), frequencies.clone());
            frequencies
        } else if name.ends_with("bias")
            && older
            && name.starts_with("model.")
            && !name.ends_with("norm.bias")
        {
            tensor.unsqueeze(1).unwrap()
        } else {
            tensor
        };
        if to.ends_with("l_kernel") {
            to = to.replace("l_kernel", "L");
        }
        if older {
            to = to
                .replace("encoder.0.", "encoder.")
                .replace("decoder.0.", "decoder.");
        }
        renamed.insert(to, tensor);
    }
    Tensors::new("renamed", renamed)
}

#[test]
fn faults_of_a_checkpoint_are_named() {
    let load = |change: &dyn Fn(&mut HashMap<String, Tensor>)| -> String {
        let tensors = weights(&fixture("sashimi_snet"));
        let names = tensors.names();
        let mut all = names.map(|n| (n.to_owned(), tensors.tensor(n))).collect();
        change(&mut all);
        let loaded = Sashimi::load(&Tensors::new("x.pt", all), Config::default());
        loaded.err().unwrap().to_string()
    };
    let some = |name: &str| {
        Tensor::zeros(3, DType::F32, &Device::Cpu)
            .map(|t| (name.to_owned(), t))
            .unwrap()
    };
    let without = load(&|all| {
        all.retain(|name, _| !name.ends_with("inv_dt"));
    });
    assert!(
        without.contains("resembles SaShiMi v4") && without.contains("inv_dt"),
        "{without}"
    );
    let more = load(&|all| all.extend([some("model.extra.weight")]));
    assert!(more.contains("\"model.extra.weight\""), "{more}");
    let one = "model.c_layers.1.layer.ff.2.weight";
    let less = load(&|all| all.extend([some(one)]));
    assert!(less.contains(one) && less.contains("[3]"), "{less}");
    let others = load(&|all| {
        all.clear();
        all.extend([some("ups.0.weight"), some("conv_pre.weight")]);
    });
    assert!(others.contains("HiFi-GAN"), "{others}");
    let name = "model.c_layers.0.layer.layer.kernel.A_real";
    let broken = load(&|all| {
        let nan = Tensor::full(f32::NAN, (1, 32), &Device::Cpu).unwrap();
        all.insert(name.into(), nan);
    });
    assert!(
        broken.contains(name) && broken.contains("finite"),
        "{broken}"
    );
}
