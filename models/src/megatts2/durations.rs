//! Durations: how symbols become units of time, and units prosody codes.

use candle_core::Tensor;

use crate::Result;
use crate::error::input;

/// Symbols laid out in time by their durations.
#[derive(Debug, Clone, PartialEq)]
pub struct Expansion {
    /// Symbol of each unit, `[U]`.
    pub index: Vec<u32>,
    /// Where each unit lies in its symbol, [U, 3]: relative position of its centre, units since the start
    /// (15 at most, over 8), ln(1 + duration) / 2.
    pub position: Vec<[f32; 3]>,
}

/// No sentence lasts longer, in units; far above what is spoken, it keeps damaged durations from filling the memory.
pub(super) const LONGEST_ROW: usize = 1 << 22;

/// All durations together.
pub(super) fn total(units: &[u32]) -> usize {
    units.iter().map(|&units| units as usize).sum()
}

/// Lays symbols out in time: `units` `[N]` is the duration of each.
pub fn expand(units: &[u32]) -> Expansion {
    let total = units.iter().map(|&units| units as usize).sum();
    let (mut index, mut position) = (Vec::with_capacity(total), Vec::with_capacity(total));
    for (symbol, &duration) in (0u32..).zip(units) {
        let d = duration as f32;
        for at in 0..duration {
            index.push(symbol);
            position.push([
                (at as f32 + 0.5) / d,
                at.min(15) as f32 / 8.0,
                d.ln_1p() / 2.0,
            ]);
        }
    }
    Expansion { index, position }
}

/// Content at the rate of codes: `content` [N, C] repeated by `units` `[N]`, then the largest of each `units_per_code`
/// units in each channel, [ceil(U / r), C] (section 3.3).
///
/// # Errors
/// [`crate::Error::Input`] if `content` has another number of rows than `units`, nothing lasts, or all too long.
pub fn pool_content(content: &Tensor, units: &[u32], units_per_code: usize) -> Result<Tensor> {
    let (rows, channels) = content.dims2()?;
    let total = total(units);
    if rows != units.len() || units_per_code == 0 {
        return input(format!(
            "{} durations for {rows} rows of content",
            units.len()
        ));
    }
    if total == 0 || total > LONGEST_ROW {
        return input(format!(
            "durations of {total} units in all: give 1 to {LONGEST_ROW}"
        ));
    }
    let content: Vec<f32> = content.contiguous()?.flatten_all()?.to_vec1()?;
    let index = expand(units).index;
    let mut pooled = Vec::with_capacity(index.len().div_ceil(units_per_code) * channels);
    for symbols in index.chunks(units_per_code) {
        let start = pooled.len();
        pooled.resize(start + channels, f32::NEG_INFINITY);
        let mut before = None;
        for &symbol in symbols
            .iter()
            .filter(|&&symbol| before.replace(symbol) != Some(symbol))
        {
            let row = &content[symbol as usize * channels..][..channels];
            pooled[start..]
                .iter_mut()
                .zip(row)
                .for_each(|(top, x)| *top = top.max(*x));
        }
    }
    let shape = (index.len().div_ceil(units_per_code), channels);
    Ok(Tensor::from_vec(pooled, shape, &candle_core::Device::Cpu)?)
}

/// Durations at another speed: `rate` 2 is twice as fast.
///
/// Boundaries are scaled and rounded rather than durations, so that errors do not add up; what lasted at all still
/// lasts one unit.
pub fn scale_units(units: &[u32], rate: f32) -> Vec<u32> {
    let rate = if rate.is_finite() && rate > 0.0 {
        f64::from(rate)
    } else {
        1.0
    };
    let (mut ideal, mut reached) = (0.0f64, 0u64);
    let mut scaled = Vec::with_capacity(units.len());
    for &duration in units {
        ideal += f64::from(duration) / rate;
        let wanted = (ideal.round() as u64).saturating_sub(reached);
        let given = wanted.max(u64::from(duration > 0)) * u64::from(duration > 0);
        reached += given;
        scaled.push(u32::try_from(given).unwrap_or(u32::MAX));
    }
    scaled
}
