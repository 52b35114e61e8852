//! A checkpoint whose layout is still to be found out: all tensors by name.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use syrinx_vocoder::checkpoint;
use syrinx_vocoder::kernel::Complex64;

use crate::checkpoint::resemblance;
use crate::{Error, Result};

/// Tensors by name, and which of them have been used.
pub struct Tensors {
    path: PathBuf,
    tensors: BTreeMap<String, Tensor>,
    used: RefCell<BTreeSet<String>>,
}

impl Tensors {
    /// Reads a safetensors file or a torch checkpoint (`.pt`, `.ckpt`, `.pkl`); of one that holds more
    /// than tensors, the `model_state_dict` or `state_dict`.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Weights`] if it is something else.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let read = |key| checkpoint::tensors(path, key, &Device::Cpu);
        let whole = read(None);
        let tensors = match whole {
            Err(syrinx_vocoder::Error::Weights { .. }) => ["model_state_dict", "state_dict"]
                .into_iter()
                .find_map(|key| read(Some(key)).ok())
                .map_or(whole, Ok),
            other => other,
        };
        Ok(Self::new(
            path,
            tensors.map_err(|error| known(path, error))?,
        ))
    }

    /// A safetensors file in memory; `path` stands for it in messages.
    ///
    /// # Errors
    /// [`Error::Weights`] if the bytes are none.
    pub fn from_bytes(path: impl Into<PathBuf>, bytes: &[u8]) -> Result<Self> {
        let path = path.into();
        match candle_core::safetensors::load_buffer(bytes, &Device::Cpu) {
            Ok(tensors) => Ok(Self::new(path, tensors)),
            Err(error) => Err(Error::Weights {
                path,
                name: "file".into(),
                expected: "a complete safetensors file".into(),
                found: format!("something else ({error})"),
            }),
        }
    }

    /// Tensors at hand.
    pub fn new(path: impl Into<PathBuf>, tensors: HashMap<String, Tensor>) -> Self {
        Self {
            path: path.into(),
            tensors: tensors.into_iter().collect(),
            used: RefCell::default(),
        }
    }

    /// The file, or what stands for it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Whether there is a tensor of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// Whether there is a tensor whose name begins so.
    pub(crate) fn any(&self, prefix: &str) -> bool {
        let mut following = self.tensors.range(prefix.to_owned()..);
        following
            .next()
            .is_some_and(|(name, _)| name.starts_with(prefix))
    }

    /// Sizes of a tensor; none if it is not there.
    pub(crate) fn dims(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(Tensor::dims)
    }

    /// The numbers of a tensor that has `count` of them, whatever its shape.
    pub(crate) fn values(&self, name: &str, count: usize) -> Result<Vec<f32>> {
        let tensor = self.get(name)?;
        if tensor.elem_count() != count {
            return Err(self.fault(
                name,
                format!("{count} numbers"),
                format!("{:?}", tensor.dims()),
            ));
        }
        let numbers = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
        match numbers.iter().find(|number| !f32::is_finite(**number)) {
            Some(number) => Err(self.fault(name, "finite numbers", number.to_string())),
            None => Ok(numbers),
        }
    }

    /// As [`Tensors::values`], in double precision.
    pub(crate) fn doubles(&self, name: &str, count: usize) -> Result<Vec<f64>> {
        let values = self.values(name, count)?;
        Ok(values.into_iter().map(f64::from).collect())
    }

    /// `count` complex numbers, stored as pairs.
    pub(crate) fn complex(&self, name: &str, count: usize) -> Result<Vec<Complex64>> {
        let values = self.doubles(name, 2 * count)?;
        let pairs = values.chunks_exact(2);
        Ok(pairs.map(|pair| Complex64::new(pair[0], pair[1])).collect())
    }

    /// A whole number.
    pub(crate) fn integer(&self, name: &str) -> Result<usize> {
        let value = self.values(name, 1)?[0];
        if value < 0.0 || value.fract() != 0.0 {
            return Err(self.fault(name, "a whole number", value.to_string()));
        }
        Ok(value as usize)
    }

    /// The rows of a matrix, weight norm folded in, and its columns: `P.weight` or `P.weight_g` and
    /// `P.weight_v`, any further dimensions being 1.
    pub(crate) fn matrix(&self, prefix: &str) -> Result<(Vec<f32>, usize, usize)> {
        let (plain, direction) = (format!("{prefix}.weight"), format!("{prefix}.weight_v"));
        let normed = self.contains(&direction);
        let name = if normed { &direction } else { &plain };
        let tensor = self.get(name)?;
        let &[rows, columns, ref rest @ ..] = tensor.dims() else {
            return Err(self.fault(name, "a matrix", format!("{:?}", tensor.dims())));
        };
        if rest.iter().any(|size| *size != 1) || rows * columns == 0 {
            return Err(self.fault(name, "a matrix", format!("{:?}", tensor.dims())));
        }
        let mut weight = self.values(name, rows * columns)?;
        if normed {
            let gain = self.values(&format!("{prefix}.weight_g"), rows)?;
            for (row, gain) in weight.chunks_exact_mut(columns).zip(gain) {
                let square: f64 = row.iter().map(|w| f64::from(*w) * f64::from(*w)).sum();
                let scale = f64::from(gain) / square.sqrt().max(f64::MIN_POSITIVE);
                row.iter_mut()
                    .for_each(|w| *w = (f64::from(*w) * scale) as f32);
            }
        }
        Ok((weight, rows, columns))
    }

    #[cfg(test)]
    pub(crate) fn tensor(&self, name: &str) -> Tensor {
        self.get(name).expect("a tensor of a test").clone()
    }

    /// Marks a tensor that means nothing to us as known.
    pub(crate) fn pass_over(&self, name: &str) {
        self.used.borrow_mut().insert(name.to_owned());
    }

    /// Fails if tensors are left that nobody used: then the file is of a layout that we only believe to know.
    pub(crate) fn finish(&self, layout: &str) -> Result<()> {
        let used = self.used.borrow();
        let left: Vec<_> = self.names().filter(|name| !used.contains(*name)).collect();
        match left.first() {
            None => Ok(()),
            Some(first) => Err(Error::Weights {
                path: self.path.clone(),
                name: format!("tensor {first:?}"),
                expected: format!("a checkpoint that resembles {layout} to hold nothing else"),
                found: format!("{} more that this layout does not have", left.len()),
            }),
        }
    }

    pub(crate) fn fault(
        &self,
        name: &str,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Error {
        Error::Weights {
            path: self.path.clone(),
            name: format!("tensor {name:?}"),
            expected: expected.into(),
            found: found.into(),
        }
    }

    fn get(&self, name: &str) -> Result<&Tensor> {
        match self.tensors.get(name) {
            Some(tensor) => {
                self.pass_over(name);
                Ok(tensor)
            }
            None => {
                let names: Vec<String> = self.names().map(str::to_owned).collect();
                let found = format!("no such tensor{}", resemblance(&names));
                Err(self.fault(name, "a tensor", found))
            }
        }
    }
}

fn known(path: &Path, error: syrinx_vocoder::Error) -> Error {
    use syrinx_vocoder::Error as Vocoder;
    match error {
        Vocoder::Io { path, source } => Error::Io { path, source },
        Vocoder::Weights {
            name,
            expected,
            found,
            ..
        } => Error::Weights {
            path: path.to_owned(),
            name,
            expected,
            found,
        },
        Vocoder::Candle(error) => Error::Compute(error),
        other => Error::Config(other.to_string()),
    }
}
