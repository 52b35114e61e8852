//! From the microphone to the loudspeaker.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use syrinx::audio::playback::SoundCard;
use syrinx::live::{Live, LiveSession, LiveStatus};
use syrinx::{ConversionRequest, ConversionTarget, Engine, VoiceLibrary};

use super::view::{Key, View};
use super::virtual_mic::VirtualMic;
use super::{Args, recording};
use crate::cli::interrupt::Interrupt;
use crate::cli::{Failure, console};

/// How often the view is drawn, and JSON is told.
const DRAW: Duration = Duration::from_millis(100);
const TELL: Duration = Duration::from_secs(1);

const MOST_PITCH: f32 = 24.0;

pub fn run(
    args: &Args,
    engine: &Engine,
    request: &ConversionRequest,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let changer = args.preset.changer(request, args.steps.into())?;
    let recording = recording(args, request.converter().rate_hz())?;
    let virtual_mic = match args.virtual_mic {
        true => Some(VirtualMic::create()?),
        false => None,
    };
    let mut live = Live::new(Box::new(changer))
        .input(args.input.as_deref())
        .output(args.output.as_deref())
        .ring(args.preset.ring());
    if let Some(name) = &args.monitor {
        live = live.monitor(Some(name.as_str()).filter(|name| !name.is_empty()));
    }
    if let Some(recording) = recording {
        live = live.record(recording);
    }
    if let Some(ms) = args.fixed_delay {
        live = live.fixed_delay(Duration::from_millis(ms.into()));
    }
    quiet_panics();
    let session = live.start(Arc::new(SoundCard))?;
    if let Some(virtual_mic) = &virtual_mic {
        // The stream is there from the first sound on.
        thread::sleep(Duration::from_millis(300));
        virtual_mic.adopt()?;
    }
    let view = match args.headless || args.json {
        true => None,
        false => View::open(),
    };
    let mut desk = Desk::new(args, engine, request);
    let last = desk.run(&session, view, interrupt)?;
    let end = session.stop()?;
    desk.report(&last, end.recorded.as_ref().map(|written| written.frames))
}

/// A defect in the worker is told as one line by the session.
fn quiet_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if thread::current().name() != Some("live worker") {
            usual(info);
        }
    }));
}

/// What the user has in hand.
struct Desk<'a> {
    args: &'a Args,
    request: &'a ConversionRequest,
    engine: &'a Engine,
    voices: Vec<String>,
    voice: usize,
    preparing: Option<Receiver<syrinx::Result<ConversionTarget>>>,
    mute: bool,
    bypass: bool,
    pitch: f32,
    message: String,
}

impl<'a> Desk<'a> {
    fn new(args: &'a Args, engine: &'a Engine, request: &'a ConversionRequest) -> Self {
        let mut voices: Vec<String> = engine.voices().iter().map(|v| v.name.clone()).collect();
        let own = VoiceLibrary::user().and_then(|library| library.voices().ok());
        voices.extend(own.into_iter().flatten().map(|voice| voice.info.name));
        let now = request.voice().name();
        let voice = voices.iter().position(|name| name == now);
        let voice = voice.unwrap_or_else(|| {
            voices.insert(0, now.to_owned());
            0
        });
        Self {
            args,
            request,
            engine,
            voices,
            voice,
            preparing: None,
            mute: false,
            bypass: false,
            pitch: args.pitch.unwrap_or_default(),
            message: String::new(),
        }
    }

    /// Until the user, the duration or the session ends it; the last status.
    fn run(
        &mut self,
        session: &LiveSession,
        mut view: Option<View>,
        interrupt: &Interrupt,
    ) -> Result<LiveStatus, Failure> {
        let (began, mut told) = (Instant::now(), Instant::now());
        loop {
            let quit = match &mut view {
                Some(view) => view
                    .keys(DRAW)?
                    .into_iter()
                    .any(|key| self.press(key, session)),
                None => {
                    thread::sleep(DRAW);
                    false
                }
            };
            let over = self
                .args
                .duration
                .is_some_and(|s| began.elapsed().as_secs_f64() >= s);
            let mut status = session.status();
            self.prepared(session);
            if let Some(message) = status.message.take() {
                if view.is_none() && !self.args.json {
                    console::note(&message);
                }
                self.message = message;
            }
            if let Some(view) = &mut view {
                view.draw(&self.lines(&status))?;
            }
            if self.args.json && told.elapsed() >= TELL {
                told = Instant::now();
                self.tell("status", &status, None)?;
            }
            if quit || over || session.has_ended() || interrupt.check().is_err() {
                return Ok(status);
            }
        }
    }

    /// Does what a key asks for; whether that is to quit.
    fn press(&mut self, key: Key, session: &LiveSession) -> bool {
        match key {
            Key::Quit => return true,
            Key::Mute => {
                self.mute = !self.mute;
                session.set_mute(self.mute);
            }
            Key::Bypass => {
                self.bypass = !self.bypass;
                session.set_bypass(self.bypass);
            }
            Key::Pitch(by) => {
                self.pitch = (self.pitch + by).clamp(-MOST_PITCH, MOST_PITCH);
                session.set_pitch(self.pitch);
            }
            Key::Voice(by) => self.prepare(by),
        }
        false
    }

    /// Listens to another voice while the present one goes on.
    fn prepare(&mut self, by: isize) {
        if self.preparing.is_some() {
            return;
        }
        let count = self.voices.len() as isize;
        self.voice = (self.voice as isize + by).rem_euclid(count) as usize;
        let (engine, name) = (self.engine.clone(), self.voices[self.voice].clone());
        let request = self.request.clone();
        self.message = format!("listening to {name}");
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let target = engine
                .voice(&name)
                .and_then(|voice| request.to(&voice).target());
            let _ = sender.send(target);
        });
        self.preparing = Some(receiver);
    }

    fn prepared(&mut self, session: &LiveSession) {
        let done = self.preparing.as_ref().map(Receiver::try_recv);
        match done {
            Some(Ok(Ok(target))) => session.aim(target),
            Some(Ok(Err(error))) => self.message = error.to_string(),
            Some(Err(mpsc::TryRecvError::Disconnected)) => {}
            Some(Err(mpsc::TryRecvError::Empty)) | None => return,
        }
        self.preparing = None;
    }

    fn lines(&self, status: &LiveStatus) -> Vec<String> {
        let bar = |db: f32| {
            let full = ((db + 60.0) / 2.0).clamp(0.0, 30.0) as usize;
            format!("{}{} {db:5.1} dB", "█".repeat(full), "·".repeat(30 - full))
        };
        let on = |what: &str, is: bool| {
            if is {
                format!("  [{what}]")
            } else {
                String::new()
            }
        };
        let (convert, latency) = (&status.convert, &status.latency);
        let absent = || "—  (waiting for it)".to_owned();
        vec![
            format!(
                "voice {}  pitch {:+.0}{}{}{}",
                self.voices[self.voice],
                self.pitch,
                on("mute", self.mute),
                on("bypass", self.bypass),
                on(
                    "passed on unchanged: the machine is too slow",
                    status.passing
                )
            ),
            format!(
                "in   {}  {}",
                bar(status.input_db),
                status.input.clone().unwrap_or_else(absent)
            ),
            format!(
                "out  {}  {}",
                bar(status.output_db),
                status.output.clone().unwrap_or_else(absent)
            ),
            format!(
                "chunk of {:.1} ms: p50 {:.1}  p99 {:.1}  p99.9 {:.1} ms; resampling {:.2} + {:.2} ms",
                latency.chunk_ms,
                convert.p50_ms,
                convert.p99_ms,
                convert.p99_9_ms,
                status.resample_in.p99_ms,
                status.resample_out.p99_ms
            ),
            format!(
                "delay now {:.0} ms, worst {:.0} ms",
                status.delay_now_ms, status.delay_worst_ms
            ),
            format!("{latency}"),
            format!(
                "late chunks {}  xruns {}  device gaps {}  drift {:+.0} ppm  {}",
                status.late, status.xruns, status.device_gaps, status.drift_ppm, status.working
            ),
            self.message.clone(),
            "m mute  b bypass  n/p voice  +/- pitch  q quit".into(),
        ]
    }

    fn tell(&self, event: &str, status: &LiveStatus, recorded: Option<u64>) -> Result<(), Failure> {
        let mut told =
            serde_json::to_value(status).map_err(|error| Failure::failed(error.to_string()))?;
        told["event"] = event.into();
        told["message"] = self.message.clone().into();
        told["voice"] = self.voices[self.voice].clone().into();
        told["latency"]["algorithmic_ms"] = json!(status.latency.algorithmic_ms());
        told["latency"]["total_ms"] = json!(status.latency.total_ms());
        if let Some(frames) = recorded {
            told["recorded_frames"] = frames.into();
        }
        console::print(told)
    }

    fn report(&self, status: &LiveStatus, recorded: Option<u64>) -> Result<(), Failure> {
        if self.args.json {
            return self.tell("end", status, recorded);
        }
        console::note(format_args!(
            "{:.1} s; {}; worst {:.0} ms; late chunks {}, xruns {}",
            status.seconds, status.latency, status.delay_worst_ms, status.late, status.xruns
        ));
        Ok(())
    }
}
