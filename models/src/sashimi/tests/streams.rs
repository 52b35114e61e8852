//! Streams beside each other, drawn clips, likelihoods.

use super::*;

fn tiny(unet: bool) -> Sashimi {
    Sashimi::load(&random_model(8, 1, 4, unet, true), Config::default()).unwrap()
}

#[test]
fn a_stream_is_the_same_alone_and_in_company() {
    for unet in [false, true] {
        let model = tiny(unet);
        let stepper = model.stepper(Precision::F32).unwrap();
        let input = |stream: usize, t: usize| ((stream * 91 + t * 37) % 256) as u32;
        let (count, steps) = (7, 70);
        let mut together = Streams::new(stepper.clone(), count, true);
        let mut alone: Vec<_> = (0..count)
            .map(|_| Streams::new(stepper.clone(), 1, false))
            .collect();
        for t in 0..steps {
            let codes: Vec<u32> = (0..count).map(|stream| input(stream, t)).collect();
            let all = together.step(&codes).unwrap().to_vec();
            for (stream, expected) in all.chunks_exact(256).enumerate() {
                let own = alone[stream].step(&codes[stream..=stream]).unwrap();
                assert_eq!(own, expected, "stream {stream}, step {t}");
            }
        }
        assert!(together.step(&[0; 3]).is_err());
        assert!(together.step(&[300; 7]).is_err());
    }
}

#[test]
fn clips_depend_on_their_seed_alone() {
    let model = tiny(false);
    let stepper = model.stepper(Precision::F32).unwrap();
    let drawing = Drawing {
        temperature: 0.9,
        top_p: 0.95,
    };
    let begin =
        |seeds: &[u64], threads| Generation::new(&stepper, seeds, drawing, 128, threads).unwrap();
    let mut together = begin(&[5, 6, 7, 8, 9], 2);
    let mut parts = together.advance(33).unwrap();
    for (clip, more) in parts.iter_mut().zip(together.advance(31).unwrap()) {
        clip.extend(more);
    }
    for (index, seed) in [5, 6, 7, 8, 9].into_iter().enumerate() {
        for threads in [1, 2] {
            let mut alone = begin(&[seed], threads);
            assert_eq!(alone.advance(64).unwrap(), parts[index..=index]);
            assert_eq!(
                alone.log2_likelihoods()[0],
                together.log2_likelihoods()[index]
            );
        }
    }
    assert_ne!(parts[0], parts[1]);
    assert!(Generation::new(&stepper, &[], drawing, 128, 1).is_err());
    let hot = Drawing {
        temperature: -1.0,
        ..drawing
    };
    assert!(Generation::new(&stepper, &[1], hot, 128, 1).is_err());
}

#[test]
fn the_likelihood_of_a_drawn_clip_is_that_of_the_teacher() {
    for unet in [false, true] {
        let model = tiny(unet);
        let stepper = model.stepper(Precision::F32).unwrap();
        let mut clip = Generation::new(&stepper, &[11], Drawing::default(), 128, 1).unwrap();
        let codes = clip.advance(75).unwrap().remove(0);
        let teacher = model.teacher(200).unwrap();
        let bits: f64 = teacher
            .log2_likelihoods(&codes)
            .unwrap()
            .iter()
            .map(|bits| f64::from(*bits))
            .sum();
        let drawn = clip.log2_likelihoods()[0];
        assert!((bits - drawn).abs() < 1e-3 * drawn.abs(), "{bits} {drawn}");
        assert!(teacher.log2_likelihoods(&[]).is_err());
        assert!(teacher.log2_likelihoods(&[0; 300]).is_err());
    }
}

#[test]
fn a_prompt_is_what_the_continuation_follows() {
    let model = tiny(false);
    let stepper = model.stepper(Precision::F32).unwrap();
    let greedy = Drawing {
        temperature: 0.0,
        top_p: 1.0,
    };
    let prompt: Vec<u32> = (0..50).map(|t| (t * 71 % 256) as u32).collect();
    let mut clip = Generation::new(&stepper, &[1], greedy, 128, 1).unwrap();
    clip.listen(&prompt).unwrap();
    let continued = clip.advance(14).unwrap().remove(0);
    // Each is the likeliest code after everything before it.
    let whole: Vec<u32> = prompt.iter().chain(&continued).copied().collect();
    let input: Vec<u32> = std::iter::once(128)
        .chain(whole.iter().copied())
        .take(64)
        .collect();
    let logits = convolved(&model, &input);
    for (t, code) in whole.iter().enumerate().skip(50) {
        let row = &logits[t * 256..(t + 1) * 256];
        let best = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        assert!(best - row[*code as usize] < 1e-4, "{t}");
    }
    assert!(clip.listen(&[256]).is_ok());
    assert!(clip.advance(1).is_err());
}
