//! The threads the kernels run on.
//!
//! One worker per physical core (a second hyper-thread only fights for the same multipliers), the
//! caller being the first of them. A convolution of a vocoder takes 50 µs to 5 ms and the next one
//! follows at once, so a worker looks out for work for a few microseconds before it sleeps. Work is
//! handed out in small numbered pieces, whoever is free takes the next one: on a busy machine the
//! caller simply does more of them. What a piece computes does not depend on who computes it, so
//! results are the same, to the bit, for any number of threads.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::Thread;

/// Turns of the look-out loop before a worker sleeps: 20 to 70 µs, by the processor's idea of a pause.
const LOOK_OUT: usize = 1500;

/// Sets the number of threads that kernels use, the calling one included; at least 1. It also
/// sizes rayon's global pool, which candle's matrix products use, if nothing has used that yet: so
/// call it before the first operation. Later calls change only the kernels.
pub fn set_threads(n: usize) {
    let n = n.clamp(1, 256);
    // An error only says that the pool exists already, which the documentation allows for.
    let _ = rayon::ThreadPoolBuilder::new()
        .num_threads(n)
        .build_global();
    pool().wanted.store(n, Ordering::Relaxed);
}

/// The number of threads kernels use, the calling one included.
pub fn threads() -> usize {
    pool().wanted.load(Ordering::Relaxed)
}

/// Physical cores this process may use: logical ones allowed by affinity and cgroup, with
/// hyper-threads of one core counted once where the system tells.
pub fn physical_cores() -> usize {
    let allowed = std::thread::available_parallelism().map_or(1, usize::from);
    let Ok(folder) = std::fs::read_dir("/sys/devices/system/cpu") else {
        return allowed;
    };
    let mut cores: Vec<String> = folder
        .flatten()
        .filter_map(|cpu| {
            std::fs::read_to_string(cpu.path().join("topology/thread_siblings_list")).ok()
        })
        .collect();
    cores.sort_unstable();
    cores.dedup();
    if cores.is_empty() {
        allowed
    } else {
        allowed.min(cores.len())
    }
}

/// A piece of work: called with the number of the piece.
type Body<'a> = &'a (dyn Fn(usize) + Sync);

struct Job {
    body: Body<'static>,
    pieces: usize,
}

/// `state` is: number of the job (upper 32 bits), open flag (bit 31), workers inside (lower bits).
const OPEN: u64 = 1 << 31;
const INSIDE: u64 = OPEN - 1;

struct Shared {
    state: AtomicU64,
    next: AtomicUsize,
    panicked: AtomicBool,
    job: UnsafeCell<Option<Job>>,
}

// SAFETY: `job` is written only while no worker is inside and the job is closed (see `Pool::run`),
// and read only by workers that have entered an open job.
unsafe impl Sync for Shared {}

struct Worker {
    thread: Thread,
    asleep: Arc<AtomicBool>,
}

struct Pool {
    shared: Arc<Shared>,
    /// Held by the caller of the running job; also the list of workers started so far.
    workers: Mutex<Vec<Worker>>,
    wanted: AtomicUsize,
}

fn pool() -> &'static Pool {
    static POOL: OnceLock<Pool> = OnceLock::new();
    POOL.get_or_init(|| Pool {
        shared: Arc::new(Shared {
            state: AtomicU64::new(0),
            next: AtomicUsize::new(0),
            panicked: AtomicBool::new(false),
            job: UnsafeCell::new(None),
        }),
        workers: Mutex::new(Vec::new()),
        wanted: AtomicUsize::new(physical_cores()),
    })
}

/// Calls `body(0..pieces)`, each number once, on the pool. Runs in the calling thread alone where
/// there is one piece, one thread, or where another caller is using the pool: under concurrent load
/// each caller keeps its own core rather than waiting for all of them.
pub(crate) fn run(pieces: usize, body: Body<'_>) {
    let pool = pool();
    let threads = pool.wanted.load(Ordering::Relaxed).min(pieces);
    let workers = if threads > 1 {
        pool.workers.try_lock().ok()
    } else {
        None
    };
    let Some(mut workers) = workers else {
        (0..pieces).for_each(body);
        return;
    };
    while workers.len() + 1 < threads {
        match start_worker(&pool.shared, workers.len()) {
            Some(worker) => workers.push(worker),
            None => break,
        }
    }
    let shared = &*pool.shared;
    // SAFETY: the lifetime is only forgotten for the time of this call: `close` below returns when
    // no worker is inside any more, also when a piece panics.
    let body: Body<'static> = unsafe { std::mem::transmute::<Body<'_>, Body<'static>>(body) };
    // SAFETY: we hold the lock, the last job is closed and empty.
    unsafe { *shared.job.get() = Some(Job { body, pieces }) };
    shared.next.store(0, Ordering::Relaxed);
    let number = (shared.state.load(Ordering::Relaxed) >> 32).wrapping_add(1);
    shared.state.store(number << 32 | OPEN, Ordering::SeqCst);
    for worker in workers.iter().take(threads - 1) {
        if worker.asleep.swap(false, Ordering::SeqCst) {
            worker.thread.unpark();
        }
    }
    let mine = catch_unwind(AssertUnwindSafe(|| take_pieces(shared, body, pieces)));
    close(shared);
    let theirs = shared.panicked.swap(false, Ordering::Relaxed);
    drop(workers);
    match mine {
        Err(panic) => std::panic::resume_unwind(panic),
        Ok(()) if theirs => panic!("a kernel worker panicked"),
        Ok(()) => {}
    }
}

fn take_pieces(shared: &Shared, body: Body<'_>, pieces: usize) {
    loop {
        let piece = shared.next.fetch_add(1, Ordering::Relaxed);
        if piece >= pieces {
            return;
        }
        body(piece);
    }
}

/// Lets no further worker in and waits for those inside.
fn close(shared: &Shared) {
    shared.state.fetch_and(!OPEN, Ordering::SeqCst);
    let mut turns = 0;
    while shared.state.load(Ordering::Acquire) & INSIDE != 0 {
        turns += 1;
        if turns < LOOK_OUT {
            std::hint::spin_loop()
        } else {
            std::thread::yield_now()
        }
    }
}

fn start_worker(shared: &Arc<Shared>, index: usize) -> Option<Worker> {
    let asleep = Arc::new(AtomicBool::new(false));
    let (shared, flag) = (Arc::clone(shared), Arc::clone(&asleep));
    let handle = std::thread::Builder::new()
        .name(format!("syrinx-kernel-{}", index + 1))
        .spawn(move || work(&shared, &flag));
    // Without a further thread (a process limit) the work is done by fewer.
    handle.ok().map(|h| Worker {
        thread: h.thread().clone(),
        asleep,
    })
}

fn work(shared: &Shared, asleep: &AtomicBool) {
    let mut last = 0;
    loop {
        let state = wait_for_job(shared, asleep, last);
        if shared
            .state
            .compare_exchange(state, state + 1, Ordering::SeqCst, Ordering::Relaxed)
            .is_err()
        {
            continue;
        }
        last = state >> 32;
        // SAFETY: we are counted inside an open job, so the caller keeps it alive and unchanged.
        if let Some(job) = unsafe { &*shared.job.get() } {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                take_pieces(shared, job.body, job.pieces)
            }));
            if outcome.is_err() {
                shared.panicked.store(true, Ordering::Relaxed);
            }
        }
        shared.state.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Returns a state with an open job other than `last`.
fn wait_for_job(shared: &Shared, asleep: &AtomicBool, last: u64) -> u64 {
    let ready = |order| {
        let state = shared.state.load(order);
        (state & OPEN != 0 && state >> 32 != last).then_some(state)
    };
    loop {
        for _ in 0..LOOK_OUT {
            if let Some(state) = ready(Ordering::Acquire) {
                return state;
            }
            std::hint::spin_loop();
        }
        // Announce first, look again second: a caller that opened in between sees the flag.
        asleep.store(true, Ordering::SeqCst);
        if let Some(state) = ready(Ordering::SeqCst) {
            asleep.store(false, Ordering::Relaxed);
            return state;
        }
        std::thread::park();
        asleep.store(false, Ordering::Relaxed);
    }
}

/// A pointer that several threads may write through, each to its own places.
#[derive(Clone, Copy)]
pub(crate) struct SharedMut(*mut f32);

// SAFETY: users write disjoint ranges, as each `unsafe` use states.
unsafe impl Send for SharedMut {}
unsafe impl Sync for SharedMut {}

impl SharedMut {
    pub(crate) fn new(slice: &mut [MaybeUninit<f32>]) -> Self {
        Self(slice.as_mut_ptr().cast())
    }

    pub(crate) fn get(self) -> *mut f32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_piece_runs_once_and_a_panic_comes_back() {
        for _ in 0..200 {
            let counts: Vec<AtomicUsize> = (0..97).map(|_| AtomicUsize::new(0)).collect();
            run(97, &|i| {
                counts[i].fetch_add(1, Ordering::Relaxed);
            });
            assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 1));
        }
        let caught = catch_unwind(|| run(16, &|i| assert!(i != 7)));
        assert!(caught.is_err());
        run(4, &|_| {});
    }

    #[test]
    fn callers_in_parallel_and_nested_all_finish() {
        let total = AtomicUsize::new(0);
        std::thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    for _ in 0..50 {
                        run(8, &|_| {
                            run(3, &|_| {
                                total.fetch_add(1, Ordering::Relaxed);
                            })
                        });
                    }
                });
            }
        });
        assert_eq!(total.into_inner(), 4 * 50 * 8 * 3);
    }

    #[test]
    fn there_is_at_least_one_core() {
        assert!(physical_cores() >= 1);
        assert!(threads() >= 1);
    }
}
