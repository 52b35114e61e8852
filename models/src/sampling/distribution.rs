//! Distributions over a small alphabet: slices of non-negative numbers that sum to one.

/// Logits to probabilities at a temperature above zero; at zero, all on the largest logit.
pub fn softmax(logits: &mut [f32], temperature: f32) {
    let Some((best, top)) = largest(logits) else {
        return;
    };
    if temperature <= 0.0 {
        logits.fill(0.0);
        logits[best] = 1.0;
        return;
    }
    logits
        .iter_mut()
        .for_each(|x| *x = ((*x - top) / temperature).exp());
    normalise(logits);
}

/// `(1 − gamma) · a + gamma · b`, written over `a`: the mixture of Mega-TTS 2, equation 3 (v4).
pub fn mix(a: &mut [f32], b: &[f32], gamma: f32) {
    a.iter_mut()
        .zip(b)
        .for_each(|(a, b)| *a = (1.0 - gamma) * *a + gamma * b);
}

/// Keeps the `k` most probable entries, of equal ones the first; 0 keeps all.
pub fn top_k(probabilities: &mut [f32], k: usize) {
    if k == 0 || k >= probabilities.len() {
        return;
    }
    for &index in &by_probability(probabilities)[k..] {
        probabilities[index] = 0.0;
    }
    normalise(probabilities);
}

/// Keeps the fewest most probable entries whose sum reaches `p`, at least one; 1 keeps all.
pub fn top_p(probabilities: &mut [f32], p: f32) {
    if p >= 1.0 {
        return;
    }
    let mut sum = 0.0;
    for index in by_probability(probabilities) {
        if sum >= p && sum > 0.0 {
            probabilities[index] = 0.0;
        } else {
            sum += probabilities[index];
        }
    }
    normalise(probabilities);
}

/// Index at which the running sum passes `at` in [0, 1): the inverse of the distribution function.
pub(super) fn quantile(probabilities: &[f32], at: f64) -> usize {
    let sum: f64 = probabilities.iter().map(|p| f64::from(*p)).sum();
    let mut rest = at * sum;
    let mut last = 0;
    for (index, p) in probabilities.iter().enumerate().filter(|(_, p)| **p > 0.0) {
        last = index;
        rest -= f64::from(*p);
        if rest < 0.0 {
            break;
        }
    }
    last
}

/// Index and value of the largest entry, the first of equals; `None` of nothing.
pub(super) fn largest(values: &[f32]) -> Option<(usize, f32)> {
    let mut entries = values.iter().copied().enumerate();
    let first = entries.next()?;
    Some(entries.fold(
        first,
        |best, entry| if entry.1 > best.1 { entry } else { best },
    ))
}

fn by_probability(probabilities: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]));
    order
}

fn normalise(weights: &mut [f32]) {
    let sum: f32 = weights.iter().sum();
    if sum > 0.0 {
        weights.iter_mut().for_each(|weight| *weight /= sum);
    }
}
