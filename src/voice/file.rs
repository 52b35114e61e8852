//! Voices as they are stored.

use std::borrow::Cow;
use std::path::PathBuf;

use candle_core::{Device, Tensor};
use safetensors::{Dtype, SafeTensors};

use crate::engine::Package;
use crate::{Error, Result};

const NAME: &str = "voices.safetensors";

/// The file of all voices: for each, `NAME.keys` [M, K] and `NAME.prompt.I.{symbols, units, codes}`.
pub(crate) struct VoiceFile {
    path: PathBuf,
    bytes: Cow<'static, [u8]>,
}

/// A sentence of a voice's own speech.
pub(crate) struct Prompt {
    /// Symbols, [N].
    pub symbols: Vec<u32>,
    /// Their durations, [N].
    pub units: Vec<u32>,
    /// Prosody codes.
    pub codes: Vec<u32>,
}

impl VoiceFile {
    /// # Errors
    /// Those of reading the file, and [`Error::Weights`] if it is no safetensors file.
    pub fn read(package: &Package) -> Result<Self> {
        // What is wrong with a file that is none, or not all of one, is told as for the networks.
        package.checkpoint(NAME)?;
        Ok(Self {
            path: package.path(NAME),
            bytes: package.read(NAME)?,
        })
    }

    /// Timbre keys of a voice, [M, K].
    pub fn keys(&self, voice: &str) -> Result<Tensor> {
        let name = format!("{voice}.keys");
        let (shape, values) = self.tensor(&name, "timbre keys [M, K]", |tensor| {
            let dtype = match tensor.dtype() {
                Dtype::F16 => candle_core::DType::F16,
                Dtype::F32 => candle_core::DType::F32,
                _ => return None,
            };
            let keys =
                Tensor::from_raw_buffer(tensor.data(), dtype, tensor.shape(), &Device::Cpu).ok()?;
            let keys = keys.to_dtype(candle_core::DType::F32).ok()?;
            Some((tensor.shape().to_vec(), keys))
        })?;
        if shape.len() != 2 || shape[0] == 0 {
            return Err(self.fault(&name, "timbre keys [M, K]", format!("{shape:?}")));
        }
        Ok(values)
    }

    /// The `index`-th prompt of a voice.
    pub fn prompt(&self, voice: &str, index: usize) -> Result<Prompt> {
        let list = |part: &str| {
            self.tensor(
                &format!("{voice}.prompt.{index}.{part}"),
                "whole numbers",
                |tensor| {
                    let data = tensor.data();
                    match tensor.dtype() {
                        Dtype::U8 => Some(data.iter().copied().map(u32::from).collect()),
                        Dtype::I32 | Dtype::U32 => {
                            let words =
                                data.chunks_exact(4).filter_map(|word| word.try_into().ok());
                            Some(words.map(u32::from_le_bytes).collect())
                        }
                        _ => None,
                    }
                },
            )
        };
        let prompt = Prompt {
            symbols: list("symbols")?,
            units: list("units")?,
            codes: list("codes")?,
        };
        if prompt.symbols.len() != prompt.units.len() {
            let name = format!("{voice}.prompt.{index}.units");
            return Err(self.fault(
                &name,
                "a duration for each symbol",
                format!("{} for {}", prompt.units.len(), prompt.symbols.len()),
            ));
        }
        Ok(prompt)
    }

    /// What `read` makes of a tensor, `None` being another type than it expects.
    fn tensor<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl FnOnce(safetensors::tensor::TensorView<'_>) -> Option<T>,
    ) -> Result<T> {
        let file = SafeTensors::deserialize(&self.bytes)
            .map_err(|e| self.fault("file", "safetensors", e.to_string()))?;
        let tensor = file
            .tensor(name)
            .map_err(|_| self.fault(name, expected, "nothing".into()))?;
        let dtype = tensor.dtype();
        read(tensor).ok_or_else(|| self.fault(name, expected, format!("{dtype:?}")))
    }

    fn fault(&self, name: &str, expected: &str, found: String) -> Error {
        Error::Weights {
            path: self.path.clone(),
            name: name.into(),
            expected: expected.into(),
            found,
        }
    }
}
