//! The system's own devices, through cpal.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{BufferSize, ErrorKind, FromSample, SizedSample, StreamConfig, SupportedBufferSize};

use super::hardware::{Hardware, Line};
use super::port::{Mic, Speaker};
use crate::audio::Spec;
use crate::audio::playback::{Direction, Opening, SoundCard, explain, with_samples};
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
        let opening = Opening::new(name, Direction::Input)?;
        with_samples!(opening, T => Called { opening, call }.listen::<T>(connect))
    }

    fn open_speaker(
        &self,
        name: Option<&str>,
        call: Duration,
        connect: &mut dyn FnMut(Spec) -> Speaker,
    ) -> Result<Box<dyn Line>> {
        let opening = Opening::new(name, Direction::Output)?;
        with_samples!(opening, T => Called { opening, call }.play::<T>(connect))
    }
}

/// A device about to be opened.
struct Called {
    opening: Opening,
    /// How often it is asked to call back; if it will have none of it, it chooses.
    call: Duration,
}

impl Called {
    /// How it may be opened, the best first.
    fn configs(&self) -> Vec<StreamConfig> {
        let supported = self.opening.supported;
        let frames = self.call.as_secs_f64() * f64::from(supported.sample_rate());
        let config = |buffer_size| StreamConfig {
            buffer_size,
            ..supported.into()
        };
        let fits = |frames: &u32| match *supported.buffer_size() {
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
            let mut mic = connect(self.opening.spec());
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
            let mut speaker = connect(self.opening.spec());
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
            let stream = build(&self.opening.device, config, Arc::clone(&told));
            match stream.and_then(|stream| stream.play().map(|()| stream)) {
                Ok(stream) => {
                    return Ok(Box::new(Open {
                        _stream: stream,
                        label: self.opening.label.clone(),
                        told,
                    }));
                }
                Err(error) => refused = Some(error),
            }
        }
        Err(refused.map_or_else(
            || Error::Device(format!("{} cannot be opened", self.opening.label)),
            |error| explain(&self.opening.label, &error),
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
