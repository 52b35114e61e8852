//! Weights from safetensors bytes or files.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use candle_core::{DType, Device, Shape, Tensor};
use candle_nn::VarBuilder;
use candle_nn::var_builder::SimpleBackend;
use safetensors::tensor::{Dtype, Metadata, SafeTensorError, SafeTensors, TensorInfo};

use crate::{Error, Result};

/// A safetensors checkpoint whose tensors are handed out as contiguous f32, whatever they are stored as.
///
/// ```no_run
/// use syrinx_models::{Checkpoint, megatts2::{Acoustic, Config}};
/// let checkpoint = Checkpoint::open("acoustic.safetensors")?;
/// let acoustic = Acoustic::load(&Config::starter(), &checkpoint, &candle_core::Device::Cpu)?;
/// # Ok::<(), syrinx_models::Error>(())
/// ```
pub struct Checkpoint<'a> {
    contents: Arc<Contents<'a>>,
}

struct Contents<'a> {
    name: PathBuf,
    bytes: Cow<'a, [u8]>,
    /// Where the tensors' bytes begin, after the header.
    start: usize,
    metadata: Metadata,
}

impl Checkpoint<'static> {
    /// Reads a checkpoint file whole.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Weights`] if it is no safetensors file, or not all of one.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| Error::Io {
            path: path.into(),
            source,
        })?;
        Checkpoint::from_bytes(path, bytes)
    }
}

impl<'a> Checkpoint<'a> {
    /// A checkpoint in memory; `name` stands for its path in messages.
    ///
    /// # Errors
    /// [`Error::Weights`] if the bytes are no safetensors file, or not all of one.
    pub fn from_bytes(name: impl Into<PathBuf>, bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self> {
        let (name, bytes) = (name.into(), bytes.into());
        let (header, metadata) =
            SafeTensors::read_metadata(&bytes).map_err(|error| Error::Weights {
                path: name.clone(),
                name: "file".into(),
                expected: "a complete safetensors file".into(),
                found: describe_file(&bytes, &error),
            })?;
        // The header is preceded by its length in 8 bytes; `read_metadata` does not see the data itself.
        let start = header + 8;
        let (held, needed) = (bytes.len() - start, metadata.data_len());
        if held < needed {
            return Err(Error::Weights {
                path: name,
                name: "file".into(),
                expected: format!("{needed} bytes of tensors"),
                found: format!("{held}: the file is cut short; fetch it again"),
            });
        }
        Ok(Self {
            contents: Arc::new(Contents {
                name,
                bytes,
                start,
                metadata,
            }),
        })
    }

    /// The file, or the name given to [`Checkpoint::from_bytes`].
    pub fn path(&self) -> &Path {
        &self.contents.name
    }

    /// Names of the tensors, in the order of the file.
    pub fn names(&self) -> Vec<String> {
        self.contents.metadata.offset_keys()
    }

    /// A text stored with the tensors, such as a configuration.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.contents
            .metadata
            .metadata()
            .as_ref()?
            .get(key)
            .map(String::as_str)
    }

    /// Whether there is a tensor of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.contents.metadata.info(name).is_some()
    }

    /// One tensor as f32, for instance a table that is not part of a network.
    ///
    /// # Errors
    /// [`Error::Weights`] if it is not there.
    pub fn tensor(&self, name: &str, device: &Device) -> Result<Tensor> {
        self.contents.read(name, None, device)
    }

    /// The whole numbers of a tensor of any shape, for instance symbols or codes.
    ///
    /// # Errors
    /// [`Error::Weights`] if it is not there, or holds fractions or negative numbers.
    pub fn integers(&self, name: &str) -> Result<Vec<u32>> {
        self.contents.read_integers(name)
    }

    /// Builds modules from the tensors: `build` gets a builder whose every failure is reported as [`Error::Weights`].
    ///
    /// # Errors
    /// [`Error::Weights`] naming the first tensor that is missing or has another shape.
    pub fn build<T>(
        &self,
        device: &Device,
        build: impl FnOnce(VarBuilder<'a>) -> candle_core::Result<T>,
    ) -> Result<T> {
        // candle can carry only a text through its own error, so the whole error is left here.
        let failure = Arc::new(Mutex::new(None));
        let backend = Backend {
            contents: self.contents.clone(),
            failure: failure.clone(),
        };
        let builder = VarBuilder::from_backend(Box::new(backend), DType::F32, device.clone());
        build(builder).map_err(|error| {
            let told = failure.lock().ok().and_then(|mut failure| failure.take());
            told.unwrap_or(Error::Compute(error))
        })
    }
}

impl Contents<'_> {
    fn fault(&self, name: &str, expected: impl Into<String>, found: impl Into<String>) -> Error {
        let (expected, found) = (expected.into(), found.into());
        Error::Weights {
            path: self.name.clone(),
            name: format!("tensor {name:?}"),
            expected,
            found,
        }
    }

    fn bytes(&self, info: &TensorInfo) -> &[u8] {
        let (from, to) = info.data_offsets;
        &self.bytes[self.start + from..self.start + to]
    }

    fn read_integers(&self, name: &str) -> Result<Vec<u32>> {
        let Some(info) = self.metadata.info(name) else {
            return Err(self.fault(
                name,
                "whole numbers",
                format!("no such tensor{}", self.resemblance()),
            ));
        };
        let bytes = self.bytes(info);
        let numbers: Option<Vec<u32>> = match info.dtype {
            Dtype::U8 => Some(bytes.iter().map(|byte| u32::from(*byte)).collect()),
            Dtype::I16 => whole(bytes, i16::from_le_bytes),
            Dtype::U32 => whole(bytes, u32::from_le_bytes),
            Dtype::I32 => whole(bytes, i32::from_le_bytes),
            Dtype::I64 => whole(bytes, i64::from_le_bytes),
            other => return Err(self.fault(name, "whole numbers", format!("{other:?}"))),
        };
        numbers.ok_or_else(|| self.fault(name, "numbers from 0 to 2^32 - 1", "others"))
    }

    fn read(&self, name: &str, shape: Option<&Shape>, device: &Device) -> Result<Tensor> {
        let wanted = || shape.map_or("a tensor".into(), |shape| format!("{:?}", shape.dims()));
        let Some(info) = self.metadata.info(name) else {
            return Err(self.fault(
                name,
                wanted(),
                format!("no such tensor{}", self.resemblance()),
            ));
        };
        if let Some(shape) = shape.filter(|shape| shape.dims() != info.shape) {
            let found = format!(
                "{:?}; does the config.json belong to this file?",
                info.shape
            );
            return Err(self.fault(name, format!("{:?}", shape.dims()), found));
        }
        let dtype = match info.dtype {
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            Dtype::F64 => DType::F64,
            other => {
                return Err(self.fault(
                    name,
                    "f32, f16, bf16 or f64 numbers",
                    format!("{other:?}"),
                ));
            }
        };
        let tensor = Tensor::from_raw_buffer(self.bytes(info), dtype, &info.shape, &Device::Cpu)?;
        Ok(tensor
            .to_dtype(DType::F32)?
            .contiguous()?
            .to_device(device)?)
    }

    /// What the file seems to be instead, from the names in it.
    fn resemblance(&self) -> String {
        resemblance(&self.metadata.offset_keys())
    }
}

/// What a file with tensors of these names seems to be.
pub(crate) fn resemblance(names: &[String]) -> String {
    let known = SIGNATURES.iter().find(|(marks, _)| {
        marks
            .iter()
            .all(|mark| names.iter().any(|name| name.contains(mark)))
    });
    match (known, names.first()) {
        (Some((_, what)), _) => format!("; the file resembles {what}"),
        (None, Some(first)) => {
            format!("; the file holds {} others, such as {first:?}", names.len())
        }
        (None, None) => "; the file holds no tensors".into(),
    }
}

/// Little-endian numbers of N bytes; none if one of them does not fit.
fn whole<const N: usize, T: TryInto<u32>>(
    bytes: &[u8],
    read: fn([u8; N]) -> T,
) -> Option<Vec<u32>> {
    let numbers = bytes
        .chunks_exact(N)
        .map(|bytes| read(bytes.try_into().ok()?).try_into().ok());
    numbers.collect()
}

/// Parts of tensor names that give a checkpoint away, the more special first.
const SIGNATURES: [(&[&str], &str); 15] = [
    (&["flow_norm.gain"], "a StableVC model"),
    (
        &["timbre_attention."],
        "the acoustic part of a Mega-TTS 2 model",
    ),
    (&["prior", "down.weight"], "an aligner"),
    (
        &["end_content"],
        "the prosody language model of a Mega-TTS 2 model",
    ),
    (
        &["null_content"],
        "the duration model of a Mega-TTS 2 model",
    ),
    (&["init_conv.", "c_layers."], "a DiffWave-SaShiMi model"),
    (&["c_layers.", "u_layers."], "a SaShiMi model"),
    (
        &["condition_provider."],
        "an audiocraft model (MusicGen or MAGNeT)",
    ),
    (
        &["quantizer.layers.", "encoder.layers."],
        "an EnCodec codec",
    ),
    (&["ups.0.", "conv_pre."], "a HiFi-GAN generator"),
    (&["dec.ups.", "enc_p."], "a VITS or Piper voice"),
    (&["backbone.convnext."], "a Vocos vocoder"),
    (&["layer.0.SelfAttention."], "a T5 text encoder"),
    (&["bert."], "a BERT text encoder"),
    (
        &["discriminator"],
        "a training state with discriminators: export the generator first",
    ),
];

/// What a file that is no safetensors file seems to be.
fn describe_file(bytes: &[u8], error: &SafeTensorError) -> String {
    let starts = |mark: &[u8]| bytes.starts_with(mark);
    if bytes.is_empty() {
        "an empty file".into()
    } else if starts(b"PK\x03\x04") || starts(b"\x80\x02") || starts(b"\x80\x04") {
        "a PyTorch pickle: convert it to safetensors first".into()
    } else if starts(b"GGUF") {
        "a GGUF file".into()
    } else if starts(b"version https://git-lfs") {
        "a git-lfs pointer: run `git lfs pull`".into()
    } else if starts(b"<") {
        "a web page: the download went wrong".into()
    } else if matches!(
        error,
        SafeTensorError::HeaderTooSmall
            | SafeTensorError::InvalidHeaderLength
            | SafeTensorError::MetadataIncompleteBuffer
    ) {
        format!(
            "{} bytes that end too early: fetch the file again",
            bytes.len()
        )
    } else {
        format!("something else ({error})")
    }
}

/// Hands the tensors to candle's builder and keeps the first failure in our own words.
struct Backend<'a> {
    contents: Arc<Contents<'a>>,
    failure: Arc<Mutex<Option<Error>>>,
}

impl Backend<'_> {
    fn fetch(
        &self,
        name: &str,
        shape: Option<&Shape>,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        self.contents.read(name, shape, device).map_err(|error| {
            let text = candle_core::Error::msg(&error);
            if let Ok(mut failure) = self.failure.lock() {
                failure.get_or_insert(error);
            }
            text
        })
    }
}

impl SimpleBackend for Backend<'_> {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        _: candle_nn::Init,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        self.fetch(name, Some(&shape), device)?.to_dtype(dtype)
    }

    fn get_unchecked(
        &self,
        name: &str,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        self.fetch(name, None, device)?.to_dtype(dtype)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.contents.metadata.info(name).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn bytes(tensors: &[(&str, Tensor)]) -> Vec<u8> {
        let tensors: HashMap<_, _> = tensors.iter().cloned().collect();
        safetensors::serialize(tensors, None).unwrap()
    }

    fn message<T>(result: Result<T>) -> String {
        result.err().map(|error| error.to_string()).unwrap()
    }

    #[test]
    fn half_precision_becomes_single() {
        let values = Tensor::new(&[[0.5f32, -2.0], [1.0, 65504.0]], &Device::Cpu).unwrap();
        for dtype in [DType::F16, DType::BF16, DType::F64] {
            let stored = values.to_dtype(dtype).unwrap();
            let file = bytes(&[("a.weight", stored.clone())]);
            let checkpoint = Checkpoint::from_bytes("memory", file).unwrap();
            let read = checkpoint
                .build(&Device::Cpu, |vb| vb.pp("a").get((2, 2), "weight"))
                .unwrap();
            assert_eq!(read.dtype(), DType::F32);
            let expected = stored.to_dtype(DType::F32).unwrap();
            assert_eq!(
                read.to_vec2::<f32>().unwrap(),
                expected.to_vec2::<f32>().unwrap()
            );
        }
    }

    #[test]
    fn faults_name_the_tensor_and_what_the_file_resembles() {
        let zeros = Tensor::zeros(3, DType::F32, &Device::Cpu).unwrap();
        let file = bytes(&[("conv_pre.weight", zeros.clone()), ("ups.0.bias", zeros)]);
        let checkpoint = Checkpoint::from_bytes("voice.safetensors", file).unwrap();
        let missing =
            message(checkpoint.build(&Device::Cpu, |vb| vb.get((4, 2), "embedding.weight")));
        assert_eq!(
            missing,
            "voice.safetensors: tensor \"embedding.weight\": expected [4, 2], found no such tensor; the file resembles a HiFi-GAN generator"
        );
        let shape = message(checkpoint.build(&Device::Cpu, |vb| vb.get(4, "ups.0.bias")));
        assert!(
            shape.contains("tensor \"ups.0.bias\": expected [4], found [3]"),
            "{shape}"
        );
    }

    #[test]
    fn whole_numbers_of_any_width() {
        let values = Tensor::new(&[0u32, 7, 250], &Device::Cpu).unwrap();
        for dtype in [DType::U8, DType::I16, DType::U32, DType::I32, DType::I64] {
            let file = bytes(&[("codes", values.to_dtype(dtype).unwrap())]);
            assert_eq!(
                Checkpoint::from_bytes("x", file)
                    .unwrap()
                    .integers("codes")
                    .unwrap(),
                [0, 7, 250]
            );
        }
        let negative = bytes(&[("codes", Tensor::new(&[-1i64], &Device::Cpu).unwrap())]);
        assert!(
            message(
                Checkpoint::from_bytes("x", negative)
                    .unwrap()
                    .integers("codes")
            )
            .contains("codes")
        );
    }

    #[test]
    fn broken_files_are_told_apart() {
        let tensor = Tensor::zeros((8, 8), DType::F32, &Device::Cpu).unwrap();
        let file = bytes(&[("a", tensor)]);
        for cut in [3, 8, 20, file.len() - 1] {
            let text = message(Checkpoint::from_bytes("cut", file[..cut].to_vec()));
            assert!(
                text.contains("too early") || text.contains("cut short"),
                "{cut}: {text}"
            );
        }
        let cases: [(&[u8], &str); 5] = [
            (b"", "empty"),
            (b"PK\x03\x04 and so on", "PyTorch"),
            (b"version https://git-lfs.github.com/spec/v1", "git-lfs"),
            (b"<!DOCTYPE html>", "web page"),
            (b"GGUF\0\0\0\0\0\0\0\0", "GGUF"),
        ];
        for (file, expected) in cases {
            let text = message(Checkpoint::from_bytes("x", file));
            assert!(text.contains(expected), "{text}");
        }
        assert!(matches!(
            Checkpoint::open("/no/such/file"),
            Err(Error::Io { .. })
        ));
    }
}
