//! `syrinx devices`.

use super::Failure;

/// List the sound cards, with their rates
#[derive(Debug, clap::Args)]
pub struct Args {
    /// As a JSON array
    #[arg(long)]
    json: bool,
}

#[cfg(feature = "playback")]
pub fn run(args: &Args) -> Result<(), Failure> {
    use super::console;
    use serde_json::json;
    use syrinx::audio::Spec;
    use syrinx::audio::playback::{Backend, SoundCard};

    let devices = SoundCard.devices()?;
    if args.json {
        let spec = |spec: Option<Spec>| {
            spec.map(|spec| json!({"rate_hz": spec.rate_hz, "channels": spec.channels}))
        };
        let list = devices.iter().map(|device| {
            json!({
                "name": device.name,
                "id": device.id,
                "default": device.default,
                "input": spec(device.input),
                "output": spec(device.output),
            })
        });
        return console::print(serde_json::Value::from(list.collect::<Vec<_>>()));
    }
    if devices.is_empty() {
        console::note("there is no sound card");
    }
    for device in &devices {
        let way = |word: &str, spec: Option<Spec>| {
            spec.map(|spec| format!("{word} {} Hz × {}", spec.rate_hz, spec.channels))
        };
        let ways = [way("in", device.input), way("out", device.output)];
        let ways: Vec<String> = ways.into_iter().flatten().collect();
        let default = if device.default { " (default)" } else { "" };
        console::print(format_args!(
            "{}{default}  {}  [{}]",
            device.name,
            ways.join(", "),
            device.id
        ))?;
    }
    Ok(())
}

#[cfg(not(feature = "playback"))]
pub fn run(_args: &Args) -> Result<(), Failure> {
    Err(Failure::usage(
        "this build knows no sound cards; build it with the feature `playback`",
    ))
}
