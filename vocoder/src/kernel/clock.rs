//! CPU time, the steadier measure on machines that have other things to do.

use std::time::Duration;

/// Time all threads of this process have run so far; `None` where the system does not tell.
#[cfg(unix)]
pub fn cpu_time() -> Option<Duration> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid place for the answer.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    if failed != 0 {
        return None;
    }
    Some(Duration::new(
        time.tv_sec.try_into().ok()?,
        time.tv_nsec.try_into().ok()?,
    ))
}

/// Time all threads of this process have run so far; `None` where the system does not tell.
#[cfg(not(unix))]
pub fn cpu_time() -> Option<Duration> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    #[test]
    fn cpu_time_grows_with_work() {
        let before = super::cpu_time().unwrap();
        let mut x = 1u64;
        while super::cpu_time().unwrap() == before {
            x = std::hint::black_box(x.wrapping_mul(3));
        }
        assert!(super::cpu_time().unwrap() > before);
    }
}
