//! Flags of a conversion.

use std::ops::RangeInclusive;

use syrinx::{Accent, ConversionRequest, Engine, Grid, Solver, Voice};

use crate::cli::cast::Cast;
use crate::cli::{Failure, flags};

const PITCH: RangeInclusive<f32> = -24.0..=24.0;
const GUIDANCE: RangeInclusive<f32> = 0.0..=10.0;
const TEMPERATURE: RangeInclusive<f32> = 0.0..=2.0;

/// Who is to be heard, and how.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Voice")]
pub struct TargetFlags {
    /// Who is to be heard: a name (`syrinx voices` lists them), or a recording of anybody; repeat it for several
    /// recordings of one speaker
    #[arg(short, long, value_name = "NAME|CLIP", required = true)]
    pub voice: Vec<String>,

    /// In whose style, that is how it is stressed and how far the melody moves: a name or recordings as for --voice
    /// [default: that of the source]
    #[arg(long, value_name = "NAME|CLIP")]
    pub style: Vec<String>,

    /// What is said in the clip of --style, or @FILE that holds it; once for each clip
    #[arg(long, value_name = "TEXT|@FILE", requires = "style")]
    pub style_text: Vec<String>,

    /// The English of a --style whose text is given: american or british [default: american]
    #[arg(long, value_name = "ACCENT", value_parser = flags::accent, requires = "style_text")]
    pub accent: Option<Accent>,

    /// Pitch in semitones on top, -24 to 24
    #[arg(short, long, value_name = "ST", value_parser = pitch, allow_negative_numbers = true)]
    pub pitch: Option<f32>,

    /// Leave the pitch of the source where it is, instead of moving it to the register of the voice
    #[arg(long)]
    pub keep_pitch: bool,

    /// Every sound as long as in the source; the output has as many samples [default]
    #[arg(long, conflicts_with = "retime")]
    pub keep_timing: bool,

    /// Sounds as long as the voice and the style make them; the output has another length
    #[arg(long)]
    pub retime: bool,
}

/// How the network computes.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Network")]
pub struct NetworkFlags {
    /// Steps of the solver, 1 to 100: more are slower and finer
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub steps: Option<u16>,

    /// How a step is made: euler, or midpoint, which takes twice as long
    #[arg(long, value_name = "NAME", value_parser = solver)]
    pub solver: Option<Solver>,

    /// How the steps are spaced: uniform, cosine, sway or sway=S (-1 to 1.75)
    #[arg(long, value_name = "NAME", value_parser = grid)]
    pub grid: Option<Grid>,

    /// How far to exaggerate what voice and style change, 0 to 10; above 0 it takes twice as long
    #[arg(long, value_name = "G", value_parser = guidance, allow_negative_numbers = true)]
    pub guidance: Option<f32>,

    /// How far the noise it draws strays, 0 to 2
    #[arg(long, value_name = "T", value_parser = temperature, allow_negative_numbers = true)]
    pub temperature: Option<f32>,

    /// The same seed converts the same source the same way [default: 0]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

impl TargetFlags {
    /// The voice and the style asked for.
    pub fn cast(&self, cast: &Cast) -> Result<(Voice, Option<Voice>), Failure> {
        let voice = cast.chosen("--voice", &self.voice, &[], None)?;
        if self.style.is_empty() {
            return Ok((voice, None));
        }
        let style = cast.chosen("--style", &self.style, &self.style_text, self.accent)?;
        Ok((voice, Some(style)))
    }
}

/// A request with these settings; what is not set stays as the engine has it.
pub fn request(
    engine: &Engine,
    (voice, style): (&Voice, Option<&Voice>),
    target: &TargetFlags,
    network: &NetworkFlags,
) -> Result<ConversionRequest, Failure> {
    let mut request = engine
        .conversion(voice)?
        .keep_pitch(target.keep_pitch)
        .retime(target.retime);
    if let Some(style) = style {
        request = request.style(style);
    }
    if let Some(pitch) = target.pitch {
        request = request.pitch(pitch);
    }
    if let Some(steps) = network.steps {
        request = request.steps(steps.into());
    }
    if let Some(solver) = network.solver {
        request = request.solver(solver);
    }
    if let Some(grid) = network.grid {
        request = request.grid(grid);
    }
    if let Some(guidance) = network.guidance {
        request = request.guidance(guidance);
    }
    if let Some(temperature) = network.temperature {
        request = request.temperature(temperature);
    }
    if let Some(seed) = network.seed {
        request = request.seed(seed);
    }
    Ok(request)
}

fn pitch(text: &str) -> Result<f32, String> {
    flags::number(
        text,
        PITCH,
        "semitones; 12 is an octave up, -12 an octave down",
    )
}

fn guidance(text: &str) -> Result<f32, String> {
    flags::number(text, GUIDANCE, "0 is none")
}

fn temperature(text: &str) -> Result<f32, String> {
    flags::number(
        text,
        TEMPERATURE,
        "0 is the mean of what is likely, 1 as trained",
    )
}

fn solver(text: &str) -> Result<Solver, String> {
    match text {
        "euler" => Ok(Solver::Euler),
        "midpoint" => Ok(Solver::Midpoint),
        _ => Err("give euler or midpoint".into()),
    }
}

/// Half way from equal steps to those of the cosine.
const SWAY: f64 = -0.5;

fn grid(text: &str) -> Result<Grid, String> {
    let sway = |text: &str| {
        text.parse()
            .ok()
            .filter(|sway| (-1.0..=1.75).contains(sway))
    };
    match text {
        "uniform" => Ok(Grid::Uniform),
        "cosine" => Ok(Grid::Cosine),
        "sway" => Ok(Grid::Sway(SWAY)),
        other => other
            .strip_prefix("sway=")
            .and_then(sway)
            .map(Grid::Sway)
            .ok_or_else(|| "give uniform, cosine, sway or sway=S with S from -1 to 1.75".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_are_read_by_name() {
        assert_eq!(grid("cosine"), Ok(Grid::Cosine));
        assert_eq!(grid("sway"), Ok(Grid::Sway(-0.5)));
        assert_eq!(grid("sway=0.25"), Ok(Grid::Sway(0.25)));
        for text in ["", "sway=", "sway=2", "sway=NaN", "linear"] {
            assert!(grid(text).is_err(), "{text}");
        }
    }
}
