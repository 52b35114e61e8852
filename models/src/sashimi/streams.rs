//! Running streams: embedding, cascade, decoder, and a second thread where there is a use for it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;

use candle_core::bail;
use syrinx_vocoder::kernel::{Dense, Precision};

use super::cascade::{Cascade, Inner};
use super::model::Sashimi;
use super::stepping::{Stepping, dense};
use crate::{Result, error};

/// The weights of a model packed for stepping; shared by all streams.
pub struct Stepper {
    backbone: Arc<Stepping>,
    /// \[codes, channels\]
    embedding: Vec<f32>,
    channels: usize,
    decoder: Dense,
}

/// What one sample costs, of one stream, on average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Multiplications and additions.
    pub flops: f64,
    /// Bytes of weights, coefficients and state that are read.
    pub bytes: f64,
}

impl Stepper {
    pub(super) fn new(model: &Sashimi, precision: Precision) -> Result<Self> {
        Ok(Self {
            backbone: Arc::new(Stepping::new(&model.backbone, precision)?),
            embedding: model.embedding.clone(),
            channels: model.backbone.channels(),
            decoder: dense(&model.decoder, precision)?,
        })
    }

    /// Codes it knows.
    pub fn codes(&self) -> usize {
        self.decoder.rows()
    }

    /// Counts what a sample takes.
    pub fn cost(&self) -> Cost {
        let product = |dense: &Dense| 2 * dense.rows() * dense.columns();
        let mut cost = Cost {
            flops: product(&self.decoder) as f64,
            bytes: self.decoder.bytes() as f64,
        };
        let mut rate = 1.0;
        let mut count = |flops: usize, bytes: usize, rate: f64| {
            cost.flops += flops as f64 / rate;
            cost.bytes += bytes as f64 / rate;
        };
        for tier in &self.backbone.tiers {
            for layer in tier.before.iter().chain(&tier.after) {
                count(layer.flops(), layer.bytes(), rate);
            }
            rate *= tier.pool as f64;
            for pool in [&tier.down, &tier.up] {
                count(product(pool), pool.bytes(), rate);
            }
        }
        for layer in &self.backbone.center {
            count(layer.flops(), layer.bytes(), rate);
        }
        cost
    }
}

/// Streams in step with each other; each goes on as if it were alone, to the bit.
pub struct Streams {
    stepper: Arc<Stepper>,
    cascade: Cascade,
    worker: Option<Worker>,
    /// Layers of the innermost tier per sample, so that it is done in time.
    share: usize,
    x: Vec<f32>,
    normed: Vec<f32>,
    logits: Vec<f32>,
}

impl Streams {
    /// `count` streams at their beginning. With `two_threads` the inner tiers work beside the outermost
    /// one; the results are the same.
    pub fn new(stepper: Arc<Stepper>, count: usize, two_threads: bool) -> Self {
        let weights = &stepper.backbone;
        let tiers = weights.tiers.len();
        let outside: usize = weights.tiers.iter().rev().skip(1).map(|t| t.pool).product();
        let worker = (two_threads && tiers > 0)
            .then(|| Worker::start(weights.clone(), count))
            .flatten();
        let own = if worker.is_some() { 0..1 } else { 0..tiers };
        Self {
            cascade: Cascade::new(weights.clone(), own, count),
            share: weights.center.len().div_ceil(outside),
            worker,
            x: vec![0.0; count * stepper.channels],
            normed: vec![0.0; count * stepper.channels],
            logits: vec![0.0; count * stepper.codes()],
            stepper,
        }
    }

    /// Takes the next code of each stream and gives the logits \[S, codes\] of the one after.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if there are not as many codes as streams, or one is none.
    pub fn step(&mut self, codes: &[u32]) -> Result<&mut [f32]> {
        let channels = self.stepper.channels;
        if codes.len() * channels != self.x.len() {
            return error::input(format!("{} codes for other streams", codes.len()));
        }
        for (code, x) in codes.iter().zip(self.x.chunks_exact_mut(channels)) {
            let from = *code as usize * channels;
            let Some(row) = self.stepper.embedding.get(from..from + channels) else {
                let known = self.stepper.codes();
                return error::input(format!("code {code}: the model knows {known}"));
            };
            x.copy_from_slice(row);
        }
        self.advance()?;
        let norm = &self.stepper.backbone.norm;
        norm.apply(&self.x, &mut self.normed)?;
        self.stepper
            .decoder
            .forward(&self.normed, &mut self.logits)?;
        Ok(&mut self.logits)
    }

    fn advance(&mut self) -> candle_core::Result<()> {
        let inner = self.worker.as_mut().map(|worker| worker as &mut dyn Inner);
        self.cascade.step(&mut self.x, inner)?;
        self.cascade.relax(self.share)
    }
}

/// The tiers but the outermost, in a thread of their own.
struct Worker {
    /// None once the worker is to end.
    asks: Option<Sender<Vec<f32>>>,
    answers: Receiver<candle_core::Result<Vec<f32>>>,
    thread: Option<JoinHandle<()>>,
}

/// Looks before it sleeps: waking takes longer than the step of a tier.
const LOOK_OUT: usize = 4000;

impl Worker {
    /// None where the system gives no thread.
    fn start(weights: Arc<Stepping>, streams: usize) -> Option<Self> {
        let ((asks, asked), (answer, answers)) = (channel(), channel());
        let thread = std::thread::Builder::new().name("syrinx-dream".into());
        let thread = thread.spawn(move || work(weights, streams, &asked, &answer));
        Some(Self {
            asks: Some(asks),
            answers,
            thread: Some(thread.ok()?),
        })
    }
}

fn work(
    weights: Arc<Stepping>,
    streams: usize,
    asked: &Receiver<Vec<f32>>,
    answer: &Sender<candle_core::Result<Vec<f32>>>,
) {
    let tiers = 1..weights.tiers.len();
    let mut cascade = Cascade::new(weights, tiers, streams);
    let mut next = None;
    while let Some(mut x) = next.take().or_else(|| receive(asked)) {
        let done = cascade.step(&mut x, None).map(|()| x);
        if answer.send(done).is_err() {
            return;
        }
        // Until the next step comes there is time for the innermost tier.
        while cascade.waiting() > 0 && next.is_none() {
            match asked.try_recv() {
                Ok(x) => next = Some(x),
                Err(TryRecvError::Disconnected) => return,
                // A failure comes back with the next answer, which needs this tier.
                Err(TryRecvError::Empty) if cascade.relax(1).is_err() => break,
                Err(TryRecvError::Empty) => {}
            }
        }
    }
}

/// The next message; none when the other side has gone.
fn receive<T>(from: &Receiver<T>) -> Option<T> {
    for _ in 0..LOOK_OUT {
        match from.try_recv() {
            Ok(message) => return Some(message),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => std::hint::spin_loop(),
        }
    }
    from.recv().ok()
}

impl Inner for Worker {
    fn ask(&mut self, x: Vec<f32>) -> candle_core::Result<()> {
        match self.asks.as_ref().map(|asks| asks.send(x)) {
            Some(Ok(())) => Ok(()),
            _ => bail!("the thread of the inner tiers has ended"),
        }
    }

    fn answer(&mut self) -> candle_core::Result<Vec<f32>> {
        match receive(&self.answers) {
            Some(answer) => answer,
            None => bail!("the thread of the inner tiers has ended"),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.asks = None;
        if let Some(thread) = self.thread.take() {
            // It has nothing to tell any more.
            let _ = thread.join();
        }
    }
}
