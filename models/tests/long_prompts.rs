//! Prompts of any length: memory stays bounded, and what is kept is read as if there had been nothing else.

use std::sync::Arc;

use candle_core::{Device, Tensor};
use syrinx_models::megatts2::{
    Acoustic, Config, DurationModel, DurationSession, MegaTts2, Prompt, ProsodyLm, ProsodySession,
    Timbre, pool_content,
};
use syrinx_models::{Checkpoint, Error};

fn model() -> MegaTts2 {
    let bytes = &include_bytes!("fixtures/megatts2_tiny.safetensors")[..];
    let checkpoint = Checkpoint::from_bytes("fixture", bytes).unwrap();
    let config = Config::from_json("fixture", checkpoint.metadata("config").unwrap()).unwrap();
    let cpu = &Device::Cpu;
    let acoustic = checkpoint.build(cpu, |vb| Acoustic::new(&config, vb.pp("acoustic")));
    let plm = checkpoint.build(cpu, |vb| ProsodyLm::new(&config, vb.pp("plm")));
    let adm = checkpoint.build(cpu, |vb| DurationModel::new(&config, vb.pp("adm")));
    MegaTts2 {
        acoustic: Arc::new(acoustic.unwrap()),
        plm: Arc::new(plm.unwrap()),
        adm: Arc::new(adm.unwrap()),
    }
}

fn timbre(model: &MegaTts2) -> Timbre {
    let mel = Tensor::full(-4f32, (10, 64), &Device::Cpu).unwrap();
    model.acoustic.timbre(&[mel]).unwrap()
}

/// `symbols` symbols of `units` units each, with the codes that go with them.
fn prompt(model: &MegaTts2, seed: u32, symbols: u32, units: u32) -> Prompt {
    let codes = (symbols * units).div_ceil(model.config().units_per_code() as u32);
    Prompt {
        ids: (0..symbols).map(|i| (i * 7 + seed) % 12).collect(),
        units: vec![units; symbols as usize],
        codes: (0..codes).map(|i| (i * i + seed) % 16).collect(),
    }
}

/// What the sessions would say next.
fn next(prosody: &ProsodySession, durations: &DurationSession) -> Vec<f32> {
    let content = [0.3f32; 16];
    let mut said = prosody.fork().step(&content).unwrap().to_vec();
    said.push(durations.fork().step(&content).unwrap());
    said
}

#[track_caller]
fn assert_close(a: &[f32], b: &[f32]) {
    assert_eq!(a.len(), b.len());
    let worst = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    let worst = worst.fold(0.0, f32::max);
    assert!(worst < 1e-4, "{worst}");
}

fn sessions(model: &MegaTts2, longest: usize) -> (ProsodySession, DurationSession) {
    (
        ProsodySession::new(model.plm.clone()).longest_prompt(longest),
        DurationSession::new(model.adm.clone()).longest_prompt(longest),
    )
}

#[test]
fn the_oldest_sentences_are_dropped_whole() {
    let model = model();
    let sentences: Vec<Vec<u32>> = [7u32, 8, 9, 6, 3]
        .iter()
        .map(|&count| (0..count).map(|i| i * count % 13).collect())
        .collect();
    let (mut prosody, mut durations) = sessions(&model, 20);
    let kept: [&[usize]; 5] = [&[0], &[0, 1], &[1, 2], &[2, 3], &[2, 3, 4]];
    for (sentence, kept) in sentences.iter().zip(kept) {
        prosody.prefill(None, sentence).unwrap();
        durations.prefill(None, sentence).unwrap();
        let (mut only, mut timed) = sessions(&model, 1000);
        for &i in kept {
            only.prefill(None, &sentences[i]).unwrap();
            timed.prefill(None, &sentences[i]).unwrap();
        }
        assert_eq!(prosody.positions(), only.positions());
        assert_eq!(durations.positions(), timed.positions());
        assert_close(&next(&prosody, &durations), &next(&only, &timed));
        prosody.settle().unwrap();
        durations.settle().unwrap();
        assert_eq!(prosody.cache_bytes(), only.cache_bytes());
        assert_eq!(durations.cache_bytes(), timed.cache_bytes());
        assert_close(&next(&prosody, &durations), &next(&only, &timed));
    }
}

#[test]
fn of_an_overlong_sentence_the_end_is_kept() {
    let model = model();
    let codes: Vec<u32> = (0..50).map(|i| i * 3 % 16).collect();
    let content = model.acoustic.content(&[5; 50]).unwrap();
    let (mut prosody, mut durations) = sessions(&model, 20);
    prosody.prefill(None, &[1, 2, 3]).unwrap();
    prosody.prefill(Some(&content), &codes).unwrap();
    durations.prefill(Some(&content), &codes).unwrap();
    let (mut only, mut timed) = sessions(&model, 1000);
    let end = content.narrow(0, 30, 20).unwrap();
    only.prefill(Some(&end), &codes[30..]).unwrap();
    timed.prefill(Some(&end), &codes[30..]).unwrap();
    assert_close(&next(&prosody, &durations), &next(&only, &timed));
    assert_eq!(prosody.positions(), 21);
}

#[test]
fn what_was_said_counts_as_older_than_a_new_prompt() {
    let model = model();
    let (mut prosody, _) = sessions(&model, 10);
    prosody.prefill(None, &[1; 8]).unwrap();
    for code in [4, 5, 6] {
        prosody.step(&[0.1; 16]).unwrap();
        prosody.accept(code);
    }
    prosody.prefill(None, &[2; 9]).unwrap();
    let (mut only, timed) = sessions(&model, 10);
    only.prefill(None, &[2; 9]).unwrap();
    assert_close(&next(&prosody, &timed), &next(&only, &timed));
}

/// Ten minutes in sentences of five seconds: the last five are kept.
#[test]
fn ten_minutes_of_prompts_cost_as_much_as_five() {
    let model = model();
    let prompts: Vec<Prompt> = (0..120).map(|seed| prompt(&model, seed, 40, 5)).collect();
    let voice = model.voice(timbre(&model), &prompts).unwrap();
    let recent = model.voice(timbre(&model), &prompts[60..]).unwrap();
    // Each sentence of 50 codes takes a position more for its end.
    assert_eq!(voice.prosody.positions(), 60 * 51);
    assert_eq!(voice.durations.positions(), 60 * 40);
    // 12 channels, 2 layers, keys and values, 4 bytes.
    assert_eq!(voice.prosody.cache_bytes(), 60 * 51 * 12 * 2 * 2 * 4);
    assert_eq!(voice.prosody.cache_bytes(), recent.prosody.cache_bytes());
    assert_eq!(
        voice.durations.cache_bytes(),
        recent.durations.cache_bytes()
    );
    assert_close(
        &next(&voice.prosody, &voice.durations),
        &next(&recent.prosody, &recent.durations),
    );
    // The sentences were not equal: another selection would sound different.
    let others = model.voice(timbre(&model), &prompts[59..119]).unwrap();
    assert_ne!(
        next(&voice.prosody, &voice.durations),
        next(&others.prosody, &others.durations)
    );
}

/// Ten minutes without a pause: cut between two codes, inside a symbol.
#[test]
fn one_sentence_of_ten_minutes_is_cut() {
    let model = model();
    let long = prompt(&model, 3, 3500, 7);
    assert_eq!(long.codes.len(), 6125);
    let voice = model
        .voice(timbre(&model), &[prompt(&model, 1, 9, 2), long.clone()])
        .unwrap();
    // 12500 of 24500 units are cut away: 1785 symbols of 7 and 5 units of the next.
    let mut units = long.units[1785..].to_vec();
    units[0] = 2;
    let content = model.acoustic.content(&long.ids[1785..]).unwrap();
    let (mut prosody, mut durations) = sessions(&model, 10_000);
    let pooled = pool_content(&content, &units, 4).unwrap();
    prosody.prefill(Some(&pooled), &long.codes[3125..]).unwrap();
    durations.prefill(Some(&content), &units).unwrap();
    assert_eq!(voice.prosody.positions(), 3001);
    assert_close(
        &next(&voice.prosody, &voice.durations),
        &next(&prosody, &durations),
    );
}

#[test]
fn many_short_symbols_are_cut_by_their_number() {
    let model = model();
    let long = prompt(&model, 3, 5001, 1);
    let voice = model.voice(timbre(&model), &[long]).unwrap();
    // 501 units before the last 4500 symbols, up to the next of every 4 units.
    assert_eq!(voice.durations.positions(), 5001 - 504);
    assert_eq!(voice.prosody.positions(), 1251 - 126 + 1);
}

#[test]
fn a_prompt_of_unknown_text_is_heard_without_content() {
    let model = model();
    let heard = Prompt {
        ids: Vec::new(),
        units: Vec::new(),
        codes: vec![3, 1, 4, 1, 5],
    };
    let voice = model.voice(timbre(&model), &[heard]).unwrap();
    let (mut prosody, durations) = sessions(&model, 100);
    prosody.prefill(None, &[3, 1, 4, 1, 5]).unwrap();
    assert_close(
        &next(&voice.prosody, &voice.durations),
        &next(&prosody, &durations),
    );
    assert_eq!(voice.durations.positions(), 0);
}

#[test]
fn prompts_that_do_not_fit_together_are_refused() {
    let model = model();
    let good = prompt(&model, 0, 6, 3);
    let mut bad = vec![good.clone(), good.clone(), good.clone()];
    bad[0].codes.pop();
    bad[1].ids.pop();
    bad[2].ids.clear();
    for prompt in bad {
        let error = model.voice(timbre(&model), &[prompt]).unwrap_err();
        assert!(
            matches!(&error, Error::Input(text) if text.starts_with("a prompt of")),
            "{error}"
        );
    }
}
