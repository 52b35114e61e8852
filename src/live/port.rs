//! The ends of the rings that the callbacks of the devices have. Nothing here allocates, locks or waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use rtrb::{Consumer, Producer, RingBuffer};

use crate::audio::Spec;

/// What a ring holds at most, seconds.
const RING_S: f64 = 2.0;

/// How long sound takes to come and to go where there is a gap, seconds.
const FADE_S: f64 = 0.005;

/// What a callback tells, without waiting for anybody.
#[derive(Debug, Default)]
pub(super) struct Port {
    /// Calls so far.
    calls: AtomicU64,
    /// Frames of the largest call.
    largest: AtomicU64,
    /// Between the device and the call, ns, as the system says.
    delay_ns: AtomicU64,
    /// Largest magnitude since it was last asked for, as bits.
    peak: AtomicU32,
    /// Samples that found no room (microphone), gaps (loudspeaker).
    lost: AtomicU64,
    gaps: AtomicU64,
    /// The loudspeaker has nothing to play.
    idle: AtomicBool,
}

impl Port {
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    pub fn largest(&self) -> u64 {
        self.largest.load(Ordering::Relaxed)
    }

    pub fn delay(&self) -> Duration {
        Duration::from_nanos(self.delay_ns.load(Ordering::Relaxed))
    }

    /// The largest magnitude since the last call.
    pub fn take_peak(&self) -> f32 {
        f32::from_bits(self.peak.swap(0, Ordering::Relaxed))
    }

    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    pub fn gaps(&self) -> u64 {
        self.gaps.load(Ordering::Relaxed)
    }

    pub fn is_idle(&self) -> bool {
        self.idle.load(Ordering::Acquire)
    }

    fn called(&self, frames: usize, delay: Option<Duration>) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.largest.fetch_max(frames as u64, Ordering::Relaxed);
        if let Some(delay) = delay {
            self.delay_ns
                .store(delay.as_nanos() as u64, Ordering::Relaxed);
        }
    }

    fn level(&self, peak: f32) {
        // Magnitudes that are no numbers do not compare; positive floats compare as their bits do.
        if peak.is_finite() {
            self.peak.fetch_max(peak.to_bits(), Ordering::Relaxed);
        }
    }
}

/// The engine's end of a ring that a microphone fills.
pub(super) struct Heard {
    pub ring: Consumer<f32>,
    pub port: Arc<Port>,
    pub rate_hz: u32,
}

/// The engine's end of a ring that a loudspeaker empties.
pub(super) struct Played {
    pub ring: Producer<f32>,
    pub port: Arc<Port>,
    pub rate_hz: u32,
}

/// What the callback of an input device fills.
pub struct Mic {
    ring: Producer<f32>,
    port: Arc<Port>,
    channels: usize,
}

/// A ring from a device of that shape.
pub(super) fn mic(spec: Spec) -> (Mic, Heard) {
    let (producer, consumer) = RingBuffer::new(room(spec));
    let port = Arc::new(Port::default());
    let mic = Mic {
        ring: producer,
        port: Arc::clone(&port),
        channels: spec.channels.max(1),
    };
    let heard = Heard {
        ring: consumer,
        port,
        rate_hz: spec.rate_hz,
    };
    (mic, heard)
}

impl Mic {
    /// Takes a buffer of the device, interleaved, whose channels are averaged; `level` turns a sample of the device into
    /// one of full scale ±1, `delay` is how long ago the first of them was heard, if the system knows.
    pub fn hear<T: Copy>(
        &mut self,
        buffer: &[T],
        delay: Option<Duration>,
        level: impl Fn(T) -> f32,
    ) {
        let frames = buffer.len() / self.channels;
        self.port.called(frames, delay);
        let room = self.ring.slots().min(frames);
        self.port
            .lost
            .fetch_add((frames - room) as u64, Ordering::Relaxed);
        let (share, mut peak) = (1.0 / self.channels as f32, 0.0f32);
        let mono = buffer.chunks_exact(self.channels).take(room).map(|frame| {
            let sum: f32 = frame.iter().map(|&sample| level(sample)).sum();
            let mono = sum * share;
            peak = peak.max(mono.abs());
            // One broken sample must not break the conversion.
            if mono.is_finite() { mono } else { 0.0 }
        });
        if let Ok(chunk) = self.ring.write_chunk_uninit(room) {
            chunk.fill_from_iter(mono);
        }
        self.port.level(peak);
    }
}

/// What the callback of an output device takes its sound from.
pub struct Speaker {
    ring: Consumer<f32>,
    port: Arc<Port>,
    channels: usize,
    playing: bool,
    /// Frames of a fade, and since sound came and went.
    fade: usize,
    came: usize,
    went: usize,
    /// What sounded last, and when sound went.
    last: f32,
    tail: f32,
}

/// A ring to a device of that shape.
pub(super) fn speaker(spec: Spec) -> (Speaker, Played) {
    let (producer, consumer) = RingBuffer::new(room(spec));
    let port = Arc::new(Port::default());
    port.idle.store(true, Ordering::Release);
    let speaker = Speaker {
        ring: consumer,
        port: Arc::clone(&port),
        channels: spec.channels.max(1),
        playing: false,
        fade: ((FADE_S * f64::from(spec.rate_hz)) as usize).max(1),
        came: 0,
        went: 0,
        last: 0.0,
        tail: 0.0,
    };
    let played = Played {
        ring: producer,
        port,
        rate_hz: spec.rate_hz,
    };
    (speaker, played)
}

impl Speaker {
    /// Fills a buffer of the device, interleaved: sound on the first two channels, silence where there is none; `sample`
    /// turns a level within ±1 into a sample of the device, `delay` is when the first of them will be heard, if the
    /// system knows.
    pub fn fill<T: Copy>(
        &mut self,
        buffer: &mut [T],
        delay: Option<Duration>,
        sample: impl Fn(f32) -> T,
    ) {
        let frames = buffer.len() / self.channels;
        self.port.called(frames, delay);
        let there = self.ring.slots();
        if !self.playing && there > 0 {
            (self.playing, self.came) = (true, 0);
            self.port.idle.store(false, Ordering::Release);
        }
        let now = if self.playing { there.min(frames) } else { 0 };
        let (sound, silence) = buffer.split_at_mut(now * self.channels);
        let mut peak = 0.0f32;
        if let Ok(chunk) = self.ring.read_chunk(now) {
            let (first, second) = chunk.as_slices();
            let levels = first.iter().chain(second);
            for (frame, &level) in sound.chunks_exact_mut(self.channels).zip(levels) {
                let gain = share(self.came, self.fade);
                self.came = self.came.saturating_add(1);
                self.last = gain * level + self.tail * (1.0 - share(self.went, self.fade));
                self.went = self.went.saturating_add(1);
                peak = peak.max(self.last.abs());
                put(frame, self.last, &sample);
            }
            chunk.commit_all();
        }
        self.port.level(peak);
        if self.playing && now < frames {
            (self.playing, self.went, self.tail) = (false, 0, self.last);
            self.port.gaps.fetch_add(1, Ordering::Relaxed);
            self.port.idle.store(true, Ordering::Release);
        }
        // What sounded last dies away.
        for frame in silence.chunks_mut(self.channels) {
            self.last = self.tail * (1.0 - share(self.went, self.fade));
            self.went = self.went.saturating_add(1);
            put(frame, self.last, &sample);
        }
    }
}

/// How far a fade of `fade` frames has come after `frames`.
fn share(frames: usize, fade: usize) -> f32 {
    (frames as f32 / fade as f32).min(1.0)
}

fn put<T: Copy>(frame: &mut [T], level: f32, sample: &impl Fn(f32) -> T) {
    for (channel, place) in frame.iter_mut().enumerate() {
        *place = sample(if channel < 2 { level } else { 0.0 });
    }
}

fn room(spec: Spec) -> usize {
    (RING_S * f64::from(spec.rate_hz)).ceil().max(1.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: Spec = Spec {
        rate_hz: 1000,
        channels: 2,
    };

    #[test]
    fn channels_are_averaged_and_a_full_ring_loses_the_newest() {
        let (mut mic, mut heard) = mic(SPEC);
        mic.hear(&[1i16, 3, f32::MAX as i16, -2], None, |x| {
            f32::from(x) / 4.0
        });
        assert_eq!(heard.ring.pop(), Ok(0.5));
        mic.hear(&[f32::NAN; 2], None, |x| x);
        assert_eq!(heard.ring.slots(), 2);
        mic.hear(&[0.25; 2 * 2500], None, |x| x);
        assert_eq!((heard.ring.slots(), heard.port.lost()), (2000, 502));
        assert!(heard.port.take_peak() > 0.2);
        assert_eq!(heard.port.take_peak(), 0.0);
        assert_eq!((heard.port.calls(), heard.port.largest()), (3, 2500));
    }

    #[test]
    fn sound_comes_and_goes_without_clicks_and_gaps_are_counted() {
        let (mut speaker, mut played) = speaker(SPEC);
        let mut heard = Vec::new();
        let mut fill = |frames: usize, heard: &mut Vec<f32>| {
            let mut buffer = vec![9.0; 2 * frames];
            speaker.fill(&mut buffer, None, |x| x);
            assert!(buffer.chunks(2).all(|frame| frame[0] == frame[1]));
            heard.extend(buffer.iter().step_by(2));
        };
        fill(5, &mut heard);
        assert!(played.port.is_idle() && played.port.gaps() == 0);
        played.ring.push_entire_slice(&[1.0; 20]).unwrap();
        fill(10, &mut heard);
        assert!(!played.port.is_idle());
        fill(20, &mut heard);
        assert!(played.port.is_idle());
        assert_eq!(played.port.gaps(), 1);
        fill(10, &mut heard);
        assert_eq!(played.port.gaps(), 1);
        let steepest = heard.windows(2).map(|w| (w[1] - w[0]).abs());
        assert!(steepest.fold(0.0, f32::max) < 0.21, "{heard:?}");
        assert_eq!(heard[10..25], [1.0; 15]);
        assert_eq!(heard[31..], [0.0; 14]);
    }
}
