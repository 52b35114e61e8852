//! The system's own devices, through cpal.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{
    BufferSize, ErrorKind, FromSample, SampleFormat, SizedSample, StreamConfig,
    SupportedBufferSize, SupportedStreamConfig,
};

use super::hardware::{Hardware, Line};
use super::port::{Mic, Speaker};
use crate::audio::Spec;
use crate::audio::playback::{Direction, SoundCard, explain, find, no_device, quiet};
use crate::{Error, Result};

/// What the error callback of a device, which is not the one that carries sound, has told.
#[derive(Default)]
struct Told {
    fault: Mutex<Option<String>>,
    xruns: AtomicU64,
}

impl Hardware for SoundCard {
    fn open_mic(
        &self,
        name: Option<&str>,
        call: Duration,
        connect: &mut dyn FnMut(Spec) -> Mic,
    ) -> Result<Box<dyn Line>> {
        let device = Opening::new(name, call, Direction::Input)?;
        match device.format() {
            SampleFormat::F32 => device.listen::<f32>(connect),
            SampleFormat::F64 => device.listen::<f64>(connect),
            SampleFormat::I8 => device.listen::<i8>(connect),
            SampleFormat::I16 => device.listen::<i16>(connect),
            SampleFormat::I24 => device.listen::<cpal::I24>(connect),
            SampleFormat::I32 => device.listen::<i32>(connect),
            SampleFormat::U8 => device.listen::<u8>(connect),
            SampleFormat::U16 => device.listen::<u16>(connect),
            SampleFormat::U32 => device.listen::<u32>(connect),
            other => Err(device.unsupported(other)),
        }
    }

    fn open_speaker(
        &self,
        name: Option<&str>,
        call: Duration,
        connect: &mut dyn FnMut(Spec) -> Speaker,
    ) -> Result<Box<dyn Line>> {
        let device = Opening::new(name, call, Direction::Output)?;
        match device.format() {
            SampleFormat::F32 => device.play::<f32>(connect),
            SampleFormat::F64 => device.play::<f64>(connect),
            SampleFormat::I8 => device.play::<i8>(connect),
            SampleFormat::I16 => device.play::<i16>(connect),
            SampleFormat::I24 => device.play::<cpal::I24>(connect),
            SampleFormat::I32 => device.play::<i32>(connect),
            SampleFormat::U8 => device.play::<u8>(connect),
            SampleFormat::U16 => device.play::<u16>(connect),
            SampleFormat::U32 => device.play::<u32>(connect),
            other => Err(device.unsupported(other)),
        }
    }
}

/// A device about to be opened.
struct Opening {
    device: cpal::Device,
    label: String,
    supported: SupportedStreamConfig,
    /// How often it is asked to call back; if it will have none of it, it chooses.
    call: Duration,
}

impl Opening {
    fn new(name: Option<&str>, call: Duration, direction: Direction) -> Result<Self> {
        quiet();
        let host = cpal::default_host();
        let device = match (name, direction) {
            (Some(name), _) => find(name, direction)?,
            (None, Direction::Input) => host
                .default_input_device()
                .ok_or_else(|| no_device(direction))?,
            (None, Direction::Output) => host
                .default_output_device()
                .ok_or_else(|| no_device(direction))?,
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
            call,
        })
    }

    fn format(&self) -> SampleFormat {
        self.supported.sample_format()
    }

    fn spec(&self) -> Spec {
        Spec {
            rate_hz: self.supported.sample_rate(),
            channels: usize::from(self.supported.channels()),
        }
    }

    /// How it may be opened, the best first.
    fn configs(&self) -> Vec<StreamConfig> {
        let frames = self.call.as_secs_f64() * f64::from(self.supported.sample_rate());
        let config = |buffer_size| StreamConfig {
            buffer_size,
            ..self.supported.into()
        };
        let fits = |frames: &u32| match *self.supported.buffer_size() {
            SupportedBufferSize::Range { min, max } => (min..=max).contains(frames),
            SupportedBufferSize::Unknown => true,
        };
        let asked = Some(frames as u32).filter(fits);
        let asked = asked.map(|frames| config(BufferSize::Fixed(frames)));
        let mut configs: Vec<StreamConfig> = asked.into_iter().collect();
        configs.push(config(BufferSize::Default));
        configs
    }

    fn listen<T>(self, connect: &mut dyn FnMut(Spec) -> Mic) -> Result<Box<dyn Line>>
    where
        T: SizedSample,
        f32: FromSample<T>,
    {
        self.open(|device, config, told| {
            let mut mic = connect(self.spec());
            device.build_input_stream(
                config,
                move |buffer: &[T], info: &cpal::InputCallbackInfo| {
                    let at = info.timestamp();
                    let delay = at.callback.duration_since(at.capture);
                    mic.hear(buffer, Some(delay), |sample| f32::from_sample_(sample));
                },
                report(told),
                None,
            )
        })
    }

    fn play<T>(self, connect: &mut dyn FnMut(Spec) -> Speaker) -> Result<Box<dyn Line>>
    where
        T: SizedSample + FromSample<f32>,
    {
        self.open(|device, config, told| {
            let mut speaker = connect(self.spec());
            device.build_output_stream(
                config,
                move |buffer: &mut [T], info: &cpal::OutputCallbackInfo| {
                    let at = info.timestamp();
                    let delay = at.playback.duration_since(at.callback);
                    speaker.fill(buffer, Some(delay), |level| {
                        T::from_sample_(level.clamp(-1.0, 1.0))
                    });
                },
                report(told),
                None,
            )
        })
    }

    /// Opens and starts it in the first way that it accepts.
    fn open(
        &self,
        mut build: impl FnMut(
            &cpal::Device,
            StreamConfig,
            Arc<Told>,
        ) -> std::result::Result<cpal::Stream, cpal::Error>,
    ) -> Result<Box<dyn Line>> {
        let mut refused = None;
        for config in self.configs() {
            let told = Arc::new(Told::default());
            let stream = build(&self.device, config, Arc::clone(&told));
            match stream.and_then(|stream| stream.play().map(|()| stream)) {
                Ok(stream) => {
                    return Ok(Box::new(Open {
                        _stream: stream,
                        label: self.label.clone(),
                        told,
                    }));
                }
                Err(error) => refused = Some(error),
            }
        }
        Err(refused.map_or_else(
            || Error::Device(format!("{} cannot be opened", self.label)),
            |error| explain(&self.label, &error),
        ))
    }

    fn unsupported(&self, format: SampleFormat) -> Error {
        Error::Device(format!(
            "{} has samples as {format}, which is not supported; choose another device",
            self.label
        ))
    }
}

/// Keeps what ends a stream. Anything else passes, or the device calls back no more, which is noticed anyway.
fn report(told: Arc<Told>) -> impl FnMut(cpal::Error) + Send + 'static {
    move |error: cpal::Error| {
        let ends = [
            ErrorKind::DeviceNotAvailable,
            ErrorKind::HostUnavailable,
            ErrorKind::PermissionDenied,
            ErrorKind::StreamInvalidated,
        ];
        if error.kind() == ErrorKind::Xrun {
            told.xruns.fetch_add(1, Ordering::Relaxed);
        } else if ends.contains(&error.kind()) {
            let mut fault = told.fault.lock().unwrap_or_else(PoisonError::into_inner);
            fault.get_or_insert(error.to_string());
        }
    }
}

/// An open device.
struct Open {
    _stream: cpal::Stream,
    label: String,
    told: Arc<Told>,
}

impl Line for Open {
    fn name(&self) -> String {
        self.label.clone()
    }

    fn fault(&self) -> Option<String> {
        self.told
            .fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn xruns(&self) -> u64 {
        self.told.xruns.load(Ordering::Relaxed)
    }
}
