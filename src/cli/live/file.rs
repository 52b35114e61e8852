//! A file through the live engine.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use syrinx::ConversionRequest;
use syrinx::audio::Decoder;
use syrinx::live::LiveFile;

use super::{Args, recording};
use crate::cli::interrupt::Interrupt;
use crate::cli::{Failure, cast, console};

/// How much is passed on at a time where it is paced, seconds.
const PIECE_S: f64 = 0.01;

/// Opens the file before the engine loads.
pub fn open(path: &Path) -> Result<Decoder, Failure> {
    Decoder::open(path).map_err(cast::refused)
}

pub fn run(
    args: &Args,
    request: &ConversionRequest,
    source: Decoder,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let rate_hz = source.spec().rate_hz;
    let changer = args.preset.changer(request, args.steps.into())?;
    let mut live = LiveFile::new(Box::new(changer), rate_hz)?;
    let algorithmic_ms = live.latency().as_secs_f64() * 1e3;
    let Some(mut recording) = recording(args, rate_hz)? else {
        return Err(Failure::usage("--from needs --record FILE"));
    };
    let began = Instant::now();
    let most = args.duration.map(|s| (s * f64::from(rate_hz)) as usize);
    let mut taken = 0;
    for block in source {
        let block = block.map_err(cast::refused)?;
        let mut block = block.into_mono().into_channels().remove(0);
        if let Some(most) = most {
            block.truncate(most - taken);
        }
        for piece in block.chunks(((PIECE_S * f64::from(rate_hz)) as usize).max(1)) {
            interrupt.check()?;
            taken += piece.len();
            if args.paced {
                let due = Duration::from_secs_f64(taken as f64 / f64::from(rate_hz));
                thread::sleep(due.saturating_sub(began.elapsed()));
            }
            recording.write(&live.push(piece)?)?;
        }
        if most.is_some_and(|most| taken >= most) {
            break;
        }
    }
    let (rest, end) = live.finish()?;
    recording.write(&rest)?;
    let path = recording.path().to_owned();
    let written = recording.finish()?;
    let seconds = written.frames as f64 / f64::from(rate_hz);
    if args.json {
        return console::print(json!({
            "event": "end",
            "seconds": seconds,
            "frames": written.frames,
            "rate_hz": rate_hz,
            "recorded": path,
            "algorithmic_ms": algorithmic_ms,
            "convert": end.convert,
        }));
    }
    console::note(format_args!(
        "{}: {seconds:.3} s in the voice of {}; chunks took {:.1} ms, 99 of 100 at most {:.1} ms",
        path.display(),
        request.voice().name(),
        end.convert.p50_ms,
        end.convert.p99_ms
    ));
    Ok(())
}
