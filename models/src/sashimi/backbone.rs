//! The stack of tiers: layers at full rate around layers at a quarter of it, around layers at a sixteenth.

use syrinx_vocoder::kernel::VectorNorm;

use super::dplr::StepTransform;
use super::layers::{Linear, Residual, norm};
use super::tensors::Tensors;
use crate::{Error, Result};

/// What works at one rate outside the innermost tier.
pub(super) struct Tier {
    pub channels: usize,
    /// Samples of this tier per sample of the next.
    pub pool: usize,
    /// Before pooling; only a U-net has any.
    pub before: Vec<Residual>,
    pub down: Linear,
    pub up: Linear,
    pub after: Vec<Residual>,
}

/// Tiers from the outermost to the innermost but one, and the innermost.
pub struct Backbone {
    pub(super) tiers: Vec<Tier>,
    pub(super) center: Vec<Residual>,
    pub(super) center_channels: usize,
    pub(super) norm: VectorNorm,
    /// Skips around every layer rather than around every tier.
    pub(super) unet: bool,
}

/// A member of one of the three lists of layers.
pub(crate) enum Entry {
    Pool(String),
    Layer(String),
}

impl Backbone {
    /// Loads the lists `d_layers`, `c_layers` and `u_layers` behind `prefix`.
    ///
    /// # Errors
    /// [`Error::Weights`] for the first tensor that is not as it should be.
    pub(crate) fn load(
        tensors: &Tensors,
        prefix: &str,
        channels: usize,
        transform: StepTransform,
    ) -> Result<Self> {
        let mut befores = groups(entries(tensors, &format!("{prefix}d_layers")), false);
        let afters = groups(entries(tensors, &format!("{prefix}u_layers")), true);
        // Layers behind the last pool of the way down would have nowhere to go.
        let rest = befores.pop().map(|(_, layers)| layers).unwrap_or_default();
        if befores.len() != afters.len() || !rest.is_empty() {
            return Err(tensors.fault(
                &format!("{prefix}u_layers"),
                format!("{} pools, as many as in d_layers", befores.len()),
                format!("{}", afters.len()),
            ));
        }
        let unet = befores.iter().any(|(_, layers)| !layers.is_empty());
        let mut tiers = Vec::new();
        let mut width = channels;
        for ((down, before), (up, after)) in befores.into_iter().zip(afters.into_iter().rev()) {
            let load = |names: &[String]| -> Result<Vec<Residual>> {
                let layers = names.iter();
                let load = |name: &String| Residual::load(tensors, name, width, transform);
                layers.map(load).collect()
            };
            let tier = Tier::load(
                tensors,
                width,
                (&down, &up),
                (load(&before)?, load(&after)?),
            )?;
            if unet && tier.before.len() != tier.after.len() {
                return Err(tensors.fault(
                    &down,
                    format!(
                        "{} layers before it, as many as after {up}",
                        tier.after.len()
                    ),
                    format!("{}", tier.before.len()),
                ));
            }
            width = tier.down.rows();
            tiers.push(tier);
        }
        let center = entries(tensors, &format!("{prefix}c_layers"));
        let center: Result<Vec<_>> = center
            .into_iter()
            .map(|entry| match entry {
                Entry::Layer(name) => Residual::load(tensors, &name, width, transform),
                Entry::Pool(name) => Err(tensors.fault(&name, "no pool among c_layers", "one")),
            })
            .collect();
        let center = center?;
        if center.is_empty() {
            return Err(tensors.fault(&format!("{prefix}c_layers.0"), "a layer", "none"));
        }
        Ok(Self {
            tiers,
            center,
            center_channels: width,
            norm: norm(tensors, &format!("{prefix}norm"), channels)?,
            unet,
        })
    }

    /// Channels at full rate.
    pub fn channels(&self) -> usize {
        self.tiers
            .first()
            .map_or(self.center_channels, |tier| tier.channels)
    }

    /// Samples per sample of the innermost tier: whole signals are a multiple of it long.
    pub fn pool(&self) -> usize {
        self.tiers.iter().map(|tier| tier.pool).product()
    }
}

impl Tier {
    fn load(
        tensors: &Tensors,
        channels: usize,
        (down, up): (&str, &str),
        (before, after): (Vec<Residual>, Vec<Residual>),
    ) -> Result<Self> {
        let (_, rows, columns) = tensors.matrix(&format!("{down}.linear"))?;
        if columns % channels != 0 {
            return Err(tensors.fault(
                &format!("{down}.linear.weight"),
                format!("columns that are a multiple of {channels}"),
                columns.to_string(),
            ));
        }
        let pool = columns / channels;
        Ok(Self {
            channels,
            pool,
            before,
            down: Linear::load(tensors, &format!("{down}.linear"), columns, Some(rows))?,
            up: Linear::load(
                tensors,
                &format!("{up}.linear"),
                rows,
                Some(pool * channels),
            )?,
            after,
        })
    }
}

/// The members of a list, nested lists laid out flat.
pub(crate) fn entries(tensors: &Tensors, list: &str) -> Vec<Entry> {
    let mut found = Vec::new();
    for i in 0.. {
        let name = format!("{list}.{i}");
        if !tensors.any(&format!("{name}.")) {
            break;
        }
        if tensors.any(&format!("{name}.0.")) {
            found.extend(entries(tensors, &name));
        } else if tensors.any(&format!("{name}.linear.")) {
            found.push(Entry::Pool(name));
        } else {
            found.push(Entry::Layer(name));
        }
    }
    found
}

/// A list cut at its pools: (pool, layers before it), or with `leading` (pool, layers after it). The
/// last group of the former kind has no pool.
fn groups(entries: Vec<Entry>, leading: bool) -> Vec<(String, Vec<String>)> {
    let mut groups = Vec::new();
    let mut open = (String::new(), Vec::new());
    for entry in entries {
        match (entry, leading) {
            (Entry::Layer(name), _) => open.1.push(name),
            (Entry::Pool(name), false) => {
                open.0 = name;
                groups.push(std::mem::take(&mut open));
            }
            (Entry::Pool(name), true) => {
                let full = std::mem::replace(&mut open, (name, Vec::new()));
                if !full.0.is_empty() {
                    groups.push(full);
                }
            }
        }
    }
    if !leading || !open.0.is_empty() {
        groups.push(open);
    }
    groups
}

/// An [`Error::Config`] for a signal that does not fit the pools.
pub(super) fn whole(samples: usize, pool: usize) -> Result<()> {
    match samples > 0 && samples.is_multiple_of(pool) {
        true => Ok(()),
        false => Err(Error::Input(format!(
            "{samples} samples: give a multiple of {pool}, at least one"
        ))),
    }
}
