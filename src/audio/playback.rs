//! Playing through a sound card.
//!
//! [`Player`] takes audio of any rate, resamples it to the device's, and hands it over a bounded
//! wait-free ring to the device's callback, which only copies. The device is behind the trait
//! [`Backend`]: [`SoundCard`] is the real one, tests bring their own.

mod ring;
mod sound_card;

use std::thread;
use std::time::{Duration, Instant};

pub use ring::Tap;
use ring::{Feed, ring};
pub use sound_card::SoundCard;
pub(crate) use sound_card::{Direction, explain, find, no_device, quiet};

use super::writer::mismatch;
use super::{Audio, Resampler, Sink, Spec, Written};
use crate::{Error, Result};

/// How much sound the ring holds: what a producer may be ahead.
const RING_SECONDS: f64 = 0.5;

/// How much must be there before sound starts, and starts again after a gap, so that a producer
/// that makes audio in bursts does not stutter.
const PREROLL_SECONDS: f64 = 0.06;

/// A device that takes nothing for this long is gone.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often a full ring is looked at. The callback must not wake anybody, so waiting is polling.
const POLL: Duration = Duration::from_millis(3);

/// A system of audio devices.
pub trait Backend {
    /// The devices that can play or record.
    ///
    /// # Errors
    /// [`Error::Device`] if the system has no audio service.
    fn devices(&self) -> Result<Vec<Device>>;

    /// Opens the device called `name`, the default one without a name, at its own rate and number
    /// of channels. `tap` is called once with them and returns what the device's callback is to
    /// fill its buffers from. The stream comes back paused.
    ///
    /// # Errors
    /// [`Error::Device`] if there is no such device or it cannot be used.
    fn open(
        &self,
        name: Option<&str>,
        tap: &mut dyn FnMut(Spec) -> Tap,
    ) -> Result<Box<dyn Stream + Send>>;
}

/// An open device.
pub trait Stream {
    /// Starts calling back.
    ///
    /// # Errors
    /// [`Error::Device`] if the device refuses.
    fn play(&self) -> Result<()>;

    /// Stops calling back.
    ///
    /// # Errors
    /// [`Error::Device`] if the device refuses.
    fn pause(&self) -> Result<()>;

    /// What made the stream end by itself, if anything did.
    fn fault(&self) -> Option<String>;

    /// The name of the device.
    fn name(&self) -> String;
}

/// A device in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Device {
    /// What to call it, here and in [`Player::open`].
    pub name: String,
    /// The system's unique identifier, which [`Player::open`] takes too.
    pub id: String,
    /// Whether it is the one used without a name.
    pub default: bool,
    /// Its own rate and number of channels for playing, if it plays.
    pub output: Option<Spec>,
    /// Its own rate and number of channels for recording, if it records.
    pub input: Option<Spec>,
}

/// Plays audio as it is made.
pub struct Player {
    stream: Box<dyn Stream + Send>,
    feed: Feed,
    resampler: Resampler,
    device: Spec,
    playing: bool,
    frames: u64,
    interleaved: Vec<f32>,
}

impl Player {
    /// Opens the sound card called `name` (its name, its identifier, or a unique part of the name),
    /// the default one without a name, for audio of the shape `spec`.
    ///
    /// # Errors
    /// [`Error::Device`] with what to do, if there is no sound card or it cannot be used.
    pub fn open(name: Option<&str>, spec: Spec) -> Result<Self> {
        Self::with_backend(&SoundCard, name, spec)
    }

    /// The same on a backend of your own.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn with_backend(backend: &dyn Backend, name: Option<&str>, spec: Spec) -> Result<Self> {
        let mut opened = None;
        let stream = backend.open(name, &mut |device| {
            let frames = |seconds: f64| (seconds * f64::from(device.rate_hz)).ceil() as usize;
            let (feed, tap) = ring(
                device.channels,
                frames(RING_SECONDS),
                frames(PREROLL_SECONDS),
            );
            opened = Some((feed, device));
            tap
        })?;
        let (feed, device) = opened.ok_or_else(|| {
            Error::Device("the sound card opened without a stream; report this".into())
        })?;
        if device.rate_hz == 0 || device.channels == 0 {
            return Err(Error::Device(format!(
                "{} offers no channel to play on; choose another device",
                stream.name()
            )));
        }
        Ok(Self {
            stream,
            feed,
            resampler: Resampler::new(spec, device.rate_hz)?,
            device,
            playing: false,
            frames: 0,
            interleaved: Vec::new(),
        })
    }

    /// The rate and the number of channels it takes.
    pub fn spec(&self) -> Spec {
        self.resampler.input()
    }

    /// The rate and the number of channels of the device.
    pub fn device(&self) -> Spec {
        self.device
    }

    /// The name of the device.
    pub fn name(&self) -> String {
        self.stream.name()
    }

    /// Plays a chunk: waits until the ring has taken it, not until it has sounded.
    ///
    /// # Errors
    /// [`Error::Config`] if its shape is not [`spec`](Self::spec); [`Error::Device`] if the device
    /// is gone.
    pub fn play(&mut self, chunk: &Audio) -> Result<()> {
        if chunk.spec() != self.spec() {
            return Err(mismatch(chunk.spec(), self.spec()));
        }
        let ready = self.resampler.push(chunk)?;
        self.frames += chunk.frames() as u64;
        self.hand_over(&ready)
    }

    /// Waits until everything has sounded. More can be played afterwards.
    ///
    /// # Errors
    /// [`Error::Device`] if the device is gone.
    pub fn drain(&mut self) -> Result<()> {
        let rest = self.resampler.flush()?;
        self.hand_over(&rest)?;
        self.feed.end();
        self.start()?;
        let mut waiting = Waiting::new();
        while self.feed.unplayed() > 0 {
            waiting.on(self.feed.unplayed(), self.stream.as_ref())?;
        }
        // What the callback has given away is in the device's own buffers yet.
        thread::sleep(self.feed.device_delay(self.device));
        self.feed.begin();
        self.pause();
        Ok(())
    }

    /// Falls silent at once and forgets what has not sounded. More can be played afterwards.
    ///
    /// # Errors
    /// [`Error::Device`] if the device is gone.
    pub fn stop(&mut self) -> Result<()> {
        self.resampler.reset();
        self.feed.discard();
        let mut waiting = Waiting::new();
        while self.playing && self.feed.unplayed() > 0 {
            waiting.on(self.feed.unplayed(), self.stream.as_ref())?;
        }
        self.pause();
        self.feed.begin();
        Ok(())
    }

    /// How often the device ran out of sound before [`drain`](Self::drain) said that this was all.
    pub fn underruns(&self) -> u64 {
        self.feed.underruns()
    }

    /// Seconds from [`play`](Self::play) to the ear, as of now.
    pub fn latency(&self) -> f64 {
        let frames = self.feed.unplayed() / self.device.channels as u64;
        (frames as f64 + self.resampler.latency() as f64) / f64::from(self.device.rate_hz)
            + self.feed.device_delay(self.device).as_secs_f64()
    }

    fn hand_over(&mut self, audio: &Audio) -> Result<()> {
        let mut interleaved = std::mem::take(&mut self.interleaved);
        interleaved.clear();
        spread(audio.channels(), self.device.channels, &mut interleaved);
        let mut rest = interleaved.as_slice();
        let mut waiting = Waiting::new();
        loop {
            rest = self.feed.push(rest);
            // Not before, so that a device never starts on an empty ring.
            if self.feed.is_ready() {
                self.start()?;
            }
            if rest.is_empty() {
                self.interleaved = interleaved;
                return Ok(());
            }
            waiting.on(self.feed.unplayed(), self.stream.as_ref())?;
        }
    }

    fn start(&mut self) -> Result<()> {
        if !self.playing {
            self.stream.play()?;
            self.playing = true;
        }
        Ok(())
    }

    /// Not every device can pause, nor in every state; one that goes on plays silence.
    fn pause(&mut self) {
        if self.playing && self.stream.pause().is_ok() {
            self.playing = false;
        }
    }
}

impl Sink for Player {
    fn spec(&self) -> Spec {
        Self::spec(self)
    }

    fn write(&mut self, chunk: &Audio) -> Result<()> {
        self.play(chunk)
    }

    fn finish(mut self: Box<Self>) -> Result<Written> {
        self.drain()?;
        Ok(Written {
            frames: self.frames,
            ..Written::default()
        })
    }
}

/// Waiting for a device that may have gone.
struct Waiting {
    since: Instant,
    unplayed: Option<u64>,
}

impl Waiting {
    fn new() -> Self {
        Self {
            since: Instant::now(),
            unplayed: None,
        }
    }

    /// Waits a moment, unless the stream has ended or `unplayed` has not changed for too long.
    fn on(&mut self, unplayed: u64, stream: &dyn Stream) -> Result<()> {
        if let Some(fault) = stream.fault() {
            return Err(Error::Device(format!(
                "{} stopped: {fault}; choose another device, or write to a file with `-o`",
                stream.name()
            )));
        }
        if self.unplayed != Some(unplayed) {
            *self = Self {
                since: Instant::now(),
                unplayed: Some(unplayed),
            };
        } else if self.since.elapsed() > PATIENCE {
            return Err(Error::Device(format!(
                "{} takes no sound any more; check its connection or choose another device",
                stream.name()
            )));
        }
        thread::sleep(POLL);
        Ok(())
    }
}

/// Appends `planes` `[C][T]`, interleaved for `channels` channels, to `interleaved`.
///
/// One channel sounds on the first two; several go to as many of the device, and are mixed if it
/// has but one.
fn spread(planes: &[Vec<f32>], channels: usize, interleaved: &mut Vec<f32>) {
    let share = 1.0 / planes.len() as f32;
    for frame in 0..planes.first().map_or(0, Vec::len) {
        for channel in 0..channels {
            interleaved.push(match planes {
                [mono] if channel < 2 => mono[frame],
                [_] => 0.0,
                _ if channels == 1 => planes.iter().map(|p| p[frame]).sum::<f32>() * share,
                _ => planes.get(channel).map_or(0.0, |p| p[frame]),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_spread_over_the_device() {
        let stereo = [vec![1.0, 2.0], vec![3.0, 4.0]];
        let spread = |planes: &[Vec<f32>], channels| {
            let mut interleaved = Vec::new();
            spread(planes, channels, &mut interleaved);
            interleaved
        };
        assert_eq!(spread(&stereo[..1], 1), [1.0, 2.0]);
        assert_eq!(spread(&stereo[..1], 3), [1.0, 1.0, 0.0, 2.0, 2.0, 0.0]);
        assert_eq!(spread(&stereo, 2), [1.0, 3.0, 2.0, 4.0]);
        assert_eq!(spread(&stereo, 3), [1.0, 3.0, 0.0, 2.0, 4.0, 0.0]);
        assert_eq!(spread(&stereo, 1), [2.0, 3.0]);
    }
}
