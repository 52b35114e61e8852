//! The sound card, through cpal.

use std::sync::{Arc, Mutex, PoisonError};

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{ErrorKind, FromSample, SizedSample, SupportedStreamConfig};

use super::{Backend, Device, Stream, Tap};
use crate::audio::Spec;
use crate::{Error, Result};

/// The system's own audio devices: ALSA on Linux, WASAPI on Windows, Core Audio on macOS.
#[derive(Debug, Clone, Copy, Default)]
pub struct SoundCard;

impl Backend for SoundCard {
    fn devices(&self) -> Result<Vec<Device>> {
        quiet();
        let host = cpal::default_host();
        let default = host
            .default_output_device()
            .and_then(|device| device.id().ok());
        let devices = host
            .devices()
            .map_err(|error| explain("the audio system", &error))?;
        let mut list: Vec<Device> = devices
            .filter_map(|device| describe(&device, default.as_ref()))
            .filter(|device| device.output.is_some() || device.input.is_some())
            .collect();
        list.sort_by_key(|device| !device.default);
        Ok(list)
    }

    fn open(
        &self,
        name: Option<&str>,
        tap: &mut dyn FnMut(Spec) -> Tap,
    ) -> Result<Box<dyn Stream + Send>> {
        let opening = Opening::new(name, Direction::Output)?;
        let tap = tap(opening.spec());
        with_samples!(opening, T => opening.start::<T>(tap))
    }
}

/// A device about to be opened.
pub(crate) struct Opening {
    pub device: cpal::Device,
    pub label: String,
    pub supported: SupportedStreamConfig,
}

/// Evaluates `$call` with `$sample` as the type of the samples of an [`Opening`].
macro_rules! with_samples {
    ($opening:ident, $sample:ident => $call:expr) => {
        with_samples!($opening, $sample => $call; F32 f32, F64 f64, I8 i8, I16 i16, I24 cpal::I24, I32 i32, U8 u8, U16 u16, U32 u32)
    };
    ($opening:ident, $sample:ident => $call:expr; $($format:ident $type:ty),*) => {
        match $opening.supported.sample_format() {
            $(cpal::SampleFormat::$format => {
                type $sample = $type;
                $call
            })*
            other => Err($crate::Error::Device(format!(
                "{} has samples as {other}, which is not supported; choose another device",
                $opening.label
            ))),
        }
    };
}
pub(crate) use with_samples;

impl Opening {
    /// The device of that name, the default one without a name.
    ///
    /// # Errors
    /// [`Error::Device`] if there is none or it cannot be used.
    pub fn new(name: Option<&str>, direction: Direction) -> Result<Self> {
        quiet();
        let host = cpal::default_host();
        let default = || match direction {
            Direction::Input => host.default_input_device(),
            Direction::Output => host.default_output_device(),
        };
        let device = match name {
            Some(name) => find(name, direction)?,
            None => default().ok_or_else(|| no_device(direction))?,
        };
        let described = device.description();
        let label = described.map_or_else(|_| "the device".into(), |found| found.name().to_owned());
        let supported = match direction {
            Direction::Input => device.default_input_config(),
            Direction::Output => device.default_output_config(),
        };
        let refuses = [ErrorKind::DeviceBusy, ErrorKind::PermissionDenied];
        let supported = supported.map_err(|error| match name {
            // ALSA always has a default device in name; only asking it tells whether there is one.
            None if !refuses.contains(&error.kind()) => no_device(direction),
            _ => explain(&label, &error),
        })?;
        Ok(Self {
            device,
            label,
            supported,
        })
    }

    /// Its rate and number of channels.
    pub fn spec(&self) -> Spec {
        Spec {
            rate_hz: self.supported.sample_rate(),
            channels: usize::from(self.supported.channels()),
        }
    }

    fn start<T: SizedSample + FromSample<f32>>(
        self,
        mut tap: Tap,
    ) -> Result<Box<dyn Stream + Send>> {
        let fault = Arc::new(Mutex::new(None));
        let report = Arc::clone(&fault);
        let stream = self
            .device
            .build_output_stream(
                self.supported.into(),
                move |buffer: &mut [T], _: &cpal::OutputCallbackInfo| {
                    tap.fill(buffer, |level| T::from_sample_(level.clamp(-1.0, 1.0)));
                },
                move |error: cpal::Error| {
                    let passing = [
                        ErrorKind::Xrun,
                        ErrorKind::DeviceChanged,
                        ErrorKind::RealtimeDenied,
                    ];
                    if !passing.contains(&error.kind()) {
                        let mut fault = report.lock().unwrap_or_else(PoisonError::into_inner);
                        fault.get_or_insert(error.to_string());
                    }
                },
                None,
            )
            .map_err(|error| explain(&self.label, &error))?;
        Ok(Box::new(Open {
            stream,
            label: self.label,
            fault,
        }))
    }
}

/// An open device.
struct Open {
    stream: cpal::Stream,
    label: String,
    /// Written by the error callback, which is not the one that plays.
    fault: Arc<Mutex<Option<String>>>,
}

impl Stream for Open {
    fn play(&self) -> Result<()> {
        self.stream
            .play()
            .map_err(|error| explain(&self.label, &error))
    }

    fn pause(&self) -> Result<()> {
        self.stream
            .pause()
            .map_err(|error| explain(&self.label, &error))
    }

    fn fault(&self) -> Option<String> {
        self.fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn name(&self) -> String {
        self.label.clone()
    }
}

/// Whether sound comes or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Input,
    Output,
}

impl Direction {
    fn word(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
        }
    }
}

/// The device of that name or identifier, or the only one whose name contains it.
fn find(wanted: &str, direction: Direction) -> Result<cpal::Device> {
    let host = cpal::default_host();
    let unavailable = |error: cpal::Error| explain("the audio system", &error);
    let devices: Vec<cpal::Device> = match direction {
        Direction::Input => host.input_devices().map_err(unavailable)?.collect(),
        Direction::Output => host.output_devices().map_err(unavailable)?.collect(),
    };
    let name = |device: &cpal::Device| {
        device
            .description()
            .map_or_else(|_| String::new(), |found| found.name().to_owned())
    };
    let id = |device: &cpal::Device| {
        device
            .id()
            .map_or_else(|_| String::new(), |id| id.to_string())
    };
    let plain_id = |device: &cpal::Device| {
        id(device)
            .split_once(':')
            .map_or_else(String::new, |(_, id)| id.to_owned())
    };
    let exact = |device: &cpal::Device| {
        name(device) == wanted || id(device) == wanted || plain_id(device) == wanted
    };
    if let Some(device) = devices.iter().find(|device| exact(device)) {
        return Ok(device.clone());
    }
    let lower = wanted.to_lowercase();
    let mut like = devices
        .iter()
        .filter(|device| name(device).to_lowercase().contains(&lower));
    match (like.next(), like.next()) {
        (Some(only), None) => Ok(only.clone()),
        (Some(one), Some(another)) => Err(Error::Device(format!(
            "{wanted:?} could be {:?} or {:?}; write more of the name",
            name(one),
            name(another)
        ))),
        _ if devices.is_empty() => Err(no_device(direction)),
        _ => {
            let names: Vec<String> = devices.iter().map(name).collect();
            Err(Error::Device(format!(
                "there is no {} device {wanted:?}; there are: {}",
                direction.word(),
                names.join(", ")
            )))
        }
    }
}

fn describe(device: &cpal::Device, default: Option<&cpal::DeviceId>) -> Option<Device> {
    let id = device.id().ok()?;
    let spec = |config: cpal::SupportedStreamConfig| Spec {
        rate_hz: config.sample_rate(),
        channels: usize::from(config.channels()),
    };
    Some(Device {
        name: device.description().ok()?.name().to_owned(),
        default: default == Some(&id),
        id: id.to_string(),
        output: device.default_output_config().ok().map(spec),
        input: device.default_input_config().ok().map(spec),
    })
}

fn no_device(direction: Direction) -> Error {
    Error::Device(match direction {
        Direction::Input => {
            "there is no microphone: connect one, or convert a file with `--from FILE`".into()
        }
        Direction::Output => {
            "there is no sound card to play on; write to a file with `-o FILE` or pipe with `-o -`, with `live` by `--from FILE --record FILE`"
                .into()
        }
    })
}

/// What cpal's kinds of errors mean to a user.
pub(crate) fn explain(label: &str, error: &cpal::Error) -> Error {
    let advice = match error.kind() {
        ErrorKind::DeviceBusy => {
            "another program is using it: close that, or choose another device"
        }
        ErrorKind::PermissionDenied => {
            "permission denied: on Linux add yourself to the group `audio`, elsewhere allow it in the privacy settings"
        }
        ErrorKind::HostUnavailable => {
            "no audio service is running: start it, or write to a file with `-o`"
        }
        ErrorKind::DeviceNotAvailable => "it is not there: connect it, or choose another device",
        ErrorKind::UnsupportedConfig | ErrorKind::UnsupportedOperation => {
            "it cannot play this way: choose another device"
        }
        _ => "choose another device, or write to a file with `-o`",
    };
    Error::Device(format!("{label}: {error}; {advice}"))
}

/// Keeps ALSA from writing its own complaints to standard error from this thread; what matters of
/// them comes back as errors.
fn quiet() {
    #[cfg(target_os = "linux")]
    {
        // Without the handler there is only noise.
        let _handler = alsa::Output::local_error_handler();
    }
}
