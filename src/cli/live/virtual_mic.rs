//! A microphone for other programs, on PulseAudio or PipeWire.

use std::process::{Command, Stdio};

use crate::cli::Failure;

/// What its modules are called.
const SINK: &str = "syrinx_live";
const SOURCE: &str = "syrinx_mic";

/// A sink that we play into and a source that others listen to; removed when dropped.
pub struct VirtualMic {
    modules: Vec<String>,
}

impl VirtualMic {
    /// Makes it, and removes what a session that crashed left behind.
    pub fn create() -> Result<Self, Failure> {
        for module in stale(&pactl(&["list", "short", "modules"])?) {
            pactl(&["unload-module", &module])?;
        }
        let mut mic = Self {
            modules: Vec::new(),
        };
        let sink = format!("sink_name={SINK}");
        let described = "sink_properties=device.description=Syrinx-Output";
        mic.load(&["module-null-sink", &sink, "rate=48000", described])?;
        let master = format!("master={SINK}.monitor");
        let source = format!("source_name={SOURCE}");
        let described = "source_properties=device.description=Syrinx";
        mic.load(&["module-remap-source", &master, &source, described])?;
        Ok(mic)
    }

    /// Leads what this process plays into it.
    pub fn adopt(&self) -> Result<(), Failure> {
        let inputs = pactl(&["list", "sink-inputs"])?;
        for input in ours(&inputs, std::process::id()) {
            pactl(&["move-sink-input", &input, SINK])?;
        }
        Ok(())
    }

    fn load(&mut self, module: &[&str]) -> Result<(), Failure> {
        let number = pactl(&[&["load-module"], module].concat())?;
        self.modules.push(number.trim().to_owned());
        Ok(())
    }
}

impl Drop for VirtualMic {
    fn drop(&mut self) {
        for module in self.modules.iter().rev() {
            // A server that has ended has no modules either.
            let _ = pactl(&["unload-module", module]);
        }
    }
}

/// Numbers of the modules in the list of `pactl` that are ours, the last first.
fn stale(list: &str) -> Vec<String> {
    let ours = |line: &&str| {
        line.contains(&format!("sink_name={SINK} "))
            || line.contains(&format!("source_name={SOURCE} "))
    };
    let number = |line: &str| line.split_whitespace().next().map(str::to_owned);
    list.lines().filter(ours).filter_map(number).rev().collect()
}

/// Numbers of the streams in the list of `pactl` that the process plays.
fn ours(list: &str, process: u32) -> Vec<String> {
    let process = format!("application.process.id = \"{process}\"");
    let streams = list.split("Sink Input #").skip(1);
    let streams = streams.filter(|stream| stream.contains(&process));
    let number = |stream: &str| stream.split_whitespace().next().map(str::to_owned);
    streams.filter_map(number).collect()
}

fn pactl(args: &[&str]) -> Result<String, Failure> {
    let run = Command::new("pactl")
        .args(args)
        .stdin(Stdio::null())
        .output();
    let output = run.map_err(|error| {
        Failure::failed(format!(
            "pactl: {error}; --virtual-mic needs PulseAudio or PipeWire and the package pulseaudio-utils"
        ))
    })?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(Failure::failed(format!(
            "pactl {}: {}; is PulseAudio or PipeWire running?",
            args.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_streams_are_led() {
        let list = "Sink Input #7\n\tapplication.process.id = \"12\"\n\
             Sink Input #8\n\tapplication.process.id = \"123\"\n";
        assert_eq!(ours(list, 12), ["7"]);
        assert_eq!(ours(list, 1), [""; 0]);
    }

    #[test]
    fn only_our_modules_are_stale() {
        let list = "1\tmodule-null-sink\tsink_name=other \t\n\
             23\tmodule-null-sink\tsink_name=syrinx_live rate=48000\t\n\
             24\tmodule-remap-source\tmaster=syrinx_live.monitor source_name=syrinx_mic x=y\t\n";
        assert_eq!(stale(list), ["24", "23"]);
    }
}
