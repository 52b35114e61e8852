//! The callbacks of the devices allocate nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use syrinx::audio::Spec;
use syrinx::live::{Changer, Hardware, Line, Live, Mic, Speaker};
use syrinx::{ConversionTarget, Result};

/// Counts what is allocated and freed while a thread is in a callback.
struct Counting;

thread_local! {
    static IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    if IN_CALLBACK.get() {
        COUNT.set(COUNT.get() + 1);
    }
}

// SAFETY: everything is passed on to the allocator of the system.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many allocations `callback` makes.
fn guarded(callback: impl FnOnce()) -> usize {
    COUNT.set(0);
    IN_CALLBACK.set(true);
    callback();
    IN_CALLBACK.set(false);
    COUNT.get()
}

/// Devices of 48 kHz that call back every 5 ms.
#[derive(Default)]
struct Desk {
    allocations: Arc<Mutex<Vec<usize>>>,
}

struct Open(Arc<AtomicBool>);

impl Line for Open {
    fn name(&self) -> String {
        "desk".into()
    }

    fn fault(&self) -> Option<String> {
        None
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

const SPEC: Spec = Spec {
    rate_hz: 48_000,
    channels: 2,
};

impl Desk {
    fn open(&self, mut call: impl FnMut() + Send + 'static) -> Box<dyn Line> {
        let closed = Arc::new(AtomicBool::new(false));
        let (until, allocations) = (Arc::clone(&closed), Arc::clone(&self.allocations));
        thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(5));
                let count = guarded(&mut call);
                allocations.lock().unwrap().push(count);
            }
        });
        Box::new(Open(closed))
    }
}

impl Hardware for Desk {
    fn open_mic(
        &self,
        _: Option<&str>,
        _: Duration,
        connect: &mut dyn FnMut(Spec) -> Mic,
    ) -> Result<Box<dyn Line>> {
        let mut mic = connect(SPEC);
        Ok(self.open(move || mic.hear(&[0.1f32; 480], Some(Duration::ZERO), |x| x)))
    }

    fn open_speaker(
        &self,
        _: Option<&str>,
        _: Duration,
        connect: &mut dyn FnMut(Spec) -> Speaker,
    ) -> Result<Box<dyn Line>> {
        let mut speaker = connect(SPEC);
        let mut buffer = [0.0f32; 480];
        Ok(self.open(move || speaker.fill(&mut buffer, Some(Duration::ZERO), |x| x)))
    }
}

/// Changes nothing, and falls over when it is told to.
struct Nothing {
    falls: Arc<AtomicBool>,
}

impl Changer for Nothing {
    fn rate_hz(&self) -> u32 {
        24_000
    }

    fn quantum(&self) -> usize {
        300
    }

    fn chunk_samples(&self) -> usize {
        300
    }

    fn window_samples(&self) -> usize {
        0
    }

    fn latency_samples(&self) -> usize {
        300
    }

    fn push(&mut self, samples: &[f32], ready: &mut Vec<f32>) -> Result<()> {
        assert!(!self.falls.load(Ordering::Relaxed), "over the edge");
        ready.extend_from_slice(samples);
        Ok(())
    }

    fn flush(&mut self, _: &mut Vec<f32>) -> Result<()> {
        Ok(())
    }

    fn set_level(&mut self, _: usize) {}

    fn set_pitch(&mut self, _: f32) {}

    fn aim(&mut self, _: &ConversionTarget) -> Result<()> {
        Ok(())
    }
}

#[test]
fn callbacks_allocate_nothing() {
    assert!(guarded(|| drop(vec![1; 10])) >= 2, "the guard works");
    let desk = Arc::new(Desk::default());
    let falls = Arc::new(AtomicBool::new(false));
    let session = Live::new(Box::new(Nothing { falls }))
        .start(Arc::clone(&desk) as Arc<dyn Hardware>)
        .unwrap();
    thread::sleep(Duration::from_millis(700));
    let status = session.status();
    session.stop().unwrap();
    assert!(status.seconds > 0.2, "{status:?}");
    let allocations = desk.allocations.lock().unwrap();
    assert!(allocations.len() > 50);
    assert!(
        allocations.iter().all(|count| *count == 0),
        "{allocations:?}"
    );
}

#[test]
fn a_crash_is_told_and_the_recording_is_valid() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("take.wav");
    let recording = syrinx::audio::Recording::create(&path, 24_000, false).unwrap();
    let falls = Arc::new(AtomicBool::new(false));
    let session = Live::new(Box::new(Nothing {
        falls: Arc::clone(&falls),
    }))
    .record(recording)
    .start(Arc::new(Desk::default()))
    .unwrap();
    thread::sleep(Duration::from_millis(400));
    falls.store(true, Ordering::Relaxed);
    let began = std::time::Instant::now();
    while !session.has_ended() && began.elapsed() < Duration::from_secs(5) {
        thread::sleep(Duration::from_millis(10));
    }
    let error = session.stop().unwrap_err().to_string();
    assert!(error.contains("defect (over the edge)"), "{error}");
    let taken = syrinx::audio::Decoder::open(&path).unwrap().read_all();
    assert!(taken.unwrap().audio.frames() > 2_000);
}
