//! Keeps the devices open: one that goes is opened anew as soon as it is back.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::hardware::{Hardware, Line};
use super::port::{self, Port};
use super::status::LiveStatus;
use super::worker::Command;
use crate::Result;

/// How often devices are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// A device that does not call back for so long has gone, whatever it says.
const PATIENCE: Duration = Duration::from_secs(3);

/// Waits between attempts to open a device anew, the first and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(4);

/// How often devices shall call back, at first and at most; a device that stutters is called less often.
///
/// Delays are measured with 10 ms; shorter calls stuttered before null sinks were kept from sleeping ahead, and have not been
/// tried since.
const FIRST_CALL: Duration = Duration::from_millis(10);
const LONGEST_CALL: Duration = Duration::from_millis(40);

/// So many losses of sound within so long are a stutter.
const STUTTER: u64 = 3;
const STUTTER_WITHIN: Duration = Duration::from_secs(4);

/// What a device is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Mic,
    /// The loudspeaker, or that of the monitor.
    Speaker(usize),
}

/// A device that shall be open.
pub(super) struct Wanted {
    pub purpose: Purpose,
    pub name: Option<String>,
}

/// A device as it is.
struct Slot {
    wanted: Wanted,
    line: Option<Box<dyn Line>>,
    port: Arc<Port>,
    calls: u64,
    called: Instant,
    wait: Duration,
    next: Instant,
    call: Duration,
    /// Losses of sound that the present watch began with, and when.
    xruns: (u64, Instant),
}

/// Holds the devices of a session.
pub(super) struct Supervisor {
    hardware: Arc<dyn Hardware>,
    slots: Vec<Slot>,
    commands: Sender<Command>,
    shared: Arc<Mutex<LiveStatus>>,
}

impl Supervisor {
    /// Opens all devices.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if one cannot be opened.
    pub fn open(
        hardware: Arc<dyn Hardware>,
        wanted: Vec<Wanted>,
        commands: Sender<Command>,
        shared: Arc<Mutex<LiveStatus>>,
    ) -> Result<Self> {
        let mut supervisor = Self {
            hardware,
            slots: Vec::new(),
            commands,
            shared,
        };
        for wanted in wanted {
            let now = Instant::now();
            let mut slot = Slot {
                wanted,
                line: None,
                port: Arc::default(),
                calls: 0,
                called: now,
                wait: FIRST_WAIT,
                next: now,
                call: FIRST_CALL,
                xruns: (0, now),
            };
            supervisor.connect(&mut slot)?;
            supervisor.slots.push(slot);
        }
        Ok(supervisor)
    }

    /// Looks after the devices until `stop` is closed.
    pub fn run(mut self, stop: &Receiver<()>) {
        while stop.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            let mut slots = std::mem::take(&mut self.slots);
            slots.iter_mut().for_each(|slot| self.look(slot));
            self.slots = slots;
        }
    }

    fn look(&self, slot: &mut Slot) {
        let now = Instant::now();
        let Some(line) = &slot.line else {
            if now >= slot.next {
                self.reopen(slot);
                if let Some(line) = &slot.line {
                    self.tell(format!("{} is back", line.name()));
                }
            }
            return;
        };
        let calls = slot.port.calls();
        if calls != slot.calls {
            (slot.calls, slot.called, slot.wait) = (calls, now, FIRST_WAIT);
        }
        let silent = now - slot.called > PATIENCE;
        let fault = line.fault();
        if let Some(fault) = fault.or_else(|| silent.then(|| "it does not answer".into())) {
            let name = line.name();
            slot.line = None;
            self.tell(format!("{name} has gone ({fault}); waiting for it"));
            let _ = self.commands.send(match slot.wanted.purpose {
                Purpose::Mic => Command::Input(None, None),
                Purpose::Speaker(at) => Command::Output(at, None, None),
            });
            slot.next = now + slot.wait;
            return;
        }
        let lost = line.xruns();
        if lost >= slot.xruns.0 + STUTTER && slot.call < LONGEST_CALL {
            slot.call *= 2;
            let (name, ms) = (line.name(), slot.call.as_millis());
            slot.line = None;
            self.tell(format!(
                "{name} stutters: opened anew with calls of {ms} ms"
            ));
            self.reopen(slot);
        } else if now - slot.xruns.1 > STUTTER_WITHIN {
            slot.xruns = (lost, now);
        }
    }

    fn reopen(&self, slot: &mut Slot) {
        match self.connect(slot) {
            Ok(()) => {
                let shared = &mut self.shared.lock().unwrap_or_else(PoisonError::into_inner);
                shared.reopened += 1;
            }
            Err(_) => {
                slot.wait = (slot.wait * 2).min(LONGEST_WAIT);
                slot.next = Instant::now() + slot.wait;
            }
        }
    }

    fn connect(&self, slot: &mut Slot) -> Result<()> {
        let name = slot.wanted.name.as_deref();
        match slot.wanted.purpose {
            Purpose::Mic => {
                let mut ends = None;
                let line = self.hardware.open_mic(name, slot.call, &mut |spec| {
                    let (mic, heard) = port::mic(spec);
                    ends = Some(heard);
                    mic
                })?;
                if let Some(heard) = &ends {
                    slot.port = Arc::clone(&heard.port);
                }
                let _ = self.commands.send(Command::Input(ends, Some(line.name())));
                slot.line = Some(line);
            }
            Purpose::Speaker(at) => {
                let mut ends = None;
                let line = self.hardware.open_speaker(name, slot.call, &mut |spec| {
                    let (speaker, played) = port::speaker(spec);
                    ends = Some(played);
                    speaker
                })?;
                if let Some(played) = &ends {
                    slot.port = Arc::clone(&played.port);
                }
                let _ = self
                    .commands
                    .send(Command::Output(at, ends, Some(line.name())));
                slot.line = Some(line);
            }
        }
        let now = Instant::now();
        (slot.calls, slot.called, slot.xruns) = (0, now, (0, now));
        Ok(())
    }

    fn tell(&self, message: String) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.message = Some(message);
    }
}
