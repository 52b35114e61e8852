//! The worker between simulated devices, on a simulated clock: hours in seconds, and every fault at will.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::changer::Changer;
use super::clock::Clock;
use super::port::{self, Mic, Speaker};
use super::status::LiveStatus;
use super::worker::{Command, Plan, Worker};
use crate::Result;
use crate::audio::Spec;
use crate::convert::ConversionTarget;

const ENGINE_HZ: u32 = 24_000;
const QUANTUM: usize = 300;

/// A clock that is put forward.
#[derive(Default)]
struct Simulated(AtomicU64);

impl Simulated {
    fn put_forward(&self, nanoseconds: u64) {
        self.0.fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

impl Clock for Simulated {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// How long the stand-in takes for a chunk, ns, by level.
type Costs = Arc<[AtomicU64; 2]>;

/// Stands in for the networks: passes samples on as late as they would.
struct StandIn {
    clock: Arc<Simulated>,
    costs: Costs,
    level: usize,
    held: VecDeque<f32>,
}

const CHUNK: usize = 4 * QUANTUM;
const AHEAD: usize = 8 * QUANTUM;

impl Changer for StandIn {
    fn rate_hz(&self) -> u32 {
        ENGINE_HZ
    }

    fn quantum(&self) -> usize {
        QUANTUM
    }

    fn chunk_samples(&self) -> usize {
        CHUNK * (self.level + 1)
    }

    fn window_samples(&self) -> usize {
        4 * QUANTUM
    }

    fn latency_samples(&self) -> usize {
        self.chunk_samples() + AHEAD
    }

    fn push(&mut self, samples: &[f32], ready: &mut Vec<f32>) -> Result<()> {
        self.held.extend(samples);
        if self.held.len() >= self.latency_samples() {
            let cost = self.costs[self.level].load(Ordering::Relaxed);
            self.clock.put_forward(cost);
            ready.extend(self.held.drain(..self.chunk_samples()));
        }
        Ok(())
    }

    fn flush(&mut self, ready: &mut Vec<f32>) -> Result<()> {
        ready.extend(self.held.drain(..));
        Ok(())
    }

    fn levels(&self) -> usize {
        2
    }

    fn set_level(&mut self, level: usize) {
        self.held.clear();
        self.level = level;
    }

    fn set_pitch(&mut self, _: f32) {}

    fn aim(&mut self, _: &ConversionTarget) -> Result<()> {
        Ok(())
    }
}

/// A worker between a microphone and a loudspeaker with clocks of their own.
struct World {
    clock: Arc<Simulated>,
    costs: Costs,
    worker: Worker,
    commands: Sender<Command>,
    shared: Arc<Mutex<LiveStatus>>,
    mic: Option<Mic>,
    speaker: Option<Speaker>,
    /// Nanoseconds between the calls of each device, and when the next are due.
    periods: [f64; 2],
    due: [f64; 2],
    /// Samples spoken, and what was played.
    spoken: u64,
    heard: Vec<f32>,
    keep: bool,
}

const DEVICE: Spec = Spec {
    rate_hz: 48_000,
    channels: 1,
};
const PERIOD: usize = 240;

impl World {
    /// With a loudspeaker whose clock is `ppm` parts per million fast.
    fn new(ppm: f64) -> Self {
        Self::with(
            ppm,
            Plan {
                ring_s: 0.01,
                fixed_s: None,
                gives_way: true,
            },
        )
    }

    fn with(ppm: f64, plan: Plan) -> Self {
        let clock = Arc::new(Simulated::default());
        let costs: Costs = Arc::new([AtomicU64::new(5_000_000), AtomicU64::new(6_000_000)]);
        let changer = StandIn {
            clock: Arc::clone(&clock),
            costs: Arc::clone(&costs),
            level: 0,
            held: VecDeque::new(),
        };
        let (commands, orders) = mpsc::channel();
        let shared = Arc::default();
        let worker = Worker::new(
            Box::new(changer),
            Arc::clone(&clock) as Arc<dyn Clock>,
            plan,
            orders,
            Arc::clone(&shared),
            None,
        );
        let period = 1e9 * PERIOD as f64 / f64::from(DEVICE.rate_hz);
        let mut world = Self {
            clock,
            costs,
            worker,
            commands,
            shared,
            mic: None,
            speaker: None,
            periods: [period, period / (1.0 + ppm * 1e-6)],
            due: [0.0, 0.0],
            spoken: 0,
            heard: Vec::new(),
            keep: false,
        };
        world.plug_mic();
        world.plug_speaker();
        world
    }

    fn plug_mic(&mut self) {
        let (mic, heard) = port::mic(DEVICE);
        self.mic = Some(mic);
        let _ = self.commands.send(Command::Input(Some(heard), None));
    }

    fn plug_speaker(&mut self) {
        let (speaker, played) = port::speaker(DEVICE);
        self.speaker = Some(speaker);
        let _ = self.commands.send(Command::Output(0, Some(played), None));
    }

    /// Lets the devices catch up with the clock.
    fn devices(&mut self, sound: &impl Fn(u64) -> f32) {
        let now = self.clock.now().as_nanos() as f64;
        let mut buffer = [0.0f32; PERIOD];
        while self.due[0].min(self.due[1]) <= now {
            if self.due[0] <= self.due[1] {
                self.due[0] += self.periods[0];
                for sample in &mut buffer {
                    *sample = sound(self.spoken);
                    self.spoken += 1;
                }
                if let Some(mic) = &mut self.mic {
                    mic.hear(&buffer, None, |x| x);
                }
            } else {
                self.due[1] += self.periods[1];
                if let Some(speaker) = &mut self.speaker {
                    speaker.fill(&mut buffer, None, |x| x);
                    if self.keep {
                        self.heard.extend_from_slice(&buffer);
                    }
                }
            }
        }
    }

    /// Runs for so long, with a look at the status every simulated second.
    fn run(&mut self, seconds: f64, sound: impl Fn(u64) -> f32, mut each: impl FnMut(&LiveStatus)) {
        let until = self.clock.now() + Duration::from_secs_f64(seconds);
        let mut look = self.clock.now();
        while self.clock.now() < until {
            self.devices(&sound);
            if !self.worker.step().unwrap() {
                self.clock.put_forward(1_000_000);
            }
            if self.clock.now() >= look {
                look += Duration::from_secs(1);
                each(&self.shared.lock().unwrap());
            }
        }
    }

    fn status(&self) -> LiveStatus {
        self.shared.lock().unwrap().clone()
    }
}

fn hum(at: u64) -> f32 {
    0.3 * (at as f32 * 0.02).sin()
}

/// The largest step from one sample to the next.
fn steepest(heard: &[f32]) -> f32 {
    heard
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).abs())
        .fold(0.0, f32::max)
}

#[test]
fn half_an_hour_with_clocks_that_differ() {
    for ppm in [-200.0, 200.0] {
        let mut world = World::new(ppm);
        let (mut seconds, mut least, mut most) = (0, f64::MAX, 0.0f64);
        world.run(1800.0, hum, |status| {
            seconds += 1;
            if seconds > 5 {
                least = least.min(status.delay_now_ms);
                most = most.max(status.delay_now_ms);
            }
        });
        let status = world.status();
        assert_eq!((status.xruns, status.late), (0, 0), "{ppm}: {status:?}");
        assert_eq!(status.cut_ms, 0.0);
        assert_eq!(status.level, 0);
        assert!(
            (status.drift_ppm - ppm).abs() < 40.0,
            "{ppm}: {}",
            status.drift_ppm
        );
        // The devices call every 5 ms, the controller strays by 4 ms before it knows the clocks.
        assert!(most - least < 20.0, "{ppm}: {least} to {most} ms");
        assert!((status.seconds - 1800.0).abs() < 1.0);
    }
}

#[test]
fn the_delay_is_that_of_the_equation() {
    let mut world = World::new(0.0);
    world.keep = true;
    // A click after four seconds, when all has settled.
    let at = 4 * 48_000 + 77;
    world.run(6.0, |t| if t == at { 0.9 } else { 0.0 }, |_| {});
    let heard = (0..world.heard.len()).max_by(|&a, &b| world.heard[a].total_cmp(&world.heard[b]));
    let ms = (heard.unwrap() as f64 - at as f64) / 48.0;
    let status = world.status();
    let latency = status.latency;
    assert_eq!(latency.algorithmic_ms(), 150.0);
    // A call of each device, whose delays are not known here, lies between.
    let total = latency.total_ms();
    assert!(
        (total - 25.0..total + 10.0).contains(&ms),
        "{ms} ms, {latency}"
    );
    assert!(
        (status.delay_now_ms - ms).abs() < 15.0,
        "{ms} {}",
        status.delay_now_ms
    );
}

#[test]
fn a_worker_that_stalls_is_back_at_once() {
    let mut world = World::new(0.0);
    world.keep = true;
    world.run(5.0, hum, |_| {});
    let before = world.status();
    world.clock.put_forward(300_000_000);
    world.run(0.25, hum, |_| {});
    let stalled = world.status();
    assert!((1..=8).contains(&stalled.late), "{}", stalled.late);
    assert!(stalled.delay_now_ms < before.delay_now_ms + 60.0);
    world.run(5.0, hum, |_| {});
    let after = world.status();
    // What was caught up in a burst waits before the loudspeaker and is cut within the second.
    assert!((stalled.late..=stalled.late + 1).contains(&after.late));
    assert_eq!(after.xruns, stalled.xruns);
    assert_eq!(after.xruns, 1);
    assert!((after.delay_now_ms - before.delay_now_ms).abs() < 30.0);
    assert!(world.heard.iter().all(|x| x.is_finite()));
    let smooth = steepest(&(0..9_000).map(hum).collect::<Vec<_>>());
    assert!(
        steepest(&world.heard) < 2.0 * smooth,
        "{}",
        steepest(&world.heard)
    );
}

#[test]
fn devices_may_go_and_come_back() {
    let mut world = World::new(50.0);
    world.run(4.0, hum, |_| {});
    let before = world.status();
    // The loudspeaker is pulled without a word, then opened anew.
    world.speaker = None;
    world.run(3.0, hum, |_| {});
    world.plug_speaker();
    world.run(5.0, hum, |_| {});
    let status = world.status();
    assert!(
        (status.delay_now_ms - before.delay_now_ms).abs() < 30.0,
        "{status:?}"
    );
    // The microphone.
    world.mic = None;
    let _ = world.commands.send(Command::Input(None, None));
    world.run(3.0, hum, |_| {});
    world.plug_mic();
    world.run(5.0, hum, |_| {});
    let status = world.status();
    assert!(
        (status.delay_now_ms - before.delay_now_ms).abs() < 30.0,
        "{status:?}"
    );
    assert_eq!((status.xruns, status.device_gaps), (0, 1), "{status:?}");
}

#[test]
fn a_slow_machine_gives_way_and_comes_back() {
    let mut world = World::new(0.0);
    world.keep = true;
    world.run(3.0, hum, |_| {});
    world.costs[0].store(48_000_000, Ordering::Relaxed);
    world.run(4.0, hum, |_| {});
    assert_eq!(world.status().level, 1, "larger chunks are enough");
    world.costs[1].store(98_000_000, Ordering::Relaxed);
    world.run(4.0, hum, |_| {});
    assert!(world.status().passing);
    world
        .costs
        .iter()
        .for_each(|cost| cost.store(5_000_000, Ordering::Relaxed));
    world.run(30.0, hum, |_| {});
    let status = world.status();
    assert!(!status.passing && status.level == 0, "{status:?}");
    let smooth = steepest(&(0..9_000).map(hum).collect::<Vec<_>>());
    assert!(
        steepest(&world.heard) < 2.5 * smooth,
        "{}",
        steepest(&world.heard)
    );
    // The end of it is heard as it was spoken.
    let end = &world.heard[world.heard.len() - 48_000..];
    assert!(end.iter().fold(0.0f32, |most, x| most.max(x.abs())) > 0.29);
}

#[test]
fn a_fixed_delay_is_held() {
    let mut world = World::with(
        0.0,
        Plan {
            ring_s: 0.01,
            fixed_s: Some(0.4),
            gives_way: true,
        },
    );
    world.run(60.0, hum, |_| {});
    let status = world.status();
    assert!((status.delay_now_ms - 400.0).abs() < 20.0, "{status:?}");
    assert_eq!(status.xruns, 0);
}
