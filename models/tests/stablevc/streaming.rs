//! Pieces against the whole.

use candle_core::Tensor;
use proptest::prelude::*;
use syrinx_models::stablevc::{ContentKind, Conversion, Grid, LookAhead, Settings, Solver, Target};

use crate::{Fixture, Source, assert_close, flat};

/// What comes out of pieces that end at `cuts`.
fn streamed(
    fixture: &Fixture,
    target: &Target,
    source: &Source,
    settings: &Settings,
    cuts: &[usize],
) -> Tensor {
    let mut conversion = Conversion::new(fixture.model.clone(), target.clone(), settings).unwrap();
    // A signal before it must not matter.
    let (mel, f0_hz) = source.piece(0, source.frames().min(5));
    conversion.push(&mel, f0_hz).unwrap();
    conversion.reset();
    let (mut done, mut first) = (Vec::new(), 0);
    for &cut in cuts.iter().chain([&source.frames()]) {
        let (mel, f0_hz) = source.piece(first, cut);
        done.extend(conversion.push(&mel, f0_hz).unwrap());
        first = cut;
    }
    done.extend(conversion.flush().unwrap());
    let mels: Vec<&Tensor> = done.iter().map(|frames| frames.mel()).collect();
    Tensor::cat(&mels, 2).unwrap()
}

fn a_setting() -> impl Strategy<Value = Settings> {
    let sizes = (
        prop::sample::select(vec![2usize, 4, 8, 16, 32]),
        prop::sample::select(vec![0usize, 2, 8, 64]),
    );
    let how = (1usize..4, any::<bool>(), any::<bool>(), any::<bool>());
    (sizes, how).prop_map(
        |((chunk, past), (steps, midpoint, guided, tokens))| Settings {
            steps,
            solver: if midpoint {
                Solver::Midpoint
            } else {
                Solver::Euler
            },
            grid: Grid::Sway(-0.6),
            temperature: 0.8,
            guidance: if guided { 0.5 } else { 0.0 },
            seed: 5,
            chunk,
            past,
            content: if tokens {
                ContentKind::Tokens
            } else {
                ContentKind::Features
            },
            look_ahead: LookAhead::Longest,
        },
    )
}

fn cuts() -> impl Strategy<Value = (usize, Vec<usize>)> {
    (1usize..75).prop_flat_map(|frames| {
        let cuts = prop::collection::vec(0..=frames, 0..12).prop_map(|mut cuts| {
            cuts.sort_unstable();
            cuts
        });
        (Just(frames), cuts)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..Default::default() })]

    #[test]
    fn pieces_and_chunks_do_not_matter(settings in a_setting(), (frames, cuts) in cuts()) {
        let fixture = Fixture::new();
        let (target, source) = (fixture.target(true), Source::new(10, frames));
        let once = streamed(&fixture, &target, &source, &settings, &[]);
        let pieces = streamed(&fixture, &target, &source, &settings, &cuts);
        prop_assert_eq!(flat(&once), flat(&pieces));
        let whole = source.offline(&fixture.model, &target, &settings);
        assert_close(&once, &whole, 1e-4, "chunked against masked");
    }

    #[test]
    fn content_in_pieces_is_content((frames, cuts) in cuts()) {
        let fixture = Fixture::new();
        let (content, source) = (fixture.model.content().unwrap(), Source::new(10, frames));
        let whole = content.features(&source.mel.squeeze(0).unwrap()).unwrap();
        prop_assert_eq!(whole.dim(0).unwrap(), frames.div_ceil(2));
        let mut stream = content.stream(LookAhead::Longest);
        // The second signal must not know of the first.
        for _ in 0..2 {
            let (mut done, mut first) = (Vec::new(), 0);
            for &cut in cuts.iter().chain([&frames]) {
                done.extend(stream.push(&source.piece(first, cut).0).unwrap());
                first = cut;
            }
            done.extend(stream.flush().unwrap());
            prop_assert_eq!(flat(&Tensor::cat(&done, 0).unwrap()), flat(&whole));
        }
    }
}

/// Frame t of a copy is another.
fn changed(source: &Source, t: usize) -> Source {
    let (_, bands, frames) = source.mel.dims3().unwrap();
    let mut values = flat(&source.mel);
    for band in 0..bands {
        values[band * frames + t] += 1.0;
    }
    Source {
        mel: Tensor::from_vec(values, (1, bands, frames), source.mel.device()).unwrap(),
        f0_hz: source.f0_hz.clone(),
    }
}

#[test]
fn the_look_ahead_of_content_is_exact() {
    let fixture = Fixture::new();
    let content = fixture.model.content().unwrap();
    assert_eq!(content.look_aheads(), [2, 2 * (1 + 2)]);
    let ahead = 2 * (1 + 2);
    let source = Source::new(10, 40);
    let features = |source: &Source| {
        let features = content.features(&source.mel.squeeze(0).unwrap()).unwrap();
        features.to_vec2::<f32>().unwrap()
    };
    let before = features(&source);
    for t in 0..40 {
        let after = features(&changed(&source, t));
        let first = (0..20).find(|&unit| before[unit] != after[unit]);
        // Unit u depends on frames up to 2 u + 1 + ahead, and does depend on the last of them.
        let expected = (t.saturating_sub(ahead)) / 2;
        assert_eq!(first, Some(expected), "frame {t}");
    }
}

#[test]
fn a_shorter_look_ahead_is_exact_too() {
    let fixture = Fixture::new();
    let content = fixture.model.content().unwrap();
    let source = Source::new(10, 40);
    let features = |source: &Source, look_ahead, pieces: usize| {
        let mut stream = content.stream(look_ahead);
        let mut parts = Vec::new();
        for t in (0..40).step_by(pieces) {
            let (mel, _) = source.piece(t, (t + pieces).min(40));
            parts.extend(stream.push(&mel).unwrap());
        }
        parts.extend(stream.flush().unwrap());
        Tensor::cat(&parts, 0).unwrap().to_vec2::<f32>().unwrap()
    };
    let before = features(&source, LookAhead::Shortest, 40);
    assert_eq!(before, features(&source, LookAhead::Shortest, 3));
    assert_ne!(before, features(&source, LookAhead::Longest, 40));
    for t in 0..40 {
        let after = features(&changed(&source, t), LookAhead::Shortest, 40);
        let first = (0..20).find(|&unit| before[unit] != after[unit]);
        assert_eq!(first, Some(t.saturating_sub(2) / 2), "frame {t}");
    }
    let expected = fixture
        .tensor("features.shortest")
        .to_vec2::<f32>()
        .unwrap();
    let mel = fixture.tensor("mel").unsqueeze(0).unwrap();
    let mut stream = content.stream(LookAhead::Shortest);
    let mut parts: Vec<_> = stream.push(&mel).unwrap().into_iter().collect();
    parts.extend(stream.flush().unwrap());
    let found = Tensor::cat(&parts, 0).unwrap().to_vec2::<f32>().unwrap();
    for (expected, found) in expected.iter().flatten().zip(found.iter().flatten()) {
        assert!((expected - found).abs() < 2e-4, "{expected} {found}");
    }
}

#[test]
fn later_frames_change_no_earlier_chunk() {
    let fixture = Fixture::new();
    let settings = Settings {
        steps: 2,
        chunk: 4,
        past: 8,
        ..Settings::default()
    };
    let (target, source) = (fixture.target(true), Source::new(10, 40));
    let ahead = fixture.model.content().unwrap().look_aheads()[1];
    let before = streamed(&fixture, &target, &source, &settings, &[]);
    for t in [9, 17, 30] {
        let after = streamed(&fixture, &target, &changed(&source, t), &settings, &[]);
        // The chunk of the first frame that may hear frame t.
        let same = (t - ahead) / 4 * 4;
        let part = |mel: &Tensor| flat(&mel.narrow(2, 0, same).unwrap());
        assert_eq!(part(&before), part(&after), "frame {t}");
        assert_ne!(flat(&before), flat(&after));
    }
}

#[test]
fn a_chunk_comes_out_as_soon_as_it_can() {
    let fixture = Fixture::new();
    let settings = Settings {
        steps: 1,
        chunk: 8,
        past: 8,
        ..Settings::default()
    };
    let mut conversion =
        Conversion::new(fixture.model.clone(), fixture.target(false), &settings).unwrap();
    assert_eq!(conversion.look_ahead_frames(), 6);
    let latency = conversion.latency_frames();
    assert_eq!(latency, 8 + 6);
    let source = Source::new(10, 60);
    let mut out = 0;
    for t in 0..60 {
        let (mel, f0_hz) = source.piece(t, t + 1);
        if let Some(frames) = conversion.push(&mel, f0_hz).unwrap() {
            assert_eq!(t + 1, out + latency);
            assert_eq!(frames.len(), 8);
            out += frames.len();
        }
    }
    assert_eq!(out, 48);
}

#[test]
fn another_target_begins_with_the_next_chunk() {
    let fixture = Fixture::new();
    let settings = Settings {
        steps: 2,
        chunk: 8,
        past: 16,
        ..Settings::default()
    };
    let source = Source::new(10, 40);
    let [a, b] = [true, false].map(|styled| fixture.target(styled));
    let alone = streamed(&fixture, &a, &source, &settings, &[]);
    let mut conversion = Conversion::new(fixture.model.clone(), a, &settings).unwrap();
    let (mel, f0_hz) = source.piece(0, 25);
    let first = conversion.push(&mel, f0_hz).unwrap().unwrap();
    conversion.set_target(b.clone()).unwrap();
    assert_eq!(conversion.target().register_hz(), b.register_hz());
    let (mel, f0_hz) = source.piece(25, 40);
    let then = conversion.push(&mel, f0_hz).unwrap().unwrap();
    let frames = first.len();
    let part = |from: usize, count: usize| flat(&alone.narrow(2, from, count).unwrap());
    assert_eq!(flat(first.mel()), part(0, frames));
    assert_ne!(flat(then.mel()), part(frames, then.len()));
}
