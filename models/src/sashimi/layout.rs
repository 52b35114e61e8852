//! Whose names a checkpoint uses.

use super::tensors::Tensors;
use crate::{Error, Result};

/// The layouts of checkpoints of the reference's training code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// February 2022: `log_w_real`, frequencies stored as `omega`.
    V2,
    /// August 2022: `inv_w_real`, `L`.
    V3,
    /// Since March 2023: `A_real`, `l_kernel`.
    V4,
}

/// Endings that tensors of a layout have, of which each is there.
const MARKS: [(Layout, &[&str]); 3] = [
    (
        Layout::V4,
        &[
            "layer.layer.kernel.A_real",
            "layer.layer.kernel.A_imag",
            "layer.layer.kernel.inv_dt",
            "layer.layer.kernel.l_kernel",
            "layer.layer.kernel.P",
            "layer.layer.D",
            "encoder.0.weight",
            "decoder.0.output_transform.weight",
        ],
    ),
    (
        Layout::V3,
        &[
            "layer.kernel.kernel.inv_w_real",
            "layer.kernel.kernel.w_imag",
            "layer.kernel.kernel.log_dt",
            "layer.kernel.kernel.L",
            "layer.kernel.kernel.P",
            "layer.D",
            "encoder.0.weight",
            "decoder.0.output_transform.weight",
        ],
    ),
    (
        Layout::V2,
        &[
            "layer.kernel.kernel.log_w_real",
            "layer.kernel.kernel.w_imag",
            "layer.kernel.kernel.log_dt",
            "layer.kernel.kernel.omega",
            "layer.kernel.kernel.P",
            "layer.D",
            "encoder.weight",
            "decoder.output_transform.weight",
        ],
    ),
];

impl Layout {
    /// As messages call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::V2 => "SaShiMi v2",
            Self::V3 => "SaShiMi v3",
            Self::V4 => "SaShiMi v4",
        }
    }

    /// The layout whose marks are all there.
    ///
    /// # Errors
    /// [`Error::Weights`] naming the nearest one and its first mark that is missing.
    pub(super) fn recognise(tensors: &Tensors) -> Result<Self> {
        let missing = |marks: &[&'static str]| -> Vec<&'static str> {
            let there = |mark: &str| tensors.names().any(|name| name.ends_with(mark));
            marks.iter().copied().filter(|mark| !there(mark)).collect()
        };
        let nearest = MARKS
            .iter()
            .map(|(layout, marks)| (*layout, marks.len(), missing(marks)))
            .min_by_key(|(_, _, missing)| missing.len());
        match nearest {
            Some((layout, _, missing)) if missing.is_empty() => Ok(layout),
            Some((layout, marks, missing)) => Err(unknown(tensors, layout, marks, &missing)),
            None => unreachable!("there are layouts"),
        }
    }

    /// The names of the embedding and of the decoder.
    pub(super) fn ends(self) -> (&'static str, &'static str) {
        match self {
            Self::V2 => ("encoder", "decoder"),
            Self::V3 | Self::V4 => ("encoder.0", "decoder.0"),
        }
    }
}

fn unknown(tensors: &Tensors, layout: Layout, marks: usize, missing: &[&str]) -> Error {
    let count = tensors.names().count();
    let first = tensors.names().next().unwrap_or("none");
    let names: Vec<String> = tensors.names().map(str::to_owned).collect();
    let what = crate::checkpoint::resemblance(&names);
    let found = if tensors.any("init_conv.") {
        "DiffWave-SaShiMi, another model: load it as such".to_owned()
    } else if 2 * missing.len() < marks {
        format!(
            "one that resembles {}, but has no tensor ending in {}",
            layout.name(),
            missing
                .iter()
                .map(|m| format!("{m:?}"))
                .collect::<Vec<_>>()
                .join(", ")
        )
    } else {
        format!("{count} tensors such as {first:?}{what}")
    };
    Error::Weights {
        path: tensors.path().to_owned(),
        name: "file".into(),
        expected: "a SaShiMi checkpoint of layout v2, v3 or v4".into(),
        found,
    }
}
