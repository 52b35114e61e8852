//! The thread that does the work: from the input ring through the engine into the output rings.

use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::clock::Clock;
use super::core::Core;
use super::inlet::Inlet;
use super::ladder::Ladder;
use super::outlet::Outlet;
use super::port::{Heard, Played};
use super::status::{LiveStatus, db};
use super::timings::Stage;
use super::{Changer, Latency};
use crate::Result;
use crate::convert::ConversionTarget;

/// A microphone that calls back no more is silent, not late.
const DEAF: Duration = Duration::from_millis(150);

/// Before that the delay has not settled.
const SETTLED: Duration = Duration::from_secs(3);

/// What the worker is told from outside.
pub(super) enum Command {
    Mute(bool),
    Bypass(bool),
    Pitch(f32),
    Aim(Box<ConversionTarget>),
    /// A device was opened, or has gone.
    Input(Option<Heard>, Option<String>),
    Output(usize, Option<Played>, Option<String>),
    Stop,
}

/// How the worker keeps time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    /// S, without the call of the device: what the output ring shall hold, s.
    pub ring_s: f64,
    /// The delay from mouth to ear that is held, s.
    pub fixed_s: Option<f64>,
    /// Whether the ladder may be used.
    pub gives_way: bool,
}

pub(super) struct Worker {
    core: Core,
    clock: Arc<dyn Clock>,
    plan: Plan,
    inlet: Option<Inlet>,
    /// The loudspeaker, and the one of the monitor.
    outlets: [Option<Outlet>; 2],
    recorder: Option<SyncSender<Vec<f32>>>,
    ladder: Ladder,
    commands: Receiver<Command>,
    shared: Arc<Mutex<LiveStatus>>,
    status: LiveStatus,
    /// When the microphone last called back, and how often it had.
    called: (Duration, u64),
    heard: Vec<f32>,
    samples: u64,
    first: Option<Duration>,
    stopped: bool,
}

impl Worker {
    pub fn new(
        changer: Box<dyn Changer>,
        clock: Arc<dyn Clock>,
        plan: Plan,
        commands: Receiver<Command>,
        shared: Arc<Mutex<LiveStatus>>,
        recorder: Option<SyncSender<Vec<f32>>>,
    ) -> Self {
        let levels = changer.levels();
        Self {
            status: LiveStatus {
                working: changer.level_name(0),
                ..LiveStatus::default()
            },
            core: Core::new(changer, Arc::clone(&clock)),
            clock,
            plan,
            inlet: None,
            outlets: [None, None],
            recorder,
            ladder: Ladder::new(levels),
            commands,
            shared,
            called: (Duration::ZERO, 0),
            heard: Vec::new(),
            samples: 0,
            first: None,
            stopped: false,
        }
    }

    /// Does what there is to do; whether there was anything.
    ///
    /// # Errors
    /// Those of [`Changer::push`].
    pub fn step(&mut self) -> Result<bool> {
        while let Ok(command) = self.commands.try_recv() {
            self.obey(command)?;
        }
        self.heard.clear();
        let taken = self.take()?;
        self.pass_on()?;
        self.climb()?;
        self.look();
        Ok(taken)
    }

    /// Whether it was told to stop.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Converts what is left, for the recording.
    ///
    /// # Errors
    /// Those of [`Changer::push`].
    pub fn finish(&mut self) -> Result<()> {
        self.heard.clear();
        self.core.flush(&mut self.heard)?;
        self.pass_on()
    }

    fn obey(&mut self, command: Command) -> Result<()> {
        match command {
            Command::Mute(mute) => self.core.set_mute(mute),
            Command::Bypass(bypass) => self.core.set_bypass(bypass),
            Command::Pitch(semitones) => self.core.set_pitch(semitones),
            Command::Aim(target) => {
                self.core.aim(&target)?;
                self.status.message = Some(format!("voice: {}", target.voice().name()));
            }
            Command::Input(heard, name) => {
                let engine_hz = self.core.changer().rate_hz();
                self.inlet = heard
                    .map(|heard| Inlet::new(heard, engine_hz))
                    .transpose()?;
                self.called = (self.clock.now(), 0);
                self.core.joint();
                self.status.input = name;
            }
            Command::Output(at, played, name) => {
                let engine_hz = self.core.changer().rate_hz();
                self.outlets[at] = played
                    .map(|played| Outlet::new(played, engine_hz, self.plan.ring_s))
                    .transpose()?;
                if at == 0 {
                    self.status.output = name;
                }
            }
            Command::Stop => self.stopped = true,
        }
        Ok(())
    }

    /// Takes what the microphone has heard through the engine.
    fn take(&mut self) -> Result<bool> {
        let chunk_s = self.chunk_s();
        let Some(inlet) = &mut self.inlet else {
            return Ok(false);
        };
        let now = self.clock.now();
        let calls = inlet.heard.port.calls();
        if calls != self.called.1 {
            self.called = (now, calls);
        }
        self.status.late += inlet.drop_late(chunk_s);
        let Some(audio) = inlet.take()? else {
            return Ok(false);
        };
        let resampled = self.clock.now();
        self.core.timings.add(Stage::ResampleIn, resampled - now);
        let samples = &audio.channels()[0];
        self.samples += samples.len() as u64;
        if !samples.is_empty() {
            self.first.get_or_insert(now);
        }
        // Piece by piece, so that what is done is heard while the rest is made.
        let quantum = self.core.changer().quantum();
        for piece in samples.chunks(quantum) {
            self.core.push(piece, &mut self.heard)?;
            self.pass_on()?;
        }
        Ok(true)
    }

    fn pass_on(&mut self) -> Result<()> {
        if self.heard.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        for outlet in self.outlets.iter_mut().flatten() {
            outlet.push(&self.heard, now)?;
        }
        self.core
            .timings
            .add(Stage::ResampleOut, self.clock.now() - now);
        if let Some(recorder) = &self.recorder {
            // A disk that is seconds late must not hold up what is heard.
            let _ = recorder.try_send(self.heard.clone());
        }
        self.heard.clear();
        Ok(())
    }

    /// Gives way where the machine is too slow.
    fn climb(&mut self) -> Result<()> {
        let (now, chunk_s) = (self.clock.now(), self.chunk_s());
        for time in std::mem::take(&mut self.core.chunk_times) {
            self.ladder.add(now, time.as_secs_f64() / chunk_s);
        }
        if !self.plan.gives_way {
            return Ok(());
        }
        if let Some(level) = self.ladder.next(now) {
            self.core.set_level(level, &mut self.heard)?;
            self.pass_on()?;
            let levels = self.core.changer().levels();
            let working = match level < levels {
                true => self.core.changer().level_name(level),
                false => "passed on unchanged".into(),
            };
            let direction = match level > self.status.level {
                true => "the machine is too slow",
                false => "there is time again",
            };
            self.status.message = Some(format!("{direction}: {working}"));
            self.status.level = level;
            self.status.working = working;
        }
        Ok(())
    }

    fn chunk_s(&self) -> f64 {
        let changer = self.core.changer();
        changer.chunk_samples() as f64 / f64::from(changer.rate_hz())
    }

    /// Counts and tells.
    fn look(&mut self) {
        let now = self.clock.now();
        let deaf = self.inlet.is_none() || now.saturating_sub(self.called.0) > DEAF;
        let gaps = |outlet: &mut Option<Outlet>| {
            let outlet = outlet.as_mut();
            outlet.map_or(0, |outlet| outlet.new_gaps(now, !deaf))
        };
        let gaps = self.outlets.iter_mut().map(gaps).sum::<u64>();
        match deaf {
            true => self.status.device_gaps += gaps,
            false => self.status.xruns += gaps,
        }
        self.hold();
        let latency = self.latency();
        let rate = f64::from(self.core.changer().rate_hz());
        self.status.latency = latency;
        self.status.seconds = self.samples as f64 / rate;
        self.status.passing = self.core.level() == self.core.changer().levels();
        if let (Some(inlet), Some(outlet)) = (&self.inlet, &self.outlets[0]) {
            self.status.drift_ppm = outlet.drift_ppm();
            let inside_s = self.core.inside() as f64 / rate;
            let waiting_s = [inlet.level_s(), inside_s, outlet.level_s()];
            let rings = waiting_s.iter().sum::<f64>();
            self.status.waiting_ms = waiting_s.map(|seconds| seconds * 1e3);
            let cut_ms = 1e3 * outlet.dropped as f64 / f64::from(outlet.played.rate_hz);
            // What is cut before the loudspeaker is as lost as what is left out before the networks.
            let chunks = |ms: f64| (ms / latency.chunk_ms).ceil() as u64;
            self.status.late += chunks(cut_ms).saturating_sub(chunks(self.status.cut_ms));
            self.status.cut_ms = cut_ms;
            let filters = inlet.filter_s() + outlet.filter_s();
            self.status.delay_now_ms =
                (rings + filters) * 1e3 + latency.device_in_ms + latency.device_out_ms;
            if self.first.is_some_and(|first| now >= first + SETTLED) {
                self.status.delay_worst_ms =
                    self.status.delay_worst_ms.max(self.status.delay_now_ms);
            }
        }
        // Whoever reads holds the lock for a moment; the next look tells more anyway.
        if let Ok(mut shared) = self.shared.try_lock() {
            let (reopened, told) = (shared.reopened, shared.message.take());
            let peak = |port: Option<&super::port::Port>| port.map_or(0.0, |port| port.take_peak());
            let input = peak(self.inlet.as_ref().map(|inlet| inlet.heard.port.as_ref()));
            let output = self.outlets[0].as_ref();
            let output = peak(output.map(|outlet| outlet.played.port.as_ref()));
            self.status.input_db = db(input).max(shared.input_db);
            self.status.output_db = db(output).max(shared.output_db);
            let timings = &self.core.timings;
            let message = self.status.message.take().or(told);
            *shared = LiveStatus {
                reopened,
                message,
                convert: self.status.convert,
                resample_in: self.status.resample_in,
                resample_out: self.status.resample_out,
                ..self.status.clone()
            };
            shared.convert = timings.of(Stage::Convert);
            shared.resample_in = timings.of(Stage::ResampleIn);
            shared.resample_out = timings.of(Stage::ResampleOut);
        }
    }

    /// Holds a fixed delay by the level of the ring.
    fn hold(&mut self) {
        let Some(fixed_s) = self.plan.fixed_s else {
            return;
        };
        let latency = self.latency();
        let rest_s = (latency.total_ms() - latency.ring_ms) / 1e3;
        let filters = |inlet: &Inlet, outlet: &Outlet| inlet.filter_s() + outlet.filter_s();
        let Some(inlet) = &self.inlet else { return };
        if let Some(outlet) = &mut self.outlets[0] {
            let spare = fixed_s - rest_s - filters(inlet, outlet);
            let call = outlet.played.port.largest() as f64 / f64::from(outlet.played.rate_hz);
            outlet.set_target((spare - call).max(self.plan.ring_s));
        }
    }

    fn latency(&self) -> Latency {
        let changer = self.core.changer();
        let ms = |samples: usize| samples as f64 / f64::from(changer.rate_hz()) * 1e3;
        let (chunk, window) = (changer.chunk_samples(), changer.window_samples());
        let ahead = changer.latency_samples().saturating_sub(chunk + window);
        let delay_ms = |delay: Option<Duration>| delay.map_or(0.0, |d| d.as_secs_f64() * 1e3);
        let inlet = self.inlet.as_ref();
        let outlet = self.outlets[0].as_ref();
        let filters = inlet.map_or(0.0, Inlet::filter_s) + outlet.map_or(0.0, Outlet::filter_s);
        let ring = outlet.map_or(self.plan.ring_s, Outlet::target_s);
        Latency {
            device_in_ms: delay_ms(inlet.map(|inlet| inlet.heard.port.delay())),
            chunk_ms: ms(chunk),
            look_ahead_ms: ms(ahead),
            window_ms: ms(window),
            compute_ms: self.core.timings.of(Stage::Convert).p50_ms,
            crossfade_ms: 0.0,
            ring_ms: (ring + filters) * 1e3,
            device_out_ms: delay_ms(outlet.map(|outlet| outlet.played.port.delay())),
        }
    }
}
