//! Conversion piece by piece, with the tiny converter of the tests.

#[path = "convert/mod.rs"]
mod convert;

use convert::{babble, engine, largest_difference, rms_db};
use syrinx::audio::Audio;
use syrinx::{ConversionRequest, Error, LookAhead, Pace, Profile, SourceProfile};
use syrinx_vocoder::pitch::{Pitch, PitchConfig};

fn request() -> ConversionRequest {
    let engine = engine();
    engine.conversion(&engine.voice("Buzz").unwrap()).unwrap()
}

/// What comes of `samples` in pieces of the lengths that `pieces` repeats.
fn converted(
    request: &ConversionRequest,
    samples: &[f32],
    rate_hz: u32,
    pieces: &[usize],
) -> Vec<f32> {
    let mut stream = request.stream(rate_hz).unwrap();
    let (mut out, mut rest) = (Vec::new(), samples);
    for piece in pieces.iter().cycle() {
        let (now, later) = rest.split_at(rest.len().min(*piece));
        stream.push(now).unwrap();
        out.extend(stream.take());
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    stream.flush().unwrap();
    out.extend(stream.take());
    out
}

#[test]
fn any_pieces_give_what_one_push_gives() {
    let source = babble(2.1, 120.0, 16_000);
    let request = request();
    for request in [
        request.clone(),
        request.clone().pace(Pace::LIVE).profile(Profile::Adaptive),
        request.clone().retime(true),
    ] {
        let whole = converted(&request, &source, 16_000, &[source.len()]);
        for pieces in [&[160][..], &[1, 999, 7, 5_000]] {
            let found = converted(&request, &source, 16_000, pieces);
            let difference = largest_difference(&found, &whole);
            assert!(difference < 1e-5, "{pieces:?}: {difference}");
        }
        assert!(rms_db(&whole) > -60.0, "{}", rms_db(&whole));
    }
}

#[test]
fn the_output_is_as_long_as_the_source_at_any_rate() {
    let request = request();
    for rate_hz in [8_000, 16_000, 22_050, 24_000, 44_100, 48_000, 192_000] {
        for seconds in [0.31, 0.05, 1.0 / f64::from(rate_hz)] {
            let source = babble(seconds + 1e-9, 150.0, rate_hz);
            let found = converted(&request, &source, rate_hz, &[1 << 20]);
            assert_eq!(found.len(), source.len(), "{rate_hz} Hz, {seconds} s");
        }
    }
    let source = babble(0.5, 150.0, 44_100);
    let other = request.clone().output_rate(48_000);
    assert_eq!(converted(&other, &source, 44_100, &[999]).len(), 24_000);
    assert!(converted(&request, &[], 8_000, &[1]).is_empty());

    let planes = vec![babble(0.3, 150.0, 48_000), babble(0.3, 100.0, 48_000)];
    let stereo = Audio::from_channels(planes, 48_000).unwrap();
    let both = request.convert(&stereo).unwrap();
    assert_eq!(
        (both.audio.spec(), both.audio.frames()),
        (stereo.spec(), 14_400)
    );
    assert_ne!(both.audio.channels()[0], both.audio.channels()[1]);
    assert_eq!(both.sources.len(), 2);
}

#[test]
fn the_delay_is_what_is_told() {
    let request = request().profile(Profile::Adaptive);
    let small = Pace::Live {
        chunk: 4,
        past: 40,
        pitch_look_ahead: 2,
        look_ahead: LookAhead::Shortest,
    };
    for (pace, rate_hz) in [
        (small, 24_000),
        (Pace::LIVE, 48_000),
        (Pace::LIVE, 44_100),
        (Pace::File, 16_000),
    ] {
        let request = request.clone().pace(pace);
        let mut stream = request.stream(rate_hz).unwrap();
        let told = stream.latency_samples();
        let piece = rate_hz as usize / 100;
        let source = babble(told as f64 / f64::from(rate_hz) + 3.0, 150.0, rate_hz);
        let (mut pushed, mut taken, mut most) = (0usize, 0, 0);
        for piece in source.chunks(piece) {
            // The worst moment is just before a piece is pushed whole.
            most = most.max(if taken > 0 {
                pushed + piece.len() - taken
            } else {
                0
            });
            stream.push(piece).unwrap();
            pushed += piece.len();
            taken += stream.take().len();
            assert!(
                pushed - taken <= told,
                "{pace:?} at {rate_hz} Hz: {} > {told}",
                pushed - taken
            );
        }
        // Blocks of the resamplers hardly ever all lie as badly as they can.
        assert!(
            most as f64 > 0.7 * told as f64,
            "{pace:?} at {rate_hz} Hz: {most} of {told}"
        );
        assert!(taken > 0);
    }
}

/// Median F0 of the voiced frames, Hz.
fn median_f0(samples: &[f32]) -> f32 {
    let mut f0 = Pitch::new(PitchConfig::starter())
        .unwrap()
        .track(samples)
        .unwrap();
    f0.retain(|hz| *hz > 0.0);
    f0.sort_by(f32::total_cmp);
    f0[f0.len() / 2]
}

#[test]
fn the_pitch_moves_to_the_register_of_the_voice_unless_it_is_kept() {
    let source = babble(3.0, 100.0, 24_000);
    let request = request();
    for (request, expected) in [
        (request.clone(), 150.0),
        (request.clone().pitch(7.0), 224.7),
        (request.clone().keep_pitch(true), 100.0),
        (request.clone().keep_pitch(true).pitch(12.0), 200.0),
    ] {
        let found = median_f0(&converted(&request, &source, 24_000, &[4_096]));
        assert!(
            (found / expected).ln().abs() < 0.02,
            "{found} Hz, expected {expected}"
        );
    }
}

#[test]
fn every_sound_is_heard_when_its_source_was() {
    // A fifth of a second of sound that begins at 1 s.
    for rate_hz in [24_000, 44_100] {
        let at = |s: f64| (s * f64::from(rate_hz)) as usize;
        let mut source = vec![0.0; at(2.0)];
        let tone = babble(0.2, 150.0, rate_hz);
        source[at(1.0)..at(1.0) + tone.len()].copy_from_slice(&tone);
        let keep = request().keep_pitch(true);
        let found = converted(&keep, &source, rate_hz, &[10_000]);
        assert!(rms_db(&found[..at(0.93)]) < -90.0);
        assert!(rms_db(&found[at(1.02)..at(1.18)]) > -50.0);
        assert!(rms_db(&found[at(1.6)..]) < -90.0);
    }
}

#[test]
fn the_source_comes_back_at_its_own_level() {
    let request = request();
    let source = babble(2.0, 150.0, 24_000);
    let loud = converted(&request, &source, 24_000, &[24_000]);
    let soft: Vec<f32> = source.iter().map(|x| 0.05 * x).collect();
    let soft = converted(&request, &soft, 24_000, &[24_000]);
    let difference = rms_db(&loud) - rms_db(&soft);
    assert!((difference - 26.02).abs() < 0.3, "{difference}");
}

#[test]
fn silence_stays_silent_and_hiss_unvoiced() {
    let request = request();
    for profile in [Profile::Measured, Profile::Adaptive] {
        let request = request.clone().profile(profile);
        let silence = converted(&request, &vec![0.0; 30_000], 16_000, &[1_000]);
        assert!(silence.iter().all(|x| x.abs() < 1e-4));
    }
    // Speech, then hiss 49 dB below it: nothing is left of that.
    let mut source = babble(1.5, 150.0, 24_000);
    let mut state = 1u32;
    source.extend((0..36_000).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        8e-4 * (f64::from(state) / f64::from(u32::MAX) - 0.5) as f32
    }));
    let found = converted(&request, &source, 24_000, &[10_000]);
    assert!(rms_db(&found[..36_000]) > -60.0);
    assert!(found[50_000..].iter().all(|x| x.abs() < 1e-4));
}

#[test]
fn what_is_no_number_is_refused_and_the_stream_goes_on() {
    let source = babble(0.4, 150.0, 16_000);
    let request = request();
    let expected = converted(&request, &source, 16_000, &[source.len()]);
    let mut stream = request.stream(16_000).unwrap();
    stream.push(&source[..3_000]).unwrap();
    let error = stream.push(&[0.0, f32::INFINITY]).unwrap_err();
    assert!(
        matches!(&error, Error::Input(told) if told.contains("sample 3001")),
        "{error}"
    );
    stream.push(&source[3_000..]).unwrap();
    stream.flush().unwrap();
    assert_eq!(stream.take(), expected);
    // A stream that was flushed or reset is as new.
    stream.push(&source).unwrap();
    stream.reset();
    stream.push(&source).unwrap();
    stream.flush().unwrap();
    assert_eq!(stream.take(), expected);
}

#[test]
fn the_same_seed_gives_the_same_samples_and_settings_matter() {
    let source = babble(0.6, 150.0, 24_000);
    let engine = engine();
    let (buzz, hum) = (engine.voice("Buzz").unwrap(), engine.voice("Hum").unwrap());
    // One step takes the same way on any grid.
    let request = engine.conversion(&buzz).unwrap();
    let request = request.temperature(1.0).steps(4);
    let base = converted(&request, &source, 24_000, &[9_999]);
    assert_eq!(converted(&request, &source, 24_000, &[9_999]), base);
    for other in [
        request.clone().seed(1),
        request.clone().steps(2),
        request.clone().solver(syrinx::Solver::Midpoint),
        request.clone().grid(syrinx::Grid::Cosine),
        request.clone().guidance(1.0),
        request.clone().temperature(0.0),
        request.clone().style(&hum),
        engine.conversion(&hum).unwrap().temperature(1.0),
    ] {
        assert_ne!(converted(&other, &source, 24_000, &[9_999]), base);
    }
    for wrong in [
        request.clone().steps(0),
        request.clone().pitch(25.0),
        request.clone().temperature(f32::NAN),
        request.clone().guidance(-1.0),
        request.clone().pace(Pace::Live {
            chunk: 3,
            past: 0,
            pitch_look_ahead: 0,
            look_ahead: LookAhead::Shortest,
        }),
    ] {
        assert!(matches!(wrong.stream(24_000), Err(Error::Config(_))));
    }
    assert!(request.stream(0).is_err());
}

#[test]
fn another_target_can_be_set_on_the_way() {
    let source = babble(4.0, 100.0, 24_000);
    let engine = engine();
    let buzz = engine.voice("Buzz").unwrap();
    let high = engine
        .voice_from_clips([Audio::mono(babble(2.0, 250.0, 24_000), 24_000)])
        .unwrap();
    let known = Profile::Known(SourceProfile {
        register_hz: Some(100.0),
        spread: None,
        level_db: Some(-25.0),
    });
    let request = engine.conversion(&buzz).unwrap().profile(known);
    let mut stream = request.stream(24_000).unwrap();
    stream.push(&source[..48_000]).unwrap();
    stream.set_target(&high).unwrap();
    stream.push(&source[48_000..]).unwrap();
    stream.flush().unwrap();
    let found = stream.take();
    let (before, after) = (median_f0(&found[..36_000]), median_f0(&found[60_000..]));
    assert!((before / 150.0).ln().abs() < 0.03, "{before}");
    assert!((after / 250.0).ln().abs() < 0.03, "{after}");
}

#[test]
fn a_style_widens_the_melody_and_a_profile_can_be_asked_for() {
    let lively = Audio::mono(
        (0..4)
            .flat_map(|i| babble(0.6, [120.0, 250.0, 150.0, 220.0][i], 24_000))
            .collect(),
        24_000,
    );
    let engine = engine();
    let style = engine.voice_from_clips([lively]).unwrap();
    let buzz = engine.voice("Buzz").unwrap();
    let source = babble(3.0, 110.0, 24_000);
    let mut stream = engine
        .conversion(&buzz)
        .unwrap()
        .style(&style)
        .stream(24_000)
        .unwrap();
    assert_eq!(stream.profile(), None);
    stream.push(&source).unwrap();
    let profile = stream.flush().unwrap();
    assert!((profile.register_hz.unwrap() / 110.0).ln().abs() < 0.03);
    assert!(
        (-30.0..-15.0).contains(&profile.level_db.unwrap()),
        "{profile:?}"
    );
    let spread = |samples: &[f32]| {
        let mut f0 = Pitch::new(PitchConfig::starter())
            .unwrap()
            .track(samples)
            .unwrap();
        f0.retain(|hz| *hz > 0.0);
        f0.sort_by(f32::total_cmp);
        (f0[f0.len() * 9 / 10] / f0[f0.len() / 10]).ln()
    };
    let ratio = spread(&stream.take()) / spread(&source);
    assert!((1.8..2.2).contains(&ratio), "{ratio}");
}

#[test]
fn retimed_speech_has_another_length_and_keeps_its_pauses() {
    let mut source = babble(1.0, 150.0, 24_000);
    source.extend(vec![0.0; 24_000]);
    source.extend(babble(1.0, 150.0, 24_000));
    let request = request().retime(true);
    let found = converted(&request, &source, 24_000, &[5_000]);
    assert_ne!(found.len(), source.len());
    // A pause of a second, less the 250 ms that the gate stays open.
    let silent = found
        .split(|x| x.abs() > 1e-4)
        .map(<[f32]>::len)
        .max()
        .unwrap();
    assert!((13_000..19_000).contains(&silent), "{silent}");
    let stereo = Audio::from_channels(vec![vec![0.0; 10]; 2], 24_000).unwrap();
    assert!(matches!(request.convert(&stereo), Err(Error::Input(_))));
}

#[test]
fn streams_and_requests_can_be_sent_to_other_threads() {
    fn check<T: Send>() {}
    check::<syrinx::ConversionStream>();
    check::<ConversionRequest>();
    check::<syrinx::Converter>();
}
