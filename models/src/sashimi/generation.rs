//! Drawing clips sample by sample.

use std::sync::Arc;

use syrinx_vocoder::kernel;

use super::streams::{Stepper, Streams};
use crate::sampling::{Sampler, Sampling, top_p};
use crate::{Error, Result, error};

/// How the codes of a clip are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawing {
    /// Above 0; less than 1 prefers the likely, 0 always takes the likeliest.
    pub temperature: f32,
    /// Only the fewest codes that together have this probability are drawn from; 1: all.
    pub top_p: f32,
}

impl Default for Drawing {
    /// As the model predicts: what the paper samples with.
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_p: 1.0,
        }
    }
}

/// Clips that are being drawn, in step with each other.
///
/// A clip depends on its seed alone, not on the clips beside it nor on the number of threads.
pub struct Generation {
    groups: Vec<Group>,
}

/// Streams that one thread sees to.
struct Group {
    streams: Streams,
    clips: Vec<Clip>,
    /// The last code of each clip, the next input.
    last: Vec<u32>,
}

/// What is drawn for one clip.
struct Clip {
    sampler: Sampler,
    drawing: Drawing,
    drawn: u64,
    log2_likelihood: f64,
}

impl Generation {
    /// Begins a clip for each of `seeds`, after the code `silence`, with up to `threads` threads.
    ///
    /// # Errors
    /// [`Error::Config`] for settings out of range, [`Error::Input`] for no seed.
    pub fn new(
        stepper: &Arc<Stepper>,
        seeds: &[u64],
        drawing: Drawing,
        silence: u32,
        threads: usize,
    ) -> Result<Self> {
        if seeds.is_empty() {
            return error::input("no seeds: give one for each clip");
        }
        let threads = threads.clamp(1, seeds.len().max(2));
        let groups = threads.min(seeds.len());
        let size = seeds.len().div_ceil(groups);
        let group = |seeds: &[u64]| -> Result<Group> {
            let clips: Result<Vec<_>> = seeds.iter().map(|s| Clip::new(*s, drawing)).collect();
            Ok(Group {
                // Threads that have no clips of their own help with the one there is.
                streams: Streams::new(stepper.clone(), seeds.len(), groups == 1 && threads > 1),
                clips: clips?,
                last: vec![silence; seeds.len()],
            })
        };
        let groups: Result<_> = seeds.chunks(size).map(group).collect();
        Ok(Self { groups: groups? })
    }

    /// Lets every clip begin with `prompt`, before anything is drawn.
    ///
    /// # Errors
    /// [`Error::Input`] for codes the model does not know.
    pub fn listen(&mut self, prompt: &[u32]) -> Result<()> {
        self.each(|group| group.listen(prompt)).map(|_| ())
    }

    /// The next `samples` codes of every clip.
    ///
    /// # Errors
    /// [`Error::Compute`] if a kernel fails.
    pub fn advance(&mut self, samples: usize) -> Result<Vec<Vec<u32>>> {
        Ok(self.each(|group| group.advance(samples))?.concat())
    }

    /// Σ log₂ p over what was drawn so far of each clip, as the model predicts it: without temperature or top-p.
    pub fn log2_likelihoods(&self) -> Vec<f64> {
        let clips = self.groups.iter().flat_map(|group| &group.clips);
        clips.map(|clip| clip.log2_likelihood).collect()
    }

    fn each<T: Send>(&mut self, work: impl Fn(&mut Group) -> Result<T> + Sync) -> Result<Vec<T>> {
        if let [group] = self.groups.as_mut_slice() {
            return Ok(vec![work(group)?]);
        }
        std::thread::scope(|scope| {
            let work = &work;
            let (first, rest) = self.groups.split_at_mut(1);
            let rest: Vec<_> = rest
                .iter_mut()
                .map(|group| scope.spawn(move || work(group)))
                .collect();
            let mut done = vec![work(&mut first[0])?];
            for thread in rest {
                let result = thread.join();
                done.push(result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            }
            Ok(done)
        })
    }
}

impl Group {
    fn listen(&mut self, prompt: &[u32]) -> Result<()> {
        for code in prompt {
            self.streams.step(&self.last)?;
            self.last.fill(*code);
        }
        Ok(())
    }

    fn advance(&mut self, samples: usize) -> Result<Vec<Vec<u32>>> {
        let mut codes = vec![Vec::with_capacity(samples); self.clips.len()];
        for _ in 0..samples {
            let logits = self.streams.step(&self.last)?;
            let size = logits.len() / self.clips.len();
            let rows = logits.chunks_exact_mut(size);
            for (((clip, logits), last), codes) in self
                .clips
                .iter_mut()
                .zip(rows)
                .zip(&mut self.last)
                .zip(&mut codes)
            {
                *last = clip.draw(logits);
                codes.push(*last);
            }
        }
        Ok(codes)
    }
}

impl Clip {
    fn new(seed: u64, drawing: Drawing) -> Result<Self> {
        let sampling = Sampling {
            temperature: drawing.temperature,
            top_k: 0,
            top_p: drawing.top_p,
        };
        sampling.validate()?;
        // Narrowed here, before the temperature, where the reference does it.
        let sampler = Sampler::new(
            Sampling {
                top_p: 1.0,
                ..sampling
            },
            seed,
        )?;
        Ok(Self {
            sampler,
            drawing,
            drawn: 0,
            log2_likelihood: 0.0,
        })
    }

    fn draw(&mut self, logits: &mut [f32]) -> u32 {
        kernel::softmax(logits, 1.0);
        let probabilities = logits;
        let Drawing {
            temperature,
            top_p: kept,
        } = self.drawing;
        // What is drawn below is one of these; its own probability is needed before they are changed.
        let plain = (kept < 1.0 || temperature != 1.0).then(|| probabilities.to_vec());
        top_p(probabilities, kept);
        if temperature != 1.0 && temperature > 0.0 {
            let top = probabilities.iter().copied().fold(0.0, f32::max);
            let power = 1.0 / temperature;
            probabilities
                .iter_mut()
                .for_each(|p| *p = (*p / top).powf(power));
        }
        let code = self.sampler.draw(probabilities, self.drawn);
        let plain = plain.as_deref().unwrap_or(probabilities);
        let probability = f64::from(plain[code as usize]).max(f64::MIN_POSITIVE);
        self.log2_likelihood += probability.log2();
        self.drawn += 1;
        code
    }
}

/// Which of `likelihoods` to keep: all but the share `lowest` that is least likely and the share
/// `highest` that is most likely, in order of likelihood, the most likely first.
///
/// The paper drops the lowest 0.40 and the highest 0.05 (It's Raw!, section 5.2: the likeliest are
/// those in which nothing happens).
///
/// # Errors
/// [`Error::Config`] for shares that are none, or leave nothing.
pub fn keep(likelihoods: &[f64], lowest: f64, highest: f64) -> Result<Vec<usize>> {
    let share = |x: f64| (0.0..1.0).contains(&x);
    if !share(lowest) || !share(highest) || lowest + highest >= 1.0 {
        return Err(Error::Config(format!(
            "dropping {lowest} and {highest}: give shares of at least 0 that leave something"
        )));
    }
    let count = likelihoods.len();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|a, b| likelihoods[*b].total_cmp(&likelihoods[*a]));
    // Part of a clip is kept; a whole one that rounding has made part of one is not.
    let dropped = |share: f64| (share * count as f64 + 1e-9).floor() as usize;
    let from = dropped(highest);
    let to = count
        .saturating_sub(dropped(lowest))
        .max(from + 1)
        .min(count);
    Ok(order[from..to].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejection_drops_both_ends() {
        let likelihoods: Vec<f64> = [3, 9, 1, 7, 5, 0, 8, 2, 6, 4].map(f64::from).to_vec();
        assert_eq!(keep(&likelihoods, 0.0, 0.0).unwrap().len(), 10);
        assert_eq!(keep(&likelihoods, 0.4, 0.1).unwrap(), [6, 3, 8, 4, 9]);
        assert_eq!(keep(&likelihoods[..1], 0.9, 0.0).unwrap(), [0]);
        assert!(keep(&likelihoods, 0.6, 0.4).is_err());
        assert!(keep(&likelihoods, f64::NAN, 0.0).is_err());
    }

    #[test]
    fn temperature_and_top_p_shape_what_is_drawn_but_not_its_likelihood() {
        let logits = [0.0f32, 1.0, 2.0, -1.0];
        let draw = |temperature, top_p| {
            let mut clip = Clip::new(3, Drawing { temperature, top_p }).unwrap();
            let mut counts = [0usize; 4];
            for _ in 0..4000 {
                counts[clip.draw(&mut logits.to_vec()) as usize] += 1;
            }
            (counts, clip.log2_likelihood)
        };
        let sum: f64 = logits.iter().map(|x| f64::from(*x).exp()).sum();
        let (counts, bits) = draw(1.0, 1.0);
        let mut expected_bits = 0.0;
        for (count, logit) in counts.iter().zip(logits) {
            let p = f64::from(logit).exp() / sum;
            assert!((*count as f64 / 4000.0 - p).abs() < 0.03, "{counts:?}");
            expected_bits += *count as f64 * p.log2();
        }
        assert!(
            (bits - expected_bits).abs() < 1e-2,
            "{bits} {expected_bits}"
        );
        // exp(2 · logit) at temperature 1/2.
        let (cold, _) = draw(0.5, 1.0);
        let cold_sum: f64 = logits.iter().map(|x| f64::from(2.0 * x).exp()).sum();
        let share = 4f64.exp() / cold_sum;
        assert!((cold[2] as f64 / 4000.0 - share).abs() < 0.03, "{cold:?}");
        // 0.64 + 0.24 are the first to reach 0.8.
        let (narrow, bits) = draw(1.0, 0.8);
        assert!(
            narrow[0] == 0 && narrow[3] == 0 && narrow[1] > 0,
            "{narrow:?}"
        );
        let p = |i: usize| (f64::from(logits[i]).exp() / sum).log2();
        let expected = narrow[1] as f64 * p(1) + narrow[2] as f64 * p(2);
        assert!((bits - expected).abs() < 1e-2);
        let (greedy, _) = draw(0.0, 1.0);
        assert_eq!(greedy, [0, 0, 4000, 0]);
    }
}
