//! Where the networks compute.

use std::fmt;
use std::str::FromStr;

use candle_core::Device;

use crate::{Error, Result};

/// Where the networks compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DeviceChoice {
    /// The fastest for the model: the CPU for the starter models, which are too small to gain from a GPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// A CUDA device by its number; needs the feature `cuda`.
    Cuda(usize),
    /// The Metal device; needs the feature `metal`.
    Metal,
}

impl DeviceChoice {
    /// The device itself.
    ///
    /// # Errors
    /// [`Error::Device`] if it is not there, or this build cannot use it.
    pub(crate) fn open(self) -> Result<Device> {
        let unusable = |feature: &str, error: candle_core::Error| {
            let text = error.to_string();
            let reason = text.lines().next().unwrap_or_default();
            Error::Device(format!(
                "the device {self} cannot be used: {reason}; it needs a build with the feature `{feature}` \
                 and its driver; `cpu` works everywhere"
            ))
        };
        match self {
            Self::Auto | Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(index) => Device::new_cuda(index).map_err(|error| unusable("cuda", error)),
            Self::Metal => Device::new_metal(0).map_err(|error| unusable("metal", error)),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
            Self::Metal => f.write_str("metal"),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = Error;

    /// Reads `auto`, `cpu`, `cuda`, `cuda:1` or `metal`.
    fn from_str(text: &str) -> Result<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            "metal" => Ok(Self::Metal),
            other => other
                .strip_prefix("cuda:")
                .and_then(|index| index.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| {
                    Error::Config(format!(
                        "device {text:?}: give auto, cpu, cuda, cuda:N or metal"
                    ))
                }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_as_they_are_written() {
        for device in [
            DeviceChoice::Auto,
            DeviceChoice::Cpu,
            DeviceChoice::Cuda(3),
            DeviceChoice::Metal,
        ] {
            assert_eq!(device.to_string().parse::<DeviceChoice>().unwrap(), device);
        }
        assert!("cuda:x".parse::<DeviceChoice>().is_err());
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_device_this_build_cannot_use_is_an_error_that_says_so() {
        let error = DeviceChoice::Cuda(0).open().unwrap_err().to_string();
        assert!(
            error.contains("cuda:0") && error.contains("feature `cuda`"),
            "{error}"
        );
    }
}
