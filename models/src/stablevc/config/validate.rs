//! What sizes a network can have.

use super::{Config, EncoderConfig, ModuleConfig};
use crate::stablevc::PhoneEncoder;
use crate::{Error, Result};

impl Config {
    /// # Errors
    /// [`Error::Config`] naming the first field that no network can be built from.
    pub fn validate(&self) -> Result<()> {
        let (content, style, frame, flow) = (&self.content, &self.style, &self.frame, &self.flow);
        size("bands", self.bands)?;
        require(self.symbols <= 1 << 16, || {
            format!("symbols = {}: give 65536 at most", self.symbols)
        })?;
        require((1..=16).contains(&self.frames_per_unit), || {
            format!("frames_per_unit = {}: give 1 to 16", self.frames_per_unit)
        })?;
        if let Some(encoder) = &content.encoder {
            self.validate_encoder(encoder)?;
        }
        size("content.features", content.features)?;
        size("content.clusters", content.clusters)?;
        if let Some(shape) = &self.shape {
            size("shape.features", shape.features)?;
            require((1..=self.bands).contains(&shape.bands), || {
                format!("shape.bands = {}: give 1 to {}", shape.bands, self.bands)
            })?;
            require(self.conditions, || {
                "shape: a model without conditions has none".into()
            })?;
        }
        size("key_channels", self.key_channels)?;
        size("speaker.channels", self.speaker.channels.unwrap_or(1))?;
        size("speaker.features", self.speaker.features)?;
        size("style.codes", style.codes.unwrap_or(1))?;
        size("style.code_channels", style.code_channels)?;
        size("style.code_frames", style.code_frames)?;
        size("style.channels", style.channels)?;
        size("style.hidden", style.hidden)?;
        size("style.pool", style.pool)?;
        kernel("style.kernel", style.kernel)?;
        require(style.kernel % 2 == 1, || {
            format!("style.kernel = {}: give an odd width", style.kernel)
        })?;
        depth("style.blocks", style.blocks)?;
        stack("module", &self.module)?;
        size("frame.hidden", frame.hidden)?;
        kernel("frame.kernel", frame.kernel)?;
        depth("frame.blocks", frame.blocks)?;
        stack("flow", &flow.stack())?;
        size("flow.time", flow.time)?;
        require(flow.time % 2 == 0, || {
            format!("flow.time = {}: give an even width", flow.time)
        })
    }

    fn validate_encoder(&self, encoder: &EncoderConfig) -> Result<()> {
        size("content.channels", encoder.channels)?;
        size("content.hidden", encoder.hidden)?;
        kernel("content.kernel", encoder.kernel)?;
        let Some(widest) = encoder.ahead.last() else {
            return Err(Error::Config(
                "content.ahead: give one look-ahead at least, as a list with a number for each block".into(),
            ));
        };
        depth("content.ahead", widest.len())?;
        let grows = |pair: &[Vec<usize>]| {
            pair[0].len() == pair[1].len() && pair[0].iter().zip(&pair[1]).all(|(a, b)| a <= b)
        };
        require(encoder.ahead.windows(2).all(grows), || {
            "content.ahead: give lists of one length, each with no number smaller than in the list before it".into()
        })?;
        let too_far = widest.iter().find(|&&a| a >= encoder.kernel);
        require(too_far.is_none(), || {
            format!(
                "content.ahead: a kernel of {} sees fewer than {} units ahead",
                encoder.kernel,
                too_far.copied().unwrap_or_default()
            )
        })?;
        let rate = PhoneEncoder::FRAMES_PER_UNIT;
        require(self.frames_per_unit == rate, || {
            format!(
                "frames_per_unit = {}: the content encoder makes a unit of {rate}",
                self.frames_per_unit
            )
        })
    }
}

fn stack(name: &str, stack: &ModuleConfig) -> Result<()> {
    let (channels, heads) = (stack.channels, stack.heads);
    size(&format!("{name}.channels"), channels)?;
    require(
        (1..=256).contains(&heads) && channels.is_multiple_of(2 * heads),
        || format!("{name}.heads = {heads}: {channels} channels do not make heads of even width"),
    )?;
    size(&format!("{name}.hidden"), stack.hidden)?;
    kernel(&format!("{name}.kernel"), stack.kernel)?;
    depth(&format!("{name}.blocks"), stack.blocks)
}

fn size(name: &str, size: usize) -> Result<()> {
    require((1..=1 << 16).contains(&size), || {
        format!("{name} = {size}: give 1 to 65536")
    })
}

fn kernel(name: &str, kernel: usize) -> Result<()> {
    require((1..=255).contains(&kernel), || {
        format!("{name} = {kernel}: give a width from 1 to 255")
    })
}

fn depth(name: &str, blocks: usize) -> Result<()> {
    require(blocks <= 256, || {
        format!("{name}: {blocks} blocks: give 256 at most")
    })
}

fn require(holds: bool, message: impl FnOnce() -> String) -> Result<()> {
    if holds {
        Ok(())
    } else {
        Err(Error::Config(message()))
    }
}
