//! The sizes of the paper, with random weights. Slow and large: `cargo test --release -- --ignored`.

mod random_weights;

use std::sync::Arc;

use candle_core::{Device, Tensor};
use random_weights::random_weights;
use syrinx_models::megatts2::{
    Acoustic, Config, DurationModel, DurationSession, MegaTts2, ProsodyLm, ProsodySession,
    pool_content,
};
use syrinx_models::sampling::{Sampler, Sampling};

#[test]
#[ignore = "364 M weights: 1.5 GB of memory"]
fn the_paper_size_speaks() {
    let config = Config::paper();
    let model = MegaTts2 {
        acoustic: Arc::new(Acoustic::new(&config, random_weights().pp("acoustic")).unwrap()),
        plm: Arc::new(ProsodyLm::new(&config, random_weights().pp("plm")).unwrap()),
        adm: Arc::new(DurationModel::new(&config, random_weights().pp("adm")).unwrap()),
    };
    let ids: Vec<u32> = (0..12).collect();
    let content = model.acoustic.content(&ids).unwrap();
    let units = DurationSession::new(model.adm.clone())
        .generate(&content)
        .unwrap();
    let pooled = pool_content(&content, &units, config.units_per_code()).unwrap();
    let sampler = Sampler::new(Sampling::default(), 1).unwrap();
    let mut session = ProsodySession::new(model.plm.clone());
    let codes = session.generate(&pooled, &sampler, 0).unwrap();
    let reference = Tensor::zeros((80, 160), candle_core::DType::F32, &Device::Cpu).unwrap();
    let timbre = model.acoustic.timbre(&[reference]).unwrap();
    assert_eq!(timbre.keys().dims(), [10, 256]);
    let frames = model
        .acoustic
        .decode(&content, &timbre, &units, &codes)
        .unwrap();
    assert_eq!(frames.mel.dims(), [80, units.iter().sum::<u32>() as usize]);

    // Incremental equals full recomputation at this size too.
    let previous = [&[1024], &codes[..codes.len() - 1]].concat();
    let whole = model
        .plm
        .forward(&pooled, &previous)
        .unwrap()
        .to_vec2::<f32>()
        .unwrap();
    let mut session = ProsodySession::new(model.plm.clone());
    for ((row, code), whole) in pooled
        .to_vec2::<f32>()
        .unwrap()
        .iter()
        .zip(&codes)
        .zip(whole)
    {
        let step = session.step(row).unwrap();
        assert!(step.iter().zip(&whole).all(|(a, b)| (a - b).abs() < 1e-4));
        session.accept(*code);
    }
}
