//! What gives way when the machine is too slow, and when it comes back.

use std::collections::VecDeque;
use std::time::Duration;

/// What is looked at.
const WINDOW: Duration = Duration::from_secs(2);

/// One chunk in ten may take longer than this share of its length; beyond it the next level is taken.
const TOO_SLOW: f64 = 0.85;

/// The same for going back,
const FAST_ENOUGH: f64 = 0.5;

/// after so long without a change, twice as long after each attempt that failed, up to the longest.
const PATIENCE: Duration = Duration::from_secs(10);
const LONGEST_PATIENCE: Duration = Duration::from_secs(160);

/// Watches how long chunks take.
#[derive(Debug)]
pub(super) struct Ladder {
    /// Levels of the changer; the last rung, passing on unchanged, comes after them.
    levels: usize,
    level: usize,
    /// When each chunk was done, and which share of its length it took.
    recent: VecDeque<(Duration, f64)>,
    changed: Duration,
    patience: Duration,
    rose: bool,
}

impl Ladder {
    pub fn new(levels: usize) -> Self {
        Self {
            levels,
            level: 0,
            recent: VecDeque::new(),
            changed: Duration::ZERO,
            patience: PATIENCE,
            rose: false,
        }
    }

    /// A chunk took the share `load` of its length.
    pub fn add(&mut self, now: Duration, load: f64) {
        self.recent.push_back((now, load));
    }

    /// The level to change to, if any.
    pub fn next(&mut self, now: Duration) -> Option<usize> {
        while let Some((at, _)) = self.recent.front()
            && now.saturating_sub(*at) > WINDOW
        {
            self.recent.pop_front();
        }
        let since = now.saturating_sub(self.changed);
        let passing = self.level == self.levels;
        let load = self.load();
        if !passing && since >= WINDOW && load.is_some_and(|load| load > TOO_SLOW) {
            // An attempt that failed is not made again so soon.
            if self.rose && since < PATIENCE {
                self.patience = (self.patience * 2).min(LONGEST_PATIENCE);
            }
            self.rose = false;
            return Some(self.change(self.level + 1, now));
        }
        let fast = passing || load.is_some_and(|load| load < FAST_ENOUGH);
        if self.level > 0 && fast && since >= self.patience {
            self.rose = true;
            return Some(self.change(self.level - 1, now));
        }
        if self.rose && since >= 2 * PATIENCE {
            (self.rose, self.patience) = (false, PATIENCE);
        }
        None
    }

    fn change(&mut self, level: usize, now: Duration) -> usize {
        self.level = level;
        self.changed = now;
        self.recent.clear();
        level
    }

    /// The share that nine of ten chunks stay below.
    fn load(&self) -> Option<f64> {
        let mut loads: Vec<f64> = self.recent.iter().map(|(_, load)| *load).collect();
        loads.sort_unstable_by(f64::total_cmp);
        loads.get(loads.len().saturating_sub(1) * 9 / 10).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs chunks of 100 ms with the load that `load` gives for each level; when the level changed, and to what.
    fn climb(seconds: u64, load: impl Fn(u64, usize) -> f64) -> Vec<(u64, usize)> {
        let (mut ladder, mut changes) = (Ladder::new(2), Vec::new());
        for tick in 0..seconds * 10 {
            let now = Duration::from_millis(100 * tick);
            if ladder.level < 2 {
                ladder.add(now, load(tick / 10, ladder.level));
            }
            changes.extend(ladder.next(now).map(|level| (tick / 10, level)));
        }
        changes
    }

    #[test]
    fn it_gives_way_and_comes_back_with_patience() {
        assert_eq!(climb(60, |_, _| 0.6), []);
        // Too slow for ten seconds at any level.
        let changes = climb(40, |s, _| if s < 10 { 1.2 } else { 0.3 });
        assert_eq!(changes, [(2, 1), (4, 2), (14, 1), (24, 0)]);
    }

    #[test]
    fn what_fails_is_tried_less_and_less_often() {
        let changes = climb(120, |_, level| if level == 0 { 1.2 } else { 0.3 });
        let ups: Vec<u64> = changes.iter().filter(|c| c.1 == 0).map(|c| c.0).collect();
        let pauses: Vec<u64> = ups.windows(2).map(|w| w[1] - w[0]).collect();
        assert_eq!(pauses, [22, 42]);
    }

    #[test]
    fn a_single_slow_chunk_changes_nothing() {
        let once = |s: u64, _| if s == 5 { 0.8 } else { 0.3 };
        assert_eq!(climb(20, once), []);
    }
}
