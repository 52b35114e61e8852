//! Checkpoint files, and what is wrong with them.

mod legacy;

use std::collections::HashMap;
use std::path::Path;

use candle_core::pickle::PthTensors;
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;

use crate::{Error, Result};

/// Opens a checkpoint: safetensors, or a torch pickle (`.pth`, `.pt`, `.pth.tar`, `.ckpt`, `.bin`),
/// of which `key` names the dictionary with the tensors (HiFi-GAN: `generator`).
///
/// Tensors are held in memory as f32 on `device`.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, [`Error::Weights`] if it is neither format, or
/// truncated.
pub fn open(path: &Path, key: Option<&str>, device: &Device) -> Result<VarBuilder<'static>> {
    let tensors = tensors(path, key, device)?;
    Ok(VarBuilder::from_tensors(tensors, DType::F32, device))
}

/// The tensors that [`open`] makes a builder of, for layouts that have to be recognised by their names.
///
/// # Errors
/// As [`open`].
pub fn tensors(path: &Path, key: Option<&str>, device: &Device) -> Result<HashMap<String, Tensor>> {
    let io = |source| Error::Io {
        path: path.to_owned(),
        source,
    };
    // Also the friendlier message for a missing file.
    let length = std::fs::metadata(path).map_err(io)?.len();
    let unreadable = |e: candle_core::Error| Error::Weights {
        path: Some(path.to_owned()),
        name: "*".into(),
        expected: "a complete safetensors or torch checkpoint".into(),
        found: format!("{length} bytes that cannot be read ({})", first_line(&e)),
    };
    let tensors = if path.extension().is_some_and(|e| e == "safetensors") {
        candle_core::safetensors::load(path, device).map_err(unreadable)?
    } else if legacy::is_legacy(path).map_err(io)? {
        legacy::load(path, key, device).map_err(unreadable)?
    } else {
        zipped(path, key, device).map_err(unreadable)?
    };
    if tensors.is_empty() {
        return Err(Error::Weights {
            path: Some(path.to_owned()),
            name: key.unwrap_or("*").into(),
            expected: "a dictionary of tensors".into(),
            found: "none".into(),
        });
    }
    Ok(tensors)
}

/// Torch checkpoints since version 1.6: a zip archive of one pickle and the numbers.
fn zipped(
    path: &Path,
    key: Option<&str>,
    device: &Device,
) -> candle_core::Result<HashMap<String, Tensor>> {
    let pickle = PthTensors::new(path, key)?;
    let mut tensors = HashMap::new();
    for name in pickle.tensor_infos().keys() {
        if let Some(tensor) = pickle.get(name)? {
            tensors.insert(name.clone(), tensor.to_device(device)?);
        }
    }
    Ok(tensors)
}

/// Turns what candle says of a missing or misshapen tensor into [`Error::Weights`].
pub fn explain(error: candle_core::Error) -> Error {
    use candle_core::Error as Candle;
    match error {
        Candle::WithBacktrace { inner, .. } => explain(*inner),
        Candle::Context { inner, .. } => explain(*inner),
        Candle::CannotFindTensor { path } => Error::Weights {
            path: None,
            name: path,
            expected: "to be there".into(),
            found: "nothing of this name".into(),
        },
        Candle::UnexpectedShape { msg, expected, got } => Error::Weights {
            path: None,
            name: msg.rsplit(' ').next().unwrap_or_default().to_owned(),
            expected: format!("{expected:?}"),
            found: format!("{got:?}"),
        },
        other => Error::Candle(other),
    }
}

/// Adds the file to an error about its tensors.
pub fn in_file(path: &Path) -> impl Fn(Error) -> Error + '_ {
    move |error| match error {
        Error::Weights {
            name,
            expected,
            found,
            ..
        } => Error::Weights {
            path: Some(path.to_owned()),
            name,
            expected,
            found,
        },
        other => other,
    }
}

/// Checks one tensor of a checkpoint and returns its values.
pub(crate) fn values(vb: &VarBuilder<'_>, len: usize, name: &str) -> Result<Vec<f32>> {
    let tensor: Tensor = vb.get(len, name).map_err(explain)?;
    Ok(tensor.to_dtype(DType::F32)?.to_vec1()?)
}

fn first_line(error: &candle_core::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}
