//! Shared layers against PyTorch; `training/megatts2/fixtures.py` writes the fixture.

use candle_core::{Device, Tensor};
use syrinx_models::Checkpoint;
use syrinx_models::nn::{CausalBlock, ConvBlock, CrossAttention, FftBlock};

fn fixture() -> Checkpoint<'static> {
    Checkpoint::from_bytes("layers", &include_bytes!("fixtures/layers.safetensors")[..]).unwrap()
}

fn tensor(name: &str) -> Tensor {
    fixture().tensor(name, &Device::Cpu).unwrap()
}

#[track_caller]
fn assert_close(ours: &Tensor, name: &str) {
    let theirs = tensor(name);
    assert_eq!(ours.dims(), theirs.dims(), "{name}");
    let worst: f32 = (ours - &theirs)
        .unwrap()
        .abs()
        .unwrap()
        .max_all()
        .unwrap()
        .to_scalar()
        .unwrap();
    assert!(worst < 1e-4, "{name}: {worst}");
}

#[test]
fn fft_block() {
    let block = fixture()
        .build(&Device::Cpu, |vb| FftBlock::new(12, 2, 18, 3, vb.pp("fft")))
        .unwrap();
    assert_close(&block.forward(&tensor("fft.x")).unwrap(), "fft.y");
}

#[test]
fn causal_block() {
    let block = fixture()
        .build(&Device::Cpu, |vb| {
            CausalBlock::new(12, 3, 18, vb.pp("causal"))
        })
        .unwrap();
    assert_close(&block.forward(&tensor("causal.x")).unwrap(), "causal.y");
}

#[test]
fn cross_attention() {
    let attention = fixture()
        .build(&Device::Cpu, |vb| {
            CrossAttention::new(12, 7, 2, vb.pp("cross"))
        })
        .unwrap();
    let keys = attention.project(&tensor("cross.keys")).unwrap();
    assert_close(
        &attention.attend(&tensor("cross.x"), &keys).unwrap(),
        "cross.y",
    );
}

/// Acceptance test 8: what is attended to has no order.
#[test]
fn cross_attention_does_not_see_the_order_of_keys() {
    let attention = fixture()
        .build(&Device::Cpu, |vb| {
            CrossAttention::new(12, 7, 2, vb.pp("cross"))
        })
        .unwrap();
    let (x, keys) = (tensor("cross.x"), tensor("cross.keys"));
    let attend = |keys: &Tensor| {
        let keys = attention.project(keys).unwrap();
        attention.attend(&x, &keys).unwrap()
    };
    let count = keys.dim(0).unwrap() as u32;
    for step in [3, 7, 10] {
        let order: Vec<u32> = (0..count).map(|i| (i * step + 2) % count).collect();
        let order = Tensor::new(order, &Device::Cpu).unwrap();
        let permuted = attend(&keys.index_select(&order, 0).unwrap());
        let difference = (attend(&keys) - permuted).unwrap().abs().unwrap();
        let worst: f32 = difference.max_all().unwrap().to_scalar().unwrap();
        assert!(worst < 1e-5, "{worst}");
    }
}

#[test]
fn conv_block() {
    let block = fixture()
        .build(&Device::Cpu, |vb| ConvBlock::new(8, 10, 5, vb.pp("conv")))
        .unwrap();
    let x = tensor("conv.x");
    assert_close(&block.forward(&x).unwrap(), "conv.y");
    let modulated = block
        .forward_film(&x, &tensor("conv.scale"), &tensor("conv.shift"))
        .unwrap();
    assert_close(&modulated, "conv.y_film");
}
