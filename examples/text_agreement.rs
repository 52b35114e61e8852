//! Compares the front end with reference phonemes and measures its start-up.
//!
//! `cargo run --release --example text_agreement -- LINES.tsv`, one
//! `phonemes<TAB>text` a line; words the reference does not know (❓) are left out.

use std::collections::HashMap;
use std::time::Instant;

use syrinx::text::{Dialect, FrontEnd, Limits};

fn main() -> anyhow::Result<()> {
    let start = Instant::now();
    let front_end = FrontEnd::new(Dialect::American);
    let first = front_end.phonemize("The quick brown fox, Zorblat, paid $3.50 on May 5th.")?;
    println!(
        "first phonemes after {:.2} ms: {first}",
        start.elapsed().as_secs_f64() * 1e3
    );
    let Some(path) = std::env::args().nth(1) else {
        return Ok(());
    };
    let front_end = front_end.with_limits(Limits {
        symbols: 2000,
        first: 2000,
        shortest: 2000,
    });
    let (mut words, mut agreed, mut lines, mut whole, mut aligned) = (0, 0, 0, 0, 0);
    let mut differences: HashMap<(String, String), usize> = HashMap::new();
    let start = Instant::now();
    for line in std::fs::read_to_string(path)?.lines() {
        let Some((reference, text)) = line.split_once('\t') else {
            continue;
        };
        let ours = front_end.phonemize(text).unwrap_or_default();
        lines += 1;
        whole += usize::from(ours == reference);
        let (a, b): (Vec<_>, Vec<_>) = (reference.split(' ').collect(), ours.split(' ').collect());
        if a.len() != b.len() {
            println!("{text}\n  {reference}\n  {ours}");
            continue;
        }
        aligned += 1;
        for (x, y) in a.iter().zip(&b).filter(|(x, _)| !x.contains('❓')) {
            words += 1;
            agreed += usize::from(x == y);
            if x != y {
                *differences
                    .entry((x.to_string(), y.to_string()))
                    .or_default() += 1;
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{lines} lines in {seconds:.2} s, {whole} the same, {aligned} of equal length");
    println!(
        "{words} words in those, {agreed} the same: {:.3} %",
        100.0 * agreed as f64 / words as f64
    );
    let mut differences: Vec<_> = differences.into_iter().collect();
    differences.sort_by_key(|d| std::cmp::Reverse(d.1));
    for ((reference, ours), count) in differences.iter().take(60) {
        println!("{count:5} {reference} -> {ours}");
    }
    Ok(())
}
