//! Mega-TTS 2 against PyTorch, and against itself; `training/megatts2/fixtures.py` writes the fixtures.
//!
//! Test numbers are those of the acceptance list in the project's notes on the paper: 6 incremental
//! decoding, 7 durations, 8 order of references.

use std::collections::HashMap;
use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use syrinx_models::megatts2::{
    Acoustic, Config, DurationMix, DurationModel, DurationSession, MegaTts2, Prompt, ProsodyLm,
    ProsodyMix, ProsodySession, pool_content,
};
use syrinx_models::sampling::{Sampler, Sampling};
use syrinx_models::{Checkpoint, Error};

const STARTER_LIKE: &[u8] = include_bytes!("fixtures/megatts2_tiny.safetensors");
const PAPER_LIKE: &[u8] = include_bytes!("fixtures/megatts2_tiny_paper.safetensors");

/// A tiny model with what PyTorch makes of it.
struct Fixture {
    checkpoint: Checkpoint<'static>,
    config: Config,
    model: MegaTts2,
}

impl Fixture {
    fn new(bytes: &'static [u8]) -> Self {
        let checkpoint = Checkpoint::from_bytes("fixture", bytes).unwrap();
        let config = Config::from_json("fixture", checkpoint.metadata("config").unwrap()).unwrap();
        let cpu = &Device::Cpu;
        let model = MegaTts2 {
            acoustic: Arc::new(
                checkpoint
                    .build(cpu, |vb| Acoustic::new(&config, vb.pp("acoustic")))
                    .unwrap(),
            ),
            plm: Arc::new(
                checkpoint
                    .build(cpu, |vb| ProsodyLm::new(&config, vb.pp("plm")))
                    .unwrap(),
            ),
            adm: Arc::new(
                checkpoint
                    .build(cpu, |vb| DurationModel::new(&config, vb.pp("adm")))
                    .unwrap(),
            ),
        };
        Self {
            checkpoint,
            config,
            model,
        }
    }

    fn both() -> [Self; 2] {
        [Self::new(STARTER_LIKE), Self::new(PAPER_LIKE)]
    }

    fn tensor(&self, name: &str) -> Tensor {
        self.checkpoint
            .tensor(&format!("io.{name}"), &Device::Cpu)
            .unwrap()
    }

    fn numbers(&self, name: &str) -> Vec<u32> {
        self.tensor(name)
            .to_vec1::<f32>()
            .unwrap()
            .into_iter()
            .map(|x| x as u32)
            .collect()
    }

    fn values(&self, name: &str) -> Vec<f32> {
        self.tensor(name).flatten_all().unwrap().to_vec1().unwrap()
    }

    fn content(&self) -> Tensor {
        self.model.acoustic.content(&self.numbers("ids")).unwrap()
    }

    fn references(&self) -> Vec<Tensor> {
        vec![self.tensor("reference0"), self.tensor("reference1")]
    }

    fn pooled(&self) -> Tensor {
        pool_content(
            &self.content(),
            &self.numbers("units"),
            self.config.units_per_code(),
        )
        .unwrap()
    }

    fn sampler(&self, seed: u64) -> Sampler {
        Sampler::new(
            Sampling {
                temperature: 1.0,
                top_k: 10,
                top_p: 1.0,
            },
            seed,
        )
        .unwrap()
    }
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[track_caller]
fn assert_close(a: &[f32], b: &[f32], tolerance: f32, what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    let worst = a
        .iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    assert!(worst < tolerance, "{what}: {worst}");
}

#[test]
fn acoustic_equals_pytorch() {
    for f in Fixture::both() {
        let acoustic = &f.model.acoustic;
        let content = f.content();
        assert_close(&flat(&content), &f.values("content"), 1e-4, "content");
        let timbre = acoustic.timbre(&f.references()).unwrap();
        assert_close(&flat(timbre.keys()), &f.values("keys"), 1e-4, "keys");
        assert_close(&flat(timbre.global()), &f.values("global"), 1e-4, "global");
        // Without effect on the model that has no register.
        let timbre = acoustic.at_register(&timbre, 210.0).unwrap();
        let codes = acoustic.prosody_codes(&f.tensor("mel")).unwrap();
        assert_eq!(codes, f.numbers("codes"));
        let frames = acoustic
            .decode(&content, &timbre, &f.numbers("units"), &codes)
            .unwrap();
        // The mel is scaled back by 2.5 from the network's O(1).
        assert_close(&flat(&frames.mel), &f.values("output_mel"), 3e-4, "mel");
        assert_eq!(frames.frames(), f.tensor("mel").dim(1).unwrap());
        if f.config.decoder.pitch_heads {
            let (log_f0, logits) = (f.values("output_f0"), f.values("output_voicing"));
            let f0: Vec<f32> = log_f0
                .iter()
                .zip(&logits)
                .map(|(f0, v)| if *v >= 0.0 { f0.exp() } else { 0.0 })
                .collect();
            assert!(
                f0.contains(&0.0) && f0.iter().any(|f0| *f0 > 0.0),
                "both kinds are tested"
            );
            assert_close(&frames.f0_hz, &f0, 1e-3, "F0");
            let voicing: Vec<f32> = logits.iter().map(|v| 1.0 / (1.0 + (-v).exp())).collect();
            assert_close(&frames.voicing, &voicing, 1e-4, "voicing");
        } else {
            assert!(frames.f0_hz.is_empty() && frames.voicing.is_empty());
        }
    }
}

#[test]
fn language_models_equal_pytorch() {
    for f in Fixture::both() {
        let pooled = f.pooled();
        assert_close(&flat(&pooled), &f.values("pooled"), 1e-4, "pooled content");
        let mut session = ProsodySession::new(f.model.plm.clone());
        let (first, codes) = (f.numbers("prompt_codes"), f.numbers("codes"));
        let mut scores = session.score(None, &first).unwrap();
        scores.extend(session.score(Some(&pooled), &codes).unwrap());
        let end = f.config.prosody.codes as u32;
        let targets = [&first[..], &[end], &codes, &[end]].concat();
        let logits = f.tensor("plm_logits").to_vec2::<f32>().unwrap();
        let expected: Vec<f32> = logits
            .iter()
            .zip(&targets)
            .map(|(row, target)| {
                row[*target as usize] - row.iter().map(|x| x.exp()).sum::<f32>().ln()
            })
            .collect();
        assert_close(&scores, &expected, 1e-4, "P-LLM");

        let mut session = DurationSession::new(f.model.adm.clone());
        let content = f.content();
        session.prefill(None, &f.numbers("prompt_units")).unwrap();
        let mut predicted = Vec::new();
        for (row, units) in content
            .to_vec2::<f32>()
            .unwrap()
            .iter()
            .zip(f.numbers("units"))
        {
            predicted.push(session.step(row).unwrap());
            session.accept(units);
        }
        let expected = f.values("adm_log_units");
        assert_close(
            &predicted,
            &expected[expected.len() - predicted.len()..],
            1e-4,
            "ADM",
        );
    }
}

/// Acceptance test 6.
#[test]
fn incremental_decoding_equals_full_recomputation() {
    for f in Fixture::both() {
        let (lm, pooled) = (&f.model.plm, f.pooled());
        let prompt = f.numbers("prompt_codes");
        let mut session = ProsodySession::new(lm.clone());
        session
            .prefill(Some(&pooled.narrow(0, 0, prompt.len()).unwrap()), &prompt)
            .unwrap();
        let bos = lm.codes() as u32;
        let end = f
            .checkpoint
            .tensor("plm.end_content", &Device::Cpu)
            .unwrap()
            .unsqueeze(0)
            .unwrap();
        let mut rows =
            Tensor::cat(&[&pooled.narrow(0, 0, prompt.len()).unwrap(), &end], 0).unwrap();
        let mut previous = [&[bos], &prompt[..], &[bos]].concat();
        for (position, row) in pooled.to_vec2::<f32>().unwrap().iter().enumerate() {
            rows = Tensor::cat(&[&rows, &pooled.narrow(0, position, 1).unwrap()], 0).unwrap();
            let whole = lm.forward(&rows, &previous).unwrap();
            let last = whole
                .get(rows.dim(0).unwrap() - 1)
                .unwrap()
                .to_vec1::<f32>()
                .unwrap();
            let step = session.step(row).unwrap().to_vec();
            assert_close(&step, &last[..lm.codes()], 1e-4, "logits");
            let code = (position * 5 % lm.codes()) as u32;
            session.accept(code);
            previous.push(code);
        }
        session.end_sentence().unwrap();
        assert_eq!(
            session.positions(),
            prompt.len() + 1 + pooled.dim(0).unwrap() + 1
        );

        let (adm, content, units) = (&f.model.adm, f.content(), f.numbers("units"));
        let whole = adm.forward(&content, &units).unwrap();
        let mut session = DurationSession::new(adm.clone());
        for (row, (units, whole)) in content
            .to_vec2::<f32>()
            .unwrap()
            .iter()
            .zip(units.iter().zip(whole))
        {
            assert!((session.step(row).unwrap() - whole).abs() < 1e-4);
            session.accept(*units);
        }
    }
}

#[test]
fn a_fork_goes_its_own_way() {
    let f = Fixture::new(STARTER_LIKE);
    let (pooled, sampler) = (f.pooled(), f.sampler(3));
    let mut prompted = ProsodySession::new(f.model.plm.clone());
    prompted.prefill(None, &f.numbers("prompt_codes")).unwrap();
    let positions = prompted.positions();
    let first = prompted.fork().generate(&pooled, &sampler, 0).unwrap();
    let again = prompted.fork().generate(&pooled, &sampler, 0).unwrap();
    assert_eq!(first, again);
    assert_eq!(first.len(), pooled.dim(0).unwrap());
    assert_eq!(prompted.positions(), positions);
    // What was said is heard by the next sentence, which is read as a sentence of its own.
    let mut teller = prompted.fork();
    teller.generate(&pooled, &sampler, 0).unwrap();
    teller.generate(&pooled, &sampler, 100).unwrap();
    assert_eq!(
        teller.positions(),
        positions + 2 * pooled.dim(0).unwrap() + 1
    );
    assert!((0..20).any(|seed| {
        prompted
            .fork()
            .generate(&pooled, &f.sampler(seed), 0)
            .unwrap()
            != first
    }));
}

#[test]
fn a_voice_has_read_its_prompts() {
    let f = Fixture::new(STARTER_LIKE);
    let timbre = f.model.acoustic.timbre(&f.references()).unwrap();
    let prompt = Prompt {
        ids: f.numbers("ids"),
        units: f.numbers("units"),
        codes: f.numbers("codes"),
    };
    let voice = f
        .model
        .voice(timbre.clone(), &[prompt.clone(), prompt.clone()])
        .unwrap();
    assert_eq!(voice.prosody.positions(), 2 * (prompt.codes.len() + 1));
    assert_eq!(voice.durations.positions(), 2 * prompt.ids.len());
    let integers = |values: &[u32]| Tensor::new(values, &Device::Cpu).unwrap();
    let stored: HashMap<&str, Tensor> = HashMap::from([
        ("ann.keys", timbre.keys().to_dtype(DType::F16).unwrap()),
        ("ann.prompt.0.symbols", integers(&prompt.ids)),
        ("ann.prompt.0.units", integers(&prompt.units)),
        ("ann.prompt.0.codes", integers(&prompt.codes)),
        (
            "ann.register",
            Tensor::new(&[200f32.ln()], &Device::Cpu).unwrap(),
        ),
    ]);
    let stored = safetensors::serialize(stored, None).unwrap();
    let stored = Checkpoint::from_bytes("voices", stored).unwrap();
    let loaded = f.model.load_voice(&stored, "ann").unwrap();
    assert!((loaded.timbre.register_hz() - 200.0).abs() < 0.1);
    assert_eq!(loaded.prosody.positions(), prompt.codes.len() + 1);
    assert!(matches!(
        f.model.load_voice(&stored, "bob"),
        Err(Error::Weights { .. })
    ));
    let mut wrong = prompt;
    wrong.codes.pop();
    assert!(matches!(
        f.model.voice(timbre, &[wrong]),
        Err(Error::Input(_))
    ));
}

#[test]
fn mixing_ends_at_either_prompt() {
    for f in Fixture::both() {
        let pooled = f.pooled();
        let session = |prompt: &[u32]| {
            let mut session = ProsodySession::new(f.model.plm.clone());
            session.prefill(None, prompt).unwrap();
            session
        };
        let (own, donor) = (session(&[1, 2, 3, 4]), session(&[9, 9, 9, 9, 9, 9]));
        let sampler = f.sampler(5);
        let mixed = |gamma| {
            let mut mix = ProsodyMix::new(own.fork(), donor.fork(), gamma).unwrap();
            mix.generate(&pooled, &sampler, 0).unwrap()
        };
        assert_eq!(
            mixed(0.0),
            own.fork().generate(&pooled, &sampler, 0).unwrap()
        );
        assert_eq!(
            mixed(1.0),
            donor.fork().generate(&pooled, &sampler, 0).unwrap()
        );
        assert!(matches!(
            ProsodyMix::new(own.fork(), donor.fork(), 1.5),
            Err(Error::Config(_))
        ));

        let content = f.content();
        let session = |prompt: &[u32]| {
            let mut session = DurationSession::new(f.model.adm.clone());
            session.prefill(None, prompt).unwrap();
            session
        };
        let (own, donor) = (session(&[1, 1, 1]), session(&[20, 30, 20]));
        let mixed = |gamma| {
            DurationMix::new(own.fork(), donor.fork(), gamma)
                .unwrap()
                .generate(&content)
                .unwrap()
        };
        assert_eq!(mixed(0.0), own.fork().generate(&content).unwrap());
        assert_eq!(mixed(1.0), donor.fork().generate(&content).unwrap());
    }
}

/// Acceptance test 7.
#[test]
fn every_symbol_lasts() {
    for f in Fixture::both() {
        for prompt in [&[][..], &[1, 1, 1], &[100, 100]] {
            let mut session = DurationSession::new(f.model.adm.clone());
            session.prefill(None, prompt).unwrap();
            let units = session.generate(&f.content()).unwrap();
            assert_eq!(units.len(), f.numbers("ids").len());
            assert!(units.iter().sum::<u32>() > 0);
            assert!(
                units
                    .iter()
                    .all(|units| (1..=DurationModel::LONGEST).contains(units)),
                "{units:?}"
            );
        }
    }
}

/// Acceptance test 8.
#[test]
fn the_order_of_references_changes_nothing() {
    for f in Fixture::both() {
        let acoustic = &f.model.acoustic;
        let (content, units, codes) = (f.content(), f.numbers("units"), f.numbers("codes"));
        let mut references = f.references();
        let one = acoustic.timbre(&references).unwrap();
        references.reverse();
        let other = acoustic.timbre(&references).unwrap();
        let mel = |timbre| {
            flat(
                &acoustic
                    .decode(&content, timbre, &units, &codes)
                    .unwrap()
                    .mel,
            )
        };
        assert_close(&mel(&one), &mel(&other), 1e-5, "mel");
        let stored = acoustic.timbre_from_keys(one.keys()).unwrap();
        assert_eq!(mel(&stored), mel(&one));
        let alone = acoustic.timbre(&references[..1]).unwrap();
        assert!(mel(&alone) != mel(&one), "references are heard");
    }
}

#[test]
fn chunks_equal_the_whole() {
    for f in Fixture::both() {
        let acoustic = &f.model.acoustic;
        let ids: Vec<u32> = (0..40).map(|i| i * 7 % f.config.symbols as u32).collect();
        let units: Vec<u32> = (0..40).map(|i| 1 + i * 5 % 7).collect();
        let total: u32 = units.iter().sum();
        let codes: Vec<u32> = (0..total.div_ceil(f.config.units_per_code() as u32))
            .map(|i| i * 3 % 16)
            .collect();
        let content = acoustic.content(&ids).unwrap();
        let timbre = acoustic.timbre(&f.references()).unwrap();
        let whole = acoustic.decode(&content, &timbre, &units, &codes).unwrap();
        for chunk in [1, 7, 32, 1000] {
            let chunks = acoustic
                .decode_stream(&content, &timbre, &units, &codes, chunk)
                .unwrap();
            let chunks: Vec<_> = chunks.map(Result::unwrap).collect();
            let mels: Vec<_> = chunks.iter().map(|chunk| &chunk.mel).collect();
            assert_close(
                &flat(&Tensor::cat(&mels, 1).unwrap()),
                &flat(&whole.mel),
                1e-4,
                "mel",
            );
            let f0: Vec<f32> = chunks
                .iter()
                .flat_map(|chunk| chunk.f0_hz.clone())
                .collect();
            assert_close(&f0, &whole.f0_hz, 1e-3, "F0");
        }
        let mut stream = acoustic
            .decode_stream(&content, &timbre, &units, &codes, 4)
            .unwrap();
        stream.next().unwrap().unwrap();
        stream.set_chunk(10);
        let frames = stream.next().unwrap().unwrap().frames();
        assert_eq!(
            (frames, stream.remaining_units()),
            (10 * f.config.frames_per_unit, total as usize - 14)
        );
    }
}

#[test]
fn long_prompts_are_read_in_pieces_without_a_trace() {
    let f = Fixture::new(STARTER_LIKE);
    // More than one piece of 512 positions.
    let codes: Vec<u32> = (0..700).map(|i| i * 11 % 16).collect();
    let mut session = ProsodySession::new(f.model.plm.clone());
    let scores = session.score(None, &codes).unwrap();
    let mut stepping = ProsodySession::new(f.model.plm.clone());
    let null = f
        .checkpoint
        .tensor("plm.null_content", &Device::Cpu)
        .unwrap()
        .to_vec1::<f32>()
        .unwrap();
    for (position, &code) in codes.iter().enumerate() {
        let logits = stepping.step(&null).unwrap();
        // The score counts the end of the sentence among the choices, a step does not: compare differences.
        let difference = logits[code as usize] - logits[0];
        if position == 699 || position == 600 {
            let other = {
                let mut changed = codes[..=position].to_vec();
                changed[position] = 0;
                let mut session = ProsodySession::new(f.model.plm.clone());
                session.score(None, &changed).unwrap()[position]
            };
            assert!(
                (scores[position] - other - difference).abs() < 1e-4,
                "{position}"
            );
        }
        stepping.accept(code);
    }
}

#[test]
fn unusable_requests_are_told_apart() {
    let f = Fixture::new(STARTER_LIKE);
    let acoustic = &f.model.acoustic;
    let (content, units, codes) = (f.content(), f.numbers("units"), f.numbers("codes"));
    let timbre = acoustic.timbre(&f.references()).unwrap();
    let zeros = |shape: (usize, usize)| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    let said: Vec<Error> = vec![
        acoustic.content(&[]).unwrap_err(),
        acoustic.content(&[99]).unwrap_err(),
        acoustic.timbre(&[]).unwrap_err(),
        acoustic.timbre(&[zeros((3, 20))]).unwrap_err(),
        acoustic.timbre(&[zeros((10, 0))]).unwrap_err(),
        acoustic.timbre_from_keys(&zeros((4, 3))).unwrap_err(),
        acoustic.prosody_codes(&zeros((10, 0))).unwrap_err(),
        acoustic
            .decode(&content, &timbre, &units[1..], &codes)
            .unwrap_err(),
        acoustic
            .decode(&content, &timbre, &units, &codes[1..])
            .unwrap_err(),
        acoustic
            .decode(&content, &timbre, &vec![0; units.len()], &[])
            .unwrap_err(),
        acoustic
            .decode(&content, &timbre, &units, &vec![16; codes.len()])
            .unwrap_err(),
        ProsodySession::new(f.model.plm.clone())
            .prefill(None, &[16])
            .unwrap_err(),
        ProsodySession::new(f.model.plm.clone())
            .prefill(Some(&content), &[1])
            .unwrap_err(),
        ProsodySession::new(f.model.plm.clone())
            .step(&[0.0])
            .unwrap_err(),
        DurationSession::new(f.model.adm.clone())
            .prefill(Some(&content), &[1])
            .unwrap_err(),
        DurationSession::new(f.model.adm.clone())
            .step(&[0.0])
            .unwrap_err(),
    ];
    for error in said {
        assert!(matches!(error, Error::Input(_)), "{error:?}");
    }
}

#[test]
fn a_wrong_checkpoint_is_named() {
    let layers =
        Checkpoint::from_bytes("layers", &include_bytes!("fixtures/layers.safetensors")[..])
            .unwrap();
    let config = Config::starter();
    let error = Acoustic::load(&config, &layers, &Device::Cpu).unwrap_err();
    assert!(
        matches!(&error, Error::Weights { name, .. } if name.contains("content.embedding.weight")),
        "{error}"
    );
    let tiny = Checkpoint::from_bytes("tiny", STARTER_LIKE).unwrap();
    let error = tiny
        .build(&Device::Cpu, |vb| ProsodyLm::new(&config, vb.pp("plm")))
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("expected [257, 64], found [17, 6]; does the config.json"),
        "{error}"
    );
}

#[test]
fn configurations_are_checked() {
    for config in [Config::starter(), Config::paper()] {
        config.validate().unwrap();
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(Config::from_json("config.json", &json).unwrap(), config);
    }
    let wrong = |change: fn(&mut Config)| {
        let mut config = Config::starter();
        change(&mut config);
        config.validate().unwrap_err().to_string()
    };
    assert!(wrong(|c| c.content.heads = 5).contains("content: 192 channels do not make 5 heads"));
    assert!(wrong(|c| c.decoder.kernel = 4).contains("decoder.kernel = 4"));
    assert!(wrong(|c| c.timbre.strides = vec![3]).contains("timbre.strides: 3"));
    assert!(wrong(|c| c.prosody.pool = 7).contains("prosody.pool = 7"));
    assert!(wrong(|c| c.prosody.bands = 101).contains("prosody.bands"));
    assert!(wrong(|c| c.symbols = 0).contains("symbols = 0"));
    let error = Config::from_json("config.json", r#"{"ups": [8, 8]}"#).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("config.json: no configuration of a Mega-TTS 2 model"),
        "{error}"
    );
}
