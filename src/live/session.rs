//! A session: devices, worker, recording.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::changer::Changer;
use super::clock::Monotonic;
use super::hardware::Hardware;
use super::status::LiveStatus;
use super::supervisor::{Purpose, Supervisor, Wanted};
use super::trial::warm_up;
use super::worker::{Command, Plan, Worker};
use crate::audio::{Recording, Written};
use crate::convert::ConversionTarget;
use crate::{Error, Result};

/// How long the worker sleeps where there is nothing to do. Callbacks must not wake anybody.
const NAP: Duration = Duration::from_millis(1);

/// Pieces of a recording that may wait for the disk.
const PIECES: usize = 1024;

/// What is to be started, see [`start`](Self::start).
///
/// ```no_run
/// # #[cfg(feature = "playback")]
/// # fn main() -> syrinx::Result<()> {
/// use std::sync::Arc;
/// use syrinx::{Engine, audio::playback::SoundCard, live::{Live, Preset}};
///
/// let engine = Engine::new()?;
/// let request = engine.conversion(&engine.voice("merlin")?)?;
/// let changer = Preset::Balanced.changer(&request, 1)?;
/// let session = Live::new(Box::new(changer)).start(Arc::new(SoundCard))?;
/// std::thread::sleep(std::time::Duration::from_secs(10));
/// println!("{}", session.status().latency);
/// session.stop()?;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "playback"))]
/// # fn main() {}
/// ```
pub struct Live {
    changer: Box<dyn Changer>,
    input: Option<String>,
    output: Option<String>,
    monitor: Option<Option<String>>,
    recording: Option<Recording>,
    plan: Plan,
}

impl Live {
    /// A session in which `changer` changes the voice.
    pub fn new(changer: Box<dyn Changer>) -> Self {
        Self {
            changer,
            input: None,
            output: None,
            monitor: None,
            recording: None,
            plan: Plan {
                ring_s: 0.02,
                fixed_s: None,
                gives_way: true,
            },
        }
    }

    /// The microphone, by name; the default one unless set.
    #[must_use]
    pub fn input(mut self, name: Option<&str>) -> Self {
        self.input = name.map(str::to_owned);
        self
    }

    /// The loudspeaker, by name; the default one unless set.
    #[must_use]
    pub fn output(mut self, name: Option<&str>) -> Self {
        self.output = name.map(str::to_owned);
        self
    }

    /// A second loudspeaker that plays the same, by name or the default one.
    #[must_use]
    pub fn monitor(mut self, name: Option<&str>) -> Self {
        self.monitor = Some(name.map(str::to_owned));
        self
    }

    /// Records what is played, at the rate of the changer.
    #[must_use]
    pub fn record(mut self, recording: Recording) -> Self {
        self.recording = Some(recording);
        self
    }

    /// S: what the output ring is kept at, besides one call of the device; 20 ms unless set.
    #[must_use]
    pub fn ring(mut self, ring: Duration) -> Self {
        self.plan.ring_s = ring.as_secs_f64();
        self
    }

    /// Holds the delay from mouth to ear at `delay`, if it can be that short.
    #[must_use]
    pub fn fixed_delay(mut self, delay: Duration) -> Self {
        self.plan.fixed_s = Some(delay.as_secs_f64());
        self
    }

    /// Whether it does with less where the machine is too slow (as it does unless set), or only leaves out what is late.
    #[must_use]
    pub fn gives_way(mut self, gives_way: bool) -> Self {
        self.plan.gives_way = gives_way;
        self
    }

    /// Warms the networks up, opens the devices and starts.
    ///
    /// # Errors
    /// [`Error::Device`] with what to do if a device cannot be used; [`Error::Config`] for a fixed delay that is shorter
    /// than the changer's own.
    pub fn start(mut self, hardware: Arc<dyn Hardware>) -> Result<LiveSession> {
        let rate = f64::from(self.changer.rate_hz());
        let least_s = self.changer.latency_samples() as f64 / rate + self.plan.ring_s;
        if let Some(fixed_s) = self.plan.fixed_s.filter(|fixed_s| *fixed_s < least_s) {
            return Err(Error::Config(format!(
                "a fixed delay of {:.0} ms is shorter than what the preset needs without the devices, {:.0} ms; give more, \
                 or choose a preset of a shorter delay",
                fixed_s * 1e3,
                least_s * 1e3
            )));
        }
        warm_up(self.changer.as_mut())?;
        let (commands, orders) = mpsc::channel();
        let shared = Arc::new(Mutex::new(LiveStatus {
            input_db: -99.0,
            output_db: -99.0,
            ..LiveStatus::default()
        }));
        let wanted = |purpose, name| Wanted { purpose, name };
        let mut devices = vec![
            wanted(Purpose::Speaker(0), self.output),
            wanted(Purpose::Mic, self.input),
        ];
        devices.extend(self.monitor.map(|name| wanted(Purpose::Speaker(1), name)));
        let supervisor =
            Supervisor::open(hardware, devices, commands.clone(), Arc::clone(&shared))?;
        let (recorder, disk) = match self.recording {
            Some(recording) => {
                let (sender, receiver) = mpsc::sync_channel(PIECES);
                (
                    Some(sender),
                    Some(spawn("live recorder", move || {
                        record(recording, &receiver)
                    })?),
                )
            }
            None => (None, None),
        };
        let (changer, plan, status) = (self.changer, self.plan, Arc::clone(&shared));
        let worker = spawn("live worker", move || {
            work(changer, plan, orders, status, recorder)
        })?;
        let (stop, stopped) = mpsc::channel();
        let supervisor = spawn("live devices", move || supervisor.run(&stopped))?;
        Ok(LiveSession {
            commands,
            shared,
            stop: Some(stop),
            worker: Some(worker),
            supervisor: Some(supervisor),
            disk,
        })
    }
}

fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>> {
    thread::Builder::new()
        .name(name.into())
        .spawn(work)
        .map_err(Error::io("a new thread"))
}

/// Runs the worker until it is told to stop; a panic becomes an error.
fn work(
    changer: Box<dyn Changer>,
    plan: Plan,
    orders: Receiver<Command>,
    shared: Arc<Mutex<LiveStatus>>,
    recorder: Option<SyncSender<Vec<f32>>>,
) -> Result<()> {
    let clock = Arc::new(Monotonic::new());
    let work = || {
        let mut worker = Worker::new(changer, clock, plan, orders, shared, recorder);
        while !worker.is_stopped() {
            if !worker.step()? {
                thread::sleep(NAP);
            }
        }
        worker.finish()
    };
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(crashed(panic.as_ref())))
}

fn crashed(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    Error::Input(format!(
        "the conversion stopped because of a defect ({}); report this. What was recorded up to then is kept",
        text.unwrap_or_else(|| "unknown".into())
    ))
}

fn record(mut recording: Recording, pieces: &Receiver<Vec<f32>>) -> Result<Written> {
    while let Ok(piece) = pieces.recv() {
        recording.write(&piece)?;
    }
    recording.finish()
}

/// A running session; dropped, it stops.
pub struct LiveSession {
    commands: Sender<Command>,
    shared: Arc<Mutex<LiveStatus>>,
    stop: Option<Sender<()>>,
    worker: Option<JoinHandle<Result<()>>>,
    supervisor: Option<JoinHandle<()>>,
    disk: Option<JoinHandle<Result<Written>>>,
}

/// What came of a session.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct LiveEnd {
    /// As it was at the end.
    pub status: LiveStatus,
    /// What was recorded, if anything was to be.
    pub recorded: Option<Written>,
}

impl LiveSession {
    /// How it is doing; levels and the message are those since the last look.
    pub fn status(&self) -> LiveStatus {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let status = shared.clone();
        (shared.input_db, shared.output_db, shared.message) = (-99.0, -99.0, None);
        status
    }

    /// Whether it has ended by itself, see [`stop`](Self::stop) for why.
    pub fn has_ended(&self) -> bool {
        self.worker.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Whether nothing is heard.
    pub fn set_mute(&self, mute: bool) {
        self.tell(Command::Mute(mute));
    }

    /// Whether the unchanged voice is heard, as late as the changed one.
    pub fn set_bypass(&self, bypass: bool) {
        self.tell(Command::Bypass(bypass));
    }

    /// Shifts the pitch, semitones.
    pub fn set_pitch(&self, semitones: f32) {
        self.tell(Command::Pitch(semitones));
    }

    /// Changes to another voice from the next chunk on; [`crate::ConversionRequest::target`] prepares it, on any thread.
    pub fn aim(&self, target: ConversionTarget) {
        self.tell(Command::Aim(Box::new(target)));
    }

    /// Stops, and completes the recording.
    ///
    /// # Errors
    /// What made the session end by itself, if anything did; [`Error::Io`] if the recording could not be written.
    pub fn stop(mut self) -> Result<LiveEnd> {
        let worked = self.end();
        let recorded = match self.disk.take() {
            Some(disk) => Some(disk.join().map_err(|panic| crashed(panic.as_ref()))?),
            None => None,
        };
        worked?;
        Ok(LiveEnd {
            status: self.status(),
            recorded: recorded.transpose()?,
        })
    }

    fn end(&mut self) -> Result<()> {
        self.tell(Command::Stop);
        // Devices that are open while nothing comes would count gaps.
        drop(self.stop.take());
        let worked = match self.worker.take() {
            Some(worker) => worker
                .join()
                .unwrap_or_else(|panic| Err(crashed(panic.as_ref()))),
            None => Ok(()),
        };
        if let Some(supervisor) = self.supervisor.take() {
            let _ = supervisor.join();
        }
        worked
    }

    fn tell(&self, command: Command) {
        // A worker that has ended says why in `stop`.
        let _ = self.commands.send(command);
    }
}

impl Drop for LiveSession {
    fn drop(&mut self) {
        let _ = self.end();
        if let Some(disk) = self.disk.take() {
            let _ = disk.join();
        }
    }
}
