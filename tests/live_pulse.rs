//! `syrinx live` between a microphone and a loudspeaker of a PulseAudio server that the test starts: the whole way that
//! sound takes, without a sound card.
#![cfg(all(feature = "playback", target_os = "linux"))]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use syrinx::audio::{
    Audio, Decoder, OutputFormat, RawReader, SampleFormat, Spec, Writer, WriterOptions,
};

const RATE_HZ: u32 = 48_000;

/// A server with a sink `mouth`, whose monitor is the microphone, and a sink `ear`, which is the loudspeaker.
///
/// Without `norewinds` a null sink that nobody plays into sleeps up to two seconds ahead, and what comes then waits.
struct Server {
    folder: tempfile::TempDir,
    server: Child,
    _alone: MutexGuard<'static, ()>,
}

/// Delays are measured: one server at a time.
static ALONE: Mutex<()> = Mutex::new(());

impl Server {
    /// None where the packages are not there.
    fn start() -> Option<Self> {
        let there = |program: &str| {
            let mut run = Command::new(program);
            run.arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            run.status().is_ok()
        };
        let plugin = ["x86_64-linux-gnu", "aarch64-linux-gnu", "."]
            .iter()
            .any(|arch| {
                Path::new("/usr/lib")
                    .join(arch)
                    .join("alsa-lib/libasound_module_pcm_pulse.so")
                    .exists()
            });
        if !(there("pulseaudio") && there("pactl") && there("pacat") && plugin) {
            eprintln!("skipped: ./setup.sh --tests installs PulseAudio");
            return None;
        }
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        let server = in_(folder.path(), "pulseaudio")
            .args([
                "-n",
                "--daemonize=no",
                "--exit-idle-time=-1",
                "--realtime=no",
            ])
            .args(["-L", "module-native-protocol-unix"])
            .args([
                "-L",
                "module-null-sink sink_name=mouth rate=48000 channels=1 norewinds=1",
            ])
            .args([
                "-L",
                "module-null-sink sink_name=ear rate=48000 channels=1 norewinds=1",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self {
            folder,
            server,
            _alone: alone,
        };
        let began = Instant::now();
        while !server.pactl(&["info"]).0 {
            assert!(
                began.elapsed() < Duration::from_secs(10),
                "the server does not start"
            );
            thread::sleep(Duration::from_millis(50));
        }
        assert!(server.pactl(&["set-default-source", "mouth.monitor"]).0);
        assert!(server.pactl(&["set-default-sink", "ear"]).0);
        Some(server)
    }

    fn pactl(&self, args: &[&str]) -> (bool, String) {
        let output = in_(self.folder.path(), "pactl")
            .args(args)
            .output()
            .unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `syrinx live` with the fixtures.
    fn live(&self, args: &[&str]) -> Command {
        let asound = self.path("asoundrc");
        std::fs::write(
            &asound,
            "pcm.!default { type pulse }\nctl.!default { type pulse }\npcm.pulse { type pulse }\n",
        )
        .unwrap();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let mut command = in_(self.folder.path(), env!("CARGO_BIN_EXE_syrinx"));
        command.env("ALSA_CONFIG_PATH", asound);
        command
            .args(["live", "--voice", "Buzz", "--weights"])
            .arg(fixtures.join("voice"));
        command.arg("--model").arg(fixtures.join("convert"));
        command
            .args(["--threads", "1", "--headless", "--json"])
            .args(args);
        command.current_dir(self.folder.path());
        command
    }

    /// Records a monitor into a file of floats until the child is killed.
    fn record(&self, device: &str, name: &str) -> Child {
        in_(self.folder.path(), "pacat")
            .args([
                "--record",
                "--raw",
                "--format=float32le",
                "--rate=48000",
                "--channels=1",
                "--latency-msec=10",
            ])
            .args(["-d", device])
            .stdout(File::create(self.path(name)).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn play(&self, audio: &Audio) -> Child {
        let path = self.path("spoken.f32");
        let format: OutputFormat = "pcm_f32le".parse().unwrap();
        let mut writer = Writer::create(
            &path,
            audio.spec(),
            format,
            WriterOptions {
                overwrite: true,
                ..WriterOptions::default()
            },
        )
        .unwrap();
        writer.write(audio).unwrap();
        writer.finish().unwrap();
        in_(self.folder.path(), "pacat")
            .args([
                "--playback",
                "--raw",
                "--format=float32le",
                "--rate=48000",
                "--channels=1",
                "-d",
                "mouth",
            ])
            .stdin(File::open(path).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn recorded(&self, name: &str) -> Vec<f32> {
        let spec = Spec {
            rate_hz: RATE_HZ,
            channels: 1,
        };
        let file = File::open(self.path(name)).unwrap();
        let mut all = Vec::new();
        for block in RawReader::new(name, file, spec, SampleFormat::F32).unwrap() {
            all.extend(block.unwrap().into_channels().remove(0));
        }
        all
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A program that knows this server alone.
fn in_(folder: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env("HOME", folder)
        .env("XDG_RUNTIME_DIR", folder)
        .env("XDG_CONFIG_HOME", folder)
        .env("PULSE_RUNTIME_PATH", folder)
        .env_remove("PULSE_SERVER");
    command
}

/// Bursts of a buzz, at moments that no shift of them fits but one.
fn bursts() -> Audio {
    let starts = [0.5, 1.3, 1.75, 2.9, 3.3, 4.3];
    let samples = (0..6 * RATE_HZ as usize).map(|at| {
        let t = at as f64 / f64::from(RATE_HZ);
        let sounds = starts
            .iter()
            .any(|start| (*start..start + 0.2).contains(&t));
        let buzz = (t * 150.0).fract() - 0.5;
        if sounds { 0.4 * buzz as f32 } else { 0.0 }
    });
    Audio::mono(samples.collect(), RATE_HZ)
}

/// Mean magnitude every millisecond.
fn envelope(samples: &[f32]) -> Vec<f32> {
    let frames = samples.chunks(RATE_HZ as usize / 1000);
    frames
        .map(|frame| frame.iter().map(|x| x.abs()).sum::<f32>() / frame.len() as f32)
        .collect()
}

/// The shift of `late` against `early`, ms, at which they agree best, and how well.
fn shift(early: &[f32], late: &[f32]) -> (usize, f32) {
    let centred = |x: &[f32]| {
        let mean = x.iter().sum::<f32>() / x.len() as f32;
        x.iter().map(|x| x - mean).collect::<Vec<_>>()
    };
    let (early, late) = (centred(early), centred(late));
    let power = |x: &[f32]| x.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-9);
    let agreement = |by: usize| {
        let product: f32 = early.iter().zip(&late[by..]).map(|(a, b)| a * b).sum();
        product / (power(&early) * power(&late))
    };
    let best = (0..1000.min(late.len())).max_by(|&a, &b| agreement(a).total_cmp(&agreement(b)));
    let best = best.unwrap_or_default();
    (best, agreement(best))
}

/// A machine that is busy with other things may starve the server, so that one of three attempts is enough.
#[test]
fn what_is_spoken_is_heard_when_the_equation_says() {
    let Some(server) = Server::start() else {
        return;
    };
    let mut told = Vec::new();
    for _ in 0..3 {
        let (ms, agreement, end) = mouth_to_ear(&server);
        let expected = end["latency"]["total_ms"].as_f64().unwrap();
        println!(
            "mouth to ear {ms} ms (agreement {agreement:.2}), equation {expected:.1} ms: {end}"
        );
        if agreement > 0.4 && (ms as f64 - expected).abs() < 60.0 {
            return;
        }
        told.push((ms, agreement, end));
    }
    panic!("{told:?}");
}

/// What a session that ended well told at its end.
fn told_last(output: &Output) -> serde_json::Value {
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap()
}

/// Speaks bursts into the microphone: after how many ms they are heard, how sure that is, and what was told at the end.
fn mouth_to_ear(server: &Server) -> (usize, f32, serde_json::Value) {
    let live = server
        .live(&[
            "--duration",
            "9",
            "--record",
            "take.wav",
            "-y",
            "--preset",
            "balanced",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    thread::sleep(Duration::from_millis(1500));
    let mut ear = server.record("ear.monitor", "ear.f32");
    let mut mouth = server.record("mouth.monitor", "mouth.f32");
    thread::sleep(Duration::from_millis(300));
    let mut player = server.play(&bursts());
    let _ = player.wait();
    thread::sleep(Duration::from_millis(600));
    for recorder in [&mut ear, &mut mouth] {
        let _ = recorder.kill();
        let _ = recorder.wait();
    }
    let end = told_last(&live.wait_with_output().unwrap());
    let (early, late) = (server.recorded("mouth.f32"), server.recorded("ear.f32"));
    let (ms, agreement) = shift(&envelope(&early), &envelope(&late));
    let take = Decoder::open(server.path("take.wav"))
        .unwrap()
        .read_all()
        .unwrap();
    assert!(take.audio.duration() > 4.0, "{}", take.audio.duration());
    assert!(take.audio.channels()[0].iter().any(|x| x.abs() > 0.01));
    (ms, agreement, end)
}

/// Nobody else listens here, which would make the server prompt. A machine that is busy with other things may starve the
/// server, so that one of three attempts is enough.
#[test]
fn nothing_piles_up_before_the_loudspeaker() {
    let Some(server) = Server::start() else {
        return;
    };
    let mut ends = Vec::new();
    for _ in 0..3 {
        let end = told_last(&server.live(&["--duration", "5"]).output().unwrap());
        let lost = (&end["cut_ms"], &end["late"], &end["xruns"]);
        let waiting_ms = end["waiting_ms"][2].as_f64().unwrap();
        if lost == (&0.0.into(), &0.into(), &0.into()) && waiting_ms < 200.0 {
            return;
        }
        ends.push(end);
    }
    panic!("{ends:?}");
}

#[test]
fn the_virtual_microphone_comes_and_goes() {
    let Some(server) = Server::start() else {
        return;
    };
    // What a session that crashed left behind.
    assert!(
        server
            .pactl(&[
                "load-module",
                "module-null-sink",
                "sink_name=syrinx_live",
                "rate=48000"
            ])
            .0
    );
    let mut live = server
        .live(&["--duration", "8", "--virtual-mic"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // Loading takes as long as the machine makes it.
    let mut sources = String::new();
    for _ in 0..70 {
        sources = server.pactl(&["list", "short", "sources"]).1;
        if sources.contains("syrinx_mic") {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(sources.matches("syrinx_mic").count(), 1, "{sources}");
    assert!(live.wait().unwrap().success());
    let (_, modules) = server.pactl(&["list", "short", "modules"]);
    assert!(!modules.contains("syrinx"), "{modules}");
}

#[test]
fn an_interrupted_session_leaves_a_valid_recording() {
    let Some(server) = Server::start() else {
        return;
    };
    let mut live = server
        .live(&["--record", "cut.wav"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    thread::sleep(Duration::from_millis(5000));
    let killed = Command::new("kill")
        .args(["-INT", &live.id().to_string()])
        .status();
    assert!(killed.unwrap().success());
    assert!(live.wait().unwrap().success());
    let take = Decoder::open(server.path("cut.wav"))
        .unwrap()
        .read_all()
        .unwrap();
    assert!(take.audio.duration() > 0.3);
}
