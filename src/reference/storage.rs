//! References as bytes: safetensors, with their description as JSON in its header.
//!
//! `i.j.keys` [M, K] are the timbre keys of piece j of clip i, `i.j.k.codes`, `.symbols` and `.units` its prompt k, the
//! latter two only where the text is known. `i.j.spectrum` [2, bands + 1] is the long-term spectrum of piece j, voiced and
//! unvoiced, with the number of its frames at the end of each row, `i.j.resynthesis` what the networks make of it, recorded
//! and spoken (`Resynthesis::tensor`); files of earlier versions have neither.

use std::collections::HashMap;

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use syrinx_models::Checkpoint;
use syrinx_models::megatts2::Prompt;

use super::encoding::{Melody, Piece, Reference};
use super::resynthesis::Resynthesis;
use super::spectrum::Spectrum;
use crate::{Error, Result};

/// Where the header has the description of the references.
const CLIPS: &str = "clips";

/// A reference without its tensors.
#[derive(Serialize, Deserialize)]
struct Outline {
    name: String,
    warnings: Vec<String>,
    /// Seconds, melody and number of prompts of each piece.
    pieces: Vec<(f64, Melody, usize)>,
}

/// The bytes of a file that holds `references`, `tensors` of other names than theirs and the texts of `header`.
///
/// # Errors
/// [`Error::Compute`] only.
pub(crate) fn write(
    references: &[Reference],
    mut tensors: Vec<(String, Tensor)>,
    header: &[(&str, String)],
) -> Result<Vec<u8>> {
    let mut outlines = Vec::new();
    for (i, reference) in references.iter().enumerate() {
        for (j, piece) in reference.pieces.iter().enumerate() {
            tensors.push((format!("{i}.{j}.keys"), piece.keys.to_device(&Device::Cpu)?));
            if let Some(spectrum) = &piece.spectrum {
                tensors.push((format!("{i}.{j}.spectrum"), spectrum.tensor()?));
            }
            if let Some(resynthesis) = &piece.resynthesis {
                tensors.push((format!("{i}.{j}.resynthesis"), resynthesis.tensor()?));
            }
            for (k, prompt) in piece.prompts.iter().enumerate() {
                let parts = [
                    ("codes", &prompt.codes),
                    ("symbols", &prompt.ids),
                    ("units", &prompt.units),
                ];
                for (part, numbers) in parts.iter().filter(|(_, numbers)| !numbers.is_empty()) {
                    let numbers = Tensor::new(numbers.as_slice(), &Device::Cpu)?;
                    tensors.push((format!("{i}.{j}.{k}.{part}"), numbers));
                }
            }
        }
        let pieces = reference.pieces.iter();
        outlines.push(Outline {
            name: reference.name.clone(),
            warnings: reference.warnings.clone(),
            pieces: pieces
                .map(|piece| (piece.seconds, piece.melody, piece.prompts.len()))
                .collect(),
        });
    }
    let mut texts: HashMap<String, String> = header
        .iter()
        .map(|(key, text)| ((*key).to_owned(), text.clone()))
        .collect();
    let outlines = serde_json::to_string(&outlines);
    texts.insert(CLIPS.into(), outlines.map_err(|e| failed(&e))?);
    safetensors::serialize(tensors, Some(texts)).map_err(|e| failed(&e))
}

/// The references of a file.
///
/// # Errors
/// [`Error::Weights`] or [`Error::Config`] if it is no such file.
pub(crate) fn read(file: &Checkpoint) -> Result<Vec<Reference>> {
    let outlines = file
        .metadata(CLIPS)
        .and_then(|text| serde_json::from_str(text).ok());
    let Some(outlines): Option<Vec<Outline>> = outlines else {
        return Err(Error::Config(format!(
            "{}: this is not a voice made from clips",
            file.path().display()
        )));
    };
    let numbers = |name: String| match file.contains(&name) {
        true => file.integers(&name),
        false => Ok(Vec::new()),
    };
    let mut references = Vec::with_capacity(outlines.len());
    for (i, outline) in outlines.into_iter().enumerate() {
        let mut pieces = Vec::with_capacity(outline.pieces.len());
        for (j, (seconds, melody, prompts)) in outline.pieces.into_iter().enumerate() {
            let prompt = |k: usize| {
                Ok(Prompt {
                    ids: numbers(format!("{i}.{j}.{k}.symbols"))?,
                    units: numbers(format!("{i}.{j}.{k}.units"))?,
                    codes: file.integers(&format!("{i}.{j}.{k}.codes"))?,
                })
            };
            pieces.push(Piece {
                keys: file.tensor(&format!("{i}.{j}.keys"), &Device::Cpu)?,
                prompts: (0..prompts).map(prompt).collect::<Result<_>>()?,
                seconds,
                melody,
                spectrum: kept(file, &format!("{i}.{j}.spectrum"), Spectrum::read)?,
                resynthesis: kept(file, &format!("{i}.{j}.resynthesis"), Resynthesis::read)?,
            });
        }
        references.push(Reference {
            name: outline.name,
            pieces,
            warnings: outline.warnings,
        });
    }
    Ok(references)
}

/// What a tensor says, if the file has it.
fn kept<T>(file: &Checkpoint, name: &str, read: fn(&Tensor) -> Option<T>) -> Result<Option<T>> {
    match file.contains(name) {
        true => Ok(read(&file.tensor(name, &Device::Cpu)?)),
        false => Ok(None),
    }
}

fn failed(error: &dyn std::fmt::Display) -> Error {
    Error::Config(format!("the voice cannot be stored: {error}; report this"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spectrum() -> Spectrum {
        let mel = Tensor::new(&[[-4.0f32, -5.0], [-3.0, -2.0]], &Device::Cpu).unwrap();
        Spectrum::of(&mel, &[100.0, 0.0]).unwrap()
    }

    /// 130 frames of a hum, a little louder in a band as recorded.
    fn resynthesis() -> Resynthesis {
        let level = |more: f32| {
            let at = |i: usize| {
                if i / 130 == 3 {
                    -4.0 + more + 0.3 * (i as f32).sin()
                } else {
                    -5.0
                }
            };
            Tensor::from_vec(
                (0..20 * 130).map(at).collect::<Vec<f32>>(),
                (20, 130),
                &Device::Cpu,
            )
            .unwrap()
        };
        let f0_hz = [100.0; 130];
        Resynthesis::of((&level(0.5), &f0_hz), (&level(0.0), &f0_hz)).unwrap()
    }

    fn reference() -> Reference {
        let keys = Tensor::new(&[[0.5f32, -1.0], [2.0, 3.0]], &Device::Cpu).unwrap();
        let known = Prompt {
            ids: vec![0, 50, 0],
            units: vec![1, 4, 2],
            codes: vec![7, 3],
        };
        let unknown = Prompt {
            ids: vec![],
            units: vec![],
            codes: vec![9],
        };
        let piece = |prompts| Piece {
            keys: keys.clone(),
            prompts,
            seconds: 1.25,
            melody: Melody::default(),
            spectrum: Some(spectrum()),
            resynthesis: Some(resynthesis()),
        };
        Reference {
            name: "a.wav".into(),
            pieces: vec![piece(vec![known]), piece(vec![unknown])],
            warnings: vec!["noisy".into()],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = write(
            &[reference(), reference()],
            vec![(
                "colour".into(),
                Tensor::new(&[0.5f32], &Device::Cpu).unwrap(),
            )],
            &[("voice", "{}".into())],
        )
        .unwrap();
        let file = Checkpoint::from_bytes("x", bytes.clone()).unwrap();
        assert_eq!(file.metadata("voice"), Some("{}"));
        assert!(file.contains("colour"));
        let references = read(&file).unwrap();
        assert_eq!(references.len(), 2);
        for (read, written) in references[1].pieces.iter().zip(&reference().pieces) {
            assert_eq!((&read.prompts, read.seconds), (&written.prompts, 1.25));
            let values = |keys: &Tensor| keys.to_vec2::<f32>().unwrap();
            assert_eq!(values(&read.keys), values(&written.keys));
            assert_eq!(read.spectrum, Some(spectrum()));
            assert_eq!(read.resynthesis, Some(resynthesis()));
        }
        assert_eq!(references[0].warnings, ["noisy"]);
        let cut = Checkpoint::from_bytes("x", bytes[..bytes.len() - 4].to_vec());
        assert!(cut.is_err());
    }

    #[test]
    fn files_of_earlier_versions_have_no_spectra() {
        let mut earlier = reference();
        for piece in &mut earlier.pieces {
            (piece.spectrum, piece.resynthesis) = (None, None);
        }
        let bytes = write(&[earlier], Vec::new(), &[]).unwrap();
        let read = read(&Checkpoint::from_bytes("x", bytes).unwrap()).unwrap();
        let none = |piece: &Piece| piece.spectrum.is_none() && piece.resynthesis.is_none();
        assert!(read[0].pieces.iter().all(none));
    }

    #[test]
    fn other_files_are_told_apart() {
        let bytes = safetensors::serialize(Vec::<(String, Tensor)>::new(), None).unwrap();
        let error = read(&Checkpoint::from_bytes("x", bytes).unwrap());
        assert!(error.err().unwrap().to_string().contains("not a voice"));
    }
}
