//! The best monotone path of symbols through a recording (Viterbi 1967).

use super::Alignment;

/// Lays `ids` `[N]` over `emissions` [U, symbols] so that their sum on the path is largest: the path begins in the first
/// symbol, ends in the last, and from unit to unit stays or goes one symbol on. Of equal paths, one that stays longer
/// in earlier symbols. Needs 1 <= N <= U.
///
/// Sums are double: over minutes of speech, single precision would round away what tells neighbours apart.
pub(super) fn best_path(emissions: &[f32], symbols: usize, ids: &[u32]) -> Alignment {
    let (count, units) = (ids.len(), emissions.len() / symbols);
    let mut moved = Decisions::new(units, count);
    let mut best = vec![f64::NEG_INFINITY; count];
    for (unit, row) in emissions.chunks_exact(symbols).enumerate() {
        // No earlier symbol can still reach the end, no later one has been reached.
        let first = count.saturating_sub(units - unit);
        let last = unit.min(count - 1);
        for symbol in (first..=last).rev() {
            let stay = best[symbol];
            let arrive = match (unit, symbol) {
                (0, 0) => 0.0,
                (_, 0) => f64::NEG_INFINITY,
                _ => best[symbol - 1],
            };
            if arrive > stay {
                moved.set(unit, symbol);
            }
            best[symbol] = stay.max(arrive) + f64::from(row[ids[symbol] as usize]);
        }
    }

    let mut durations = vec![0; count];
    let mut symbol = count - 1;
    for unit in (0..units).rev() {
        durations[symbol] += 1;
        // Enough units are left for the earlier symbols even where no emission was a number.
        if symbol > 0 && (symbol == unit || moved.get(unit, symbol)) {
            symbol -= 1;
        }
    }
    Alignment {
        units: durations,
        score: (best[count - 1] / units as f64) as f32,
    }
}

/// A bit for each unit and symbol: whether the best path to it came from the symbol before.
struct Decisions {
    bits: Vec<u64>,
    count: usize,
}

impl Decisions {
    fn new(units: usize, count: usize) -> Self {
        Self {
            bits: vec![0; (units * count).div_ceil(64)],
            count,
        }
    }

    fn set(&mut self, unit: usize, symbol: usize) {
        let at = unit * self.count + symbol;
        self.bits[at / 64] |= 1 << (at % 64);
    }

    fn get(&self, unit: usize, symbol: usize) -> bool {
        let at = unit * self.count + symbol;
        self.bits[at / 64] >> (at % 64) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SYMBOLS: usize = 4;

    /// All ways to give `count` symbols at least a unit of `units`.
    fn every_way(units: usize, count: usize) -> Vec<Vec<u32>> {
        if count == 1 {
            return vec![vec![units as u32]];
        }
        let first = 1..=units - (count - 1);
        let rest = |first: usize| every_way(units - first, count - 1).into_iter();
        first
            .flat_map(|first| rest(first).map(move |rest| [&[first as u32][..], &rest].concat()))
            .collect()
    }

    fn sum(emissions: &[f32], ids: &[u32], durations: &[u32]) -> f64 {
        let path = ids
            .iter()
            .zip(durations)
            .flat_map(|(&id, &duration)| (0..duration).map(move |_| id as usize));
        path.enumerate()
            .map(|(unit, id)| f64::from(emissions[unit * SYMBOLS + id]))
            .sum()
    }

    fn case() -> impl Strategy<Value = (Vec<f32>, Vec<u32>)> {
        (1usize..10).prop_flat_map(|units| {
            let emissions = prop::collection::vec(-9f32..2.0, units * SYMBOLS);
            let ids = prop::collection::vec(0..SYMBOLS as u32, 1..=units.min(6));
            (emissions, ids)
        })
    }

    proptest! {
        #[test]
        fn no_other_path_is_better((emissions, ids) in case()) {
            let units = emissions.len() / SYMBOLS;
            let found = best_path(&emissions, SYMBOLS, &ids);
            prop_assert_eq!(found.units.len(), ids.len());
            prop_assert!(found.units.iter().all(|&units| units >= 1));
            prop_assert_eq!(found.units.iter().sum::<u32>() as usize, units);
            let best = every_way(units, ids.len())
                .iter()
                .map(|way| sum(&emissions, &ids, way))
                .fold(f64::NEG_INFINITY, f64::max);
            prop_assert!((sum(&emissions, &ids, &found.units) - best).abs() < 1e-9);
            prop_assert!((f64::from(found.score) - best / units as f64).abs() < 1e-5);
        }
    }

    #[test]
    fn an_impossible_unit_is_still_given_to_somebody() {
        let found = best_path(&[f32::NEG_INFINITY; 3 * SYMBOLS], SYMBOLS, &[1, 2]);
        assert_eq!(found.units.iter().sum::<u32>(), 3);
        assert!(found.units.iter().all(|&units| units >= 1));
    }
}
