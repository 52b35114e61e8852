//! The wait-free way from the thread that makes sound to the callback that plays it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rtrb::{Consumer, Producer, RingBuffer};

use crate::audio::Spec;

/// The state that both ends see. All of it is atomic: the callback neither locks nor waits.
#[derive(Default)]
struct Shared {
    /// Samples the callback has taken out of the ring.
    played: AtomicU64,
    underruns: AtomicU64,
    /// No more will come: an empty ring is the end, not a gap.
    ended: AtomicBool,
    /// What is in the ring is to be thrown away.
    discarding: AtomicBool,
    /// Frames in the largest buffer the device has asked for.
    largest: AtomicU64,
}

/// The end that sound goes into.
pub(super) struct Feed {
    ring: Producer<f32>,
    shared: Arc<Shared>,
    pushed: u64,
    preroll: usize,
}

/// The end that a device's callback takes sound from. Nothing in it allocates, locks or waits.
pub struct Tap {
    ring: Consumer<f32>,
    shared: Arc<Shared>,
    channels: usize,
    /// Samples that must be there before sound starts.
    preroll: usize,
    rolling: bool,
}

/// A ring for `frames` frames of `channels` channels, which starts sounding with `preroll` frames.
pub(super) fn ring(channels: usize, frames: usize, preroll: usize) -> (Feed, Tap) {
    let (producer, consumer) = RingBuffer::new(frames.max(1) * channels.max(1));
    let shared = Arc::new(Shared::default());
    let preroll = preroll.min(frames) * channels.max(1);
    let tap = Tap {
        ring: consumer,
        shared: Arc::clone(&shared),
        channels: channels.max(1),
        preroll,
        rolling: false,
    };
    (
        Feed {
            ring: producer,
            shared,
            pushed: 0,
            preroll,
        },
        tap,
    )
}

impl Feed {
    /// Puts in what there is room for and returns the rest.
    pub(super) fn push<'a>(&mut self, interleaved: &'a [f32]) -> &'a [f32] {
        let (taken, rest) = self.ring.push_partial_slice(interleaved);
        self.pushed += taken.len() as u64;
        rest
    }

    /// Samples in the ring.
    pub(super) fn unplayed(&self) -> u64 {
        self.pushed - self.shared.played.load(Ordering::Acquire)
    }

    /// Whether there is enough in the ring for sound to start.
    pub(super) fn is_ready(&self) -> bool {
        self.unplayed() >= self.preroll.max(1) as u64
    }

    /// Nothing more will come.
    pub(super) fn end(&self) {
        self.shared.ended.store(true, Ordering::Release);
    }

    /// Something will come again.
    pub(super) fn begin(&self) {
        self.shared.ended.store(false, Ordering::Release);
        self.shared.discarding.store(false, Ordering::Release);
    }

    /// Throws away what is in the ring, at the next callback.
    pub(super) fn discard(&self) {
        self.shared.discarding.store(true, Ordering::Release);
    }

    pub(super) fn underruns(&self) -> u64 {
        self.shared.underruns.load(Ordering::Relaxed)
    }

    /// How long a frame takes from the callback to the ear, at a guess: devices have two or three
    /// buffers, of which one has just been asked for.
    pub(super) fn device_delay(&self, device: Spec) -> Duration {
        let frames = 2 * self.shared.largest.load(Ordering::Relaxed);
        let seconds = frames as f64 / f64::from(device.rate_hz.max(1));
        Duration::from_secs_f64(seconds.min(0.5))
    }
}

impl Tap {
    /// Fills `buffer`, interleaved, with sound, and with silence where there is none; `sample`
    /// turns a sample in -1..=1 into the device's.
    pub fn fill<T: Copy>(&mut self, buffer: &mut [T], sample: impl Fn(f32) -> T) {
        let frames = (buffer.len() / self.channels) as u64;
        self.shared.largest.fetch_max(frames, Ordering::Relaxed);
        if self.shared.discarding.load(Ordering::Acquire) {
            self.take(self.ring.slots(), |_| {});
            self.rolling = false;
        }
        // Before the ring is looked at: what was pushed before the end is then seen.
        let ended = self.shared.ended.load(Ordering::Acquire);
        let there = self.ring.slots();
        self.rolling |= there > 0 && (ended || there >= self.preroll);
        let wanted = buffer.len();
        let now = if self.rolling { there.min(wanted) } else { 0 };
        let now = now - now % self.channels;
        let (sound, silence) = buffer.split_at_mut(now);
        let mut places = sound.iter_mut();
        self.take(now, |level| {
            if let Some(place) = places.next() {
                *place = sample(level);
            }
        });
        silence.fill(sample(0.0));
        if self.rolling && now < wanted {
            self.rolling = false;
            if !ended {
                self.shared.underruns.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Takes `samples` samples out of the ring.
    fn take(&mut self, samples: usize, mut each: impl FnMut(f32)) {
        let Ok(chunk) = self.ring.read_chunk(samples) else {
            return;
        };
        let (first, second) = chunk.as_slices();
        first.iter().chain(second).for_each(|&level| each(level));
        chunk.commit_all();
        self.shared
            .played
            .fetch_add(samples as u64, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(tap: &mut Tap, samples: usize) -> Vec<i32> {
        let mut buffer = vec![-1; samples];
        tap.fill(&mut buffer, |level| level as i32);
        buffer
    }

    #[test]
    fn sound_starts_with_the_preroll_and_a_gap_is_counted() {
        let (mut feed, mut tap) = ring(1, 8, 4);
        assert_eq!(filled(&mut tap, 3), [0, 0, 0]);
        assert!(feed.push(&[1.0, 2.0, 3.0]).is_empty());
        assert_eq!(filled(&mut tap, 3), [0, 0, 0], "not enough yet");
        assert!(feed.push(&[4.0, 5.0]).is_empty());
        assert_eq!(filled(&mut tap, 3), [1, 2, 3]);
        assert_eq!((feed.unplayed(), feed.underruns()), (2, 0));
        assert_eq!(filled(&mut tap, 3), [4, 5, 0]);
        assert_eq!((feed.unplayed(), feed.underruns()), (0, 1));
        feed.push(&[6.0]);
        assert_eq!(
            filled(&mut tap, 2),
            [0, 0],
            "after a gap the preroll counts again"
        );
        assert_eq!(feed.underruns(), 1);
    }

    #[test]
    fn the_end_is_no_gap() {
        let (mut feed, mut tap) = ring(1, 8, 4);
        feed.push(&[1.0, 2.0]);
        feed.end();
        assert_eq!(filled(&mut tap, 4), [1, 2, 0, 0]);
        assert_eq!(filled(&mut tap, 4), [0; 4]);
        assert_eq!((feed.unplayed(), feed.underruns()), (0, 0));
    }

    #[test]
    fn a_full_ring_takes_what_fits() {
        let (mut feed, mut tap) = ring(2, 2, 1);
        assert_eq!(feed.push(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), [5.0, 6.0]);
        assert_eq!(filled(&mut tap, 2), [1, 2]);
        assert!(feed.push(&[5.0, 6.0]).is_empty());
        assert_eq!(filled(&mut tap, 4), [3, 4, 5, 6]);
    }

    #[test]
    fn discarding_empties_the_ring_at_once() {
        let (mut feed, mut tap) = ring(1, 8, 1);
        feed.push(&[1.0, 2.0, 3.0]);
        feed.discard();
        assert_eq!(filled(&mut tap, 2), [0, 0]);
        assert_eq!((feed.unplayed(), feed.underruns()), (0, 0));
        feed.begin();
        feed.push(&[4.0]);
        feed.end();
        assert_eq!(filled(&mut tap, 2), [4, 0]);
    }

    #[test]
    fn half_a_frame_waits_for_the_other_half() {
        let (mut feed, mut tap) = ring(2, 8, 0);
        feed.push(&[1.0, 2.0, 3.0]);
        feed.end();
        assert_eq!(filled(&mut tap, 4), [1, 2, 0, 0]);
        feed.push(&[4.0]);
        assert_eq!(filled(&mut tap, 4), [3, 4, 0, 0]);
    }
}
