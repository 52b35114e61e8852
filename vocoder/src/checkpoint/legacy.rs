//! Torch checkpoints from before version 1.6: a row of pickles, then the numbers.
//!
//! ```text
//! magic · protocol version · machine · the object · list of storage keys · { u64 n, n numbers }…
//! ```
//!
//! The public HiFi-GAN generators are of this kind; candle's reader knows only the zip archives
//! that came after.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use candle_core::pickle::{Object, Stack};
use candle_core::{Device, Result, Tensor, bail};
use half::{bf16, f16};

/// The pickled magic number that such files begin with.
const MAGIC: [u8; 15] = [
    0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
];

/// Whether the file begins like a checkpoint of the old kind.
pub(super) fn is_legacy(path: &Path) -> std::io::Result<bool> {
    let mut head = Vec::new();
    File::open(path)?
        .take(MAGIC.len() as u64)
        .read_to_end(&mut head)?;
    Ok(head == MAGIC)
}

/// The tensors of the dictionary `key` (or of the file's own dictionary), as f32.
pub(super) fn load(
    path: &Path,
    key: Option<&str>,
    device: &Device,
) -> Result<HashMap<String, Tensor>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut reader = BufReader::new(file);
    reader.read_exact(&mut [0; MAGIC.len()])?;
    let mut unpickle = || {
        let mut stack = Stack::empty();
        stack.read_loop(&mut reader)?;
        stack.finalize()
    };
    let (_protocol, _machine) = (unpickle()?, unpickle()?);
    let (object, keys) = (unpickle()?, unpickle()?);
    let views = views(dictionary(object, key)?);

    let mut storages = HashMap::new();
    let Object::List(keys) = keys else {
        bail!("the list of storages is missing")
    };
    for storage in keys {
        let Object::Unicode(storage) = storage else {
            bail!("a storage key is not a string")
        };
        let kind = views.iter().find(|v| v.storage == storage);
        // A storage that no tensor of ours uses has an unknown element size: as torch writes
        // them in order of use, those come last, with the optimiser's.
        let Some(kind) = kind.map(|v| v.kind) else {
            break;
        };
        let mut count = [0; 8];
        reader.read_exact(&mut count)?;
        let count = u64::from_le_bytes(count);
        let bytes = count.saturating_mul(kind.bytes());
        if bytes > length {
            bail!("storage {storage} claims {bytes} bytes of a file of {length}")
        }
        let mut raw = vec![0; bytes as usize];
        reader.read_exact(&mut raw)?;
        storages.insert(storage, kind.decode(&raw));
    }
    views
        .iter()
        .map(|view| view.tensor(&storages, device))
        .collect()
}

/// What a pickled tensor says of itself.
struct View {
    name: String,
    storage: String,
    kind: Kind,
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

#[derive(Clone, Copy)]
enum Kind {
    F64,
    F32,
    F16,
    Bf16,
    I64,
}

impl Kind {
    fn of(class: &str) -> Option<Self> {
        Some(match class {
            "DoubleStorage" => Kind::F64,
            "FloatStorage" => Kind::F32,
            "HalfStorage" => Kind::F16,
            "BFloat16Storage" => Kind::Bf16,
            "LongStorage" => Kind::I64,
            _ => return None,
        })
    }

    fn bytes(self) -> u64 {
        match self {
            Kind::F64 | Kind::I64 => 8,
            Kind::F32 => 4,
            Kind::F16 | Kind::Bf16 => 2,
        }
    }

    fn decode(self, raw: &[u8]) -> Vec<f32> {
        fn each<const N: usize>(raw: &[u8], f: impl Fn([u8; N]) -> f32) -> Vec<f32> {
            raw.as_chunks::<N>().0.iter().map(|b| f(*b)).collect()
        }
        match self {
            Kind::F64 => each(raw, |b| f64::from_le_bytes(b) as f32),
            Kind::F32 => each(raw, f32::from_le_bytes),
            Kind::F16 => each(raw, |b| f16::from_le_bytes(b).to_f32()),
            Kind::Bf16 => each(raw, |b| bf16::from_le_bytes(b).to_f32()),
            Kind::I64 => each(raw, |b| i64::from_le_bytes(b) as f32),
        }
    }
}

impl View {
    /// Reads `_rebuild_tensor_v2(storage, offset, shape, strides, …)`, possibly inside a
    /// `_rebuild_parameter`; `None` for anything else.
    fn read(name: &Object, value: &Object) -> Option<Self> {
        let Object::Reduce { callable, args } = value else {
            return None;
        };
        let (Object::Class { class_name, .. }, Object::Tuple(args)) = (&**callable, &**args) else {
            return None;
        };
        match (class_name.as_str(), args.as_slice()) {
            ("_rebuild_parameter", [tensor, ..]) => Self::read(name, tensor),
            ("_rebuild_tensor_v2", [storage, offset, shape, strides, ..]) => {
                let Object::PersistentLoad(id) = storage else {
                    return None;
                };
                let Object::Tuple(id) = &**id else {
                    return None;
                };
                let [
                    _,
                    Object::Class { class_name, .. },
                    Object::Unicode(key),
                    ..,
                ] = id.as_slice()
                else {
                    return None;
                };
                Some(Self {
                    name: match name {
                        Object::Unicode(name) => name.clone(),
                        _ => return None,
                    },
                    storage: key.clone(),
                    kind: Kind::of(class_name)?,
                    offset: index(offset)?,
                    shape: indices(shape)?,
                    strides: indices(strides)?,
                })
            }
            _ => None,
        }
    }

    fn tensor(
        &self,
        storages: &HashMap<String, Vec<f32>>,
        device: &Device,
    ) -> Result<(String, Tensor)> {
        let Some(storage) = storages.get(&self.storage) else {
            bail!("{}: its numbers are missing", self.name)
        };
        let count = self.shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
        let Some(count) = count.filter(|n| *n <= storage.len()) else {
            bail!(
                "{}: {:?} of {} numbers",
                self.name,
                self.shape,
                storage.len()
            )
        };
        let mut values = Vec::with_capacity(count);
        for i in 0..count {
            let mut rest = i;
            let mut at = self.offset;
            for (size, stride) in self.shape.iter().zip(&self.strides).rev() {
                at = at.saturating_add((rest % size).saturating_mul(*stride));
                rest /= size;
            }
            let Some(value) = storage.get(at) else {
                bail!(
                    "{}: reaches beyond its {} numbers",
                    self.name,
                    storage.len()
                )
            };
            values.push(*value);
        }
        let tensor = Tensor::from_vec(values, self.shape.as_slice(), device)?;
        Ok((self.name.clone(), tensor))
    }
}

fn views(entries: Vec<(Object, Object)>) -> Vec<View> {
    let views = entries
        .iter()
        .filter_map(|(name, value)| View::read(name, value));
    views.collect()
}

/// The entries of `object`, or of the dictionary that it holds under `key`.
fn dictionary(object: Object, key: Option<&str>) -> Result<Vec<(Object, Object)>> {
    // An ordered dictionary with attributes (state_dict's `_metadata`) is built upon.
    let entries = match object {
        Object::Dict(entries) => entries,
        Object::Build { callable, .. } => return dictionary(*callable, key),
        _ => bail!("a dictionary of tensors was expected"),
    };
    let Some(key) = key else {
        return Ok(entries);
    };
    let named = entries
        .into_iter()
        .find(|(k, _)| *k == Object::Unicode(key.to_owned()));
    match named {
        Some((_, object)) => dictionary(object, None),
        None => bail!("there is no dictionary `{key}`"),
    }
}

fn index(object: &Object) -> Option<usize> {
    match object {
        Object::Int(i) => usize::try_from(*i).ok(),
        Object::Long(i) => usize::try_from(*i).ok(),
        _ => None,
    }
}

fn indices(object: &Object) -> Option<Vec<usize>> {
    match object {
        Object::Tuple(items) => items.iter().map(index).collect(),
        _ => None,
    }
}
