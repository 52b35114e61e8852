//! Table of operations: stock candle against the kernels of `syrinx_vocoder::kernel`.
//!
//! `cargo bench -p syrinx-vocoder --bench kernels [-- --threads 2]`
//!
//! The best of many runs, alternating between the two. Wall time, and the CPU time of the process
//! beside it, which is steadier where other programs compete for the machine.

use std::time::{Duration, Instant};

use candle_core::{Device, Result, Tensor};
use syrinx_vocoder::kernel::{
    self, Activation, Conv1d, Conv1dSpec, ConvTranspose1d, ConvTranspose1dSpec, Level, activation,
    gated_tanh, layer_norm_channels, set_threads, snake, threads,
};

/// How long to repeat each operation.
const PATIENCE: Duration = Duration::from_millis(400);

type Operation = Box<dyn Fn() -> Result<Tensor>>;

struct Row {
    name: String,
    /// Multiplications and additions, for the arithmetic rate; 0 where that says nothing.
    flop: f64,
    stock: Operation,
    ours: Operation,
}

fn random(shape: &[usize]) -> Result<Tensor> {
    Tensor::randn(0f32, 1f32, shape, &Device::Cpu)
}

fn conv(
    inputs: usize,
    outputs: usize,
    taps: usize,
    dilation: usize,
    groups: usize,
    time: usize,
) -> Result<Row> {
    let x = random(&[1, inputs, time])?;
    let w = random(&[outputs, inputs / groups, taps])?;
    let spec = Conv1dSpec {
        groups,
        ..Conv1dSpec::same(taps, dilation)
    };
    let layer = Conv1d::from_tensors(&w, None, &spec)?;
    let y = x.clone();
    let name = match groups {
        1 => format!("conv1d {inputs}→{outputs} k{taps} d{dilation} T{time}"),
        _ => format!("depthwise {inputs} k{taps} T{time}"),
    };
    Ok(Row {
        name,
        flop: 2.0 * (outputs * inputs / groups * taps * time) as f64,
        stock: Box::new(move || x.conv1d(&w, spec.padding.0, 1, dilation, groups)),
        ours: Box::new(move || layer.forward(&y)),
    })
}

fn upsample(inputs: usize, outputs: usize, taps: usize, stride: usize, time: usize) -> Result<Row> {
    let padding = (taps - stride) / 2;
    let x = random(&[1, inputs, time])?;
    let w = random(&[inputs, outputs, taps])?;
    let layer =
        ConvTranspose1d::from_tensors(&w, None, &ConvTranspose1dSpec::strided(stride, padding))?;
    let y = x.clone();
    Ok(Row {
        name: format!("convT1d {inputs}→{outputs} k{taps} s{stride} p{padding} T{time}"),
        flop: 2.0 * (inputs * outputs * taps * time) as f64,
        stock: Box::new(move || x.conv_transpose1d(&w, padding, 0, stride, 1, 1)),
        ours: Box::new(move || layer.forward(&y)),
    })
}

fn pointwise(f: Activation, stock: fn(&Tensor) -> Result<Tensor>) -> Result<Row> {
    let x = random(&[1, 512, 2000])?;
    let y = x.clone();
    Ok(Row {
        name: format!("{f:?} 512×2000"),
        flop: 0.0,
        stock: Box::new(move || stock(&x)),
        ours: Box::new(move || activation(&y, &f)),
    })
}

fn rows() -> Result<Vec<Row>> {
    let mut rows = vec![
        conv(80, 512, 7, 1, 1, 100)?,
        conv(512, 512, 7, 1, 1, 10)?,
        conv(512, 512, 7, 1, 1, 100)?,
        conv(256, 256, 11, 5, 1, 800)?,
        conv(128, 128, 11, 5, 1, 6400)?,
        conv(64, 64, 11, 5, 1, 12800)?,
        conv(32, 32, 3, 1, 1, 25600)?,
        conv(32, 32, 11, 5, 1, 25600)?,
        conv(32, 1, 7, 1, 1, 25600)?,
        conv(384, 1536, 1, 1, 1, 200)?,
        conv(192, 192, 5, 1, 1, 40)?,
        conv(512, 512, 7, 1, 512, 1000)?,
        upsample(512, 256, 16, 8, 100)?,
        upsample(128, 64, 4, 2, 6400)?,
        pointwise(Activation::LeakyRelu(0.1), |x| {
            candle_nn::ops::leaky_relu(x, 0.1)
        })?,
        pointwise(Activation::Elu(1.0), |x| x.elu(1.0))?,
        pointwise(Activation::GeluErf, Tensor::gelu_erf)?,
        pointwise(Activation::GeluTanh, Tensor::gelu)?,
        pointwise(Activation::Silu, Tensor::silu)?,
        pointwise(Activation::Tanh, Tensor::tanh)?,
    ];
    let (x, alpha) = (random(&[1, 512, 2000])?, random(&[512])?.abs()?);
    let y = x.clone();
    let column = alpha.reshape((1, 512, 1))?;
    rows.push(Row {
        name: "snake 512×2000".into(),
        flop: 0.0,
        stock: Box::new(move || {
            &x + x
                .broadcast_mul(&column)?
                .sin()?
                .sqr()?
                .broadcast_div(&column)?
        }),
        ours: Box::new(move || snake(&y, &alpha)),
    });
    let (a, b) = (random(&[1, 512, 2000])?, random(&[1, 512, 2000])?);
    let (c, d) = (a.clone(), b.clone());
    rows.push(Row {
        name: "tanh·sigmoid 512×2000".into(),
        flop: 0.0,
        stock: Box::new(move || a.tanh()? * candle_nn::ops::sigmoid(&b)?),
        ours: Box::new(move || gated_tanh(&c, &d)),
    });
    let (x, gain, bias) = (random(&[1, 512, 2000])?, random(&[512])?, random(&[512])?);
    let (y, stock_gain, stock_bias) = (x.clone(), gain.clone(), bias.clone());
    rows.push(Row {
        name: "layer norm over 512 channels, T2000".into(),
        flop: 0.0,
        stock: Box::new(move || {
            let x = x.transpose(1, 2)?.contiguous()?;
            candle_nn::ops::layer_norm(&x, &stock_gain, &stock_bias, 1e-5)?
                .transpose(1, 2)?
                .contiguous()
        }),
        ours: Box::new(move || layer_norm_channels(&y, &gain, &bias, 1e-5)),
    });
    Ok(rows)
}

/// CPU seconds of this process so far.
fn cpu_seconds() -> f64 {
    kernel::cpu_time().map_or(f64::NAN, |time| time.as_secs_f64())
}

/// Smallest (wall, CPU) seconds of the two operations, run in turn.
fn measure(row: &Row) -> Result<[(f64, f64); 2]> {
    let mut best = [(f64::MAX, f64::MAX); 2];
    let begin = Instant::now();
    let mut runs = 0;
    while runs < 5 || begin.elapsed() < 2 * PATIENCE {
        for (operation, best) in [&row.stock, &row.ours].into_iter().zip(&mut best) {
            let (wall, cpu) = (Instant::now(), cpu_seconds());
            std::hint::black_box(operation()?);
            best.1 = best.1.min(cpu_seconds() - cpu);
            best.0 = best.0.min(wall.elapsed().as_secs_f64());
        }
        runs += 1;
    }
    Ok(best)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let wanted = arguments
        .iter()
        .position(|a| a == "--threads")
        .and_then(|i| arguments.get(i + 1)?.parse().ok());
    set_threads(wanted.unwrap_or(1));
    println!("{} threads, {}", threads(), Level::best().name());
    println!(
        "| {:<36} | candle ms (CPU) | ours ms (CPU)   | times faster | GFLOP/s |\n|{:-<38}|----------------:|----------------:|-------------:|--------:|",
        "operation", ""
    );
    for row in rows()? {
        let [stock, ours] = measure(&row)?;
        let rate = match row.flop {
            0.0 => "–".into(),
            flop => format!("{:.1}", flop / ours.1 * 1e-9),
        };
        println!(
            "| {:<36} | {:7.2} ({:5.2}) | {:7.3} ({:5.3}) | {:12.1} | {rate:>7} |",
            row.name,
            stock.0 * 1e3,
            stock.1 * 1e3,
            ours.0 * 1e3,
            ours.1 * 1e3,
            stock.1 / ours.1,
        );
    }
    Ok(())
}
