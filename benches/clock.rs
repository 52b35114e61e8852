//! CPU time, for benches on machines that have other things to do.

/// Seconds all threads of this process have run, from the scheduler's own count; NaN where the
/// system does not tell.
pub fn cpu_time() -> f64 {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else {
        return f64::NAN;
    };
    let nanoseconds = |thread: std::path::PathBuf| -> Option<f64> {
        let counts = std::fs::read_to_string(thread.join("schedstat")).ok()?;
        counts.split_whitespace().next()?.parse().ok()
    };
    threads
        .flatten()
        .filter_map(|t| nanoseconds(t.path()))
        .sum::<f64>()
        * 1e-9
}
