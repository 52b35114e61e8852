//! Playing, on a device of our own and through ALSA without a sound card.
#![cfg(feature = "playback")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use syrinx::audio::playback::{Backend, Device, Player, Stream, Tap};
use syrinx::audio::{Audio, Sink, Spec};
use syrinx::{Error, Result};

/// A device that plays into memory, twice as fast as a real one.
#[derive(Clone, Default)]
struct Memory(Arc<State>);

#[derive(Default)]
struct State {
    heard: Mutex<Vec<f32>>,
    playing: AtomicBool,
    unplugged: AtomicBool,
    hung: AtomicBool,
    closed: AtomicBool,
}

const DEVICE: Spec = Spec {
    rate_hz: 48_000,
    channels: 2,
};

impl Backend for Memory {
    fn devices(&self) -> Result<Vec<Device>> {
        Ok(Vec::new())
    }

    fn open(
        &self,
        name: Option<&str>,
        tap: &mut dyn FnMut(Spec) -> Tap,
    ) -> Result<Box<dyn Stream + Send>> {
        if name.is_some() {
            return Err(Error::Device("there is no such device".into()));
        }
        let mut tap = tap(DEVICE);
        let state = Arc::clone(&self.0);
        std::thread::spawn(move || {
            let mut buffer = [0.0; 2 * 480];
            while !state.closed.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
                let stalled =
                    state.hung.load(Ordering::Relaxed) || state.unplugged.load(Ordering::Relaxed);
                if state.playing.load(Ordering::Relaxed) && !stalled {
                    tap.fill(&mut buffer, |level| level);
                    state.heard.lock().unwrap().extend_from_slice(&buffer);
                }
            }
        });
        Ok(Box::new(self.clone()))
    }
}

impl Stream for Memory {
    fn play(&self) -> Result<()> {
        self.0.playing.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn pause(&self) -> Result<()> {
        self.0.playing.store(false, Ordering::Relaxed);
        Ok(())
    }

    fn fault(&self) -> Option<String> {
        self.0
            .unplugged
            .load(Ordering::Relaxed)
            .then(|| "the cable was pulled".into())
    }

    fn name(&self) -> String {
        "Memory".into()
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
    }
}

fn tone(rate_hz: u32, seconds: f64) -> Audio {
    let frames = (seconds * f64::from(rate_hz)) as usize;
    let step = std::f32::consts::TAU * 440.0 / rate_hz as f32;
    Audio::mono(
        (0..frames).map(|t| 0.5 * (step * t as f32).cos()).collect(),
        rate_hz,
    )
}

/// The left channel without silence: on a busy machine there may be gaps, but never a loss.
fn sound(heard: &[f32]) -> Vec<f32> {
    heard
        .iter()
        .step_by(2)
        .copied()
        .filter(|x| *x != 0.0)
        .collect()
}

#[test]
fn what_sounds_is_what_was_given_at_the_rate_of_the_device() {
    let device = Memory::default();
    let audio = tone(24_000, 0.7);
    let mut player = Player::with_backend(&device, None, audio.spec()).unwrap();
    assert_eq!((player.spec(), player.device()), (audio.spec(), DEVICE));
    for start in (0..audio.frames()).step_by(1_000) {
        player.write(&audio.slice(start..start + 1_000)).unwrap();
    }
    let written = Box::new(player).finish().unwrap();
    assert_eq!(written.frames, audio.frames() as u64);
    let expected = audio.resample(48_000).unwrap();
    let heard = device.0.heard.lock().unwrap();
    let expected = expected.channels()[0].iter().copied();
    assert_eq!(
        sound(&heard),
        expected.filter(|x| *x != 0.0).collect::<Vec<f32>>()
    );
    assert!(
        heard.chunks_exact(2).all(|frame| frame[0] == frame[1]),
        "mono sounds on both sides"
    );
}

#[test]
fn a_player_plays_again_after_it_was_drained_or_stopped() {
    let device = Memory::default();
    let audio = tone(48_000, 0.2);
    let mut player = Player::with_backend(&device, None, audio.spec()).unwrap();
    player.play(&audio).unwrap();
    player.drain().unwrap();
    device.0.heard.lock().unwrap().clear();

    player.play(&tone(48_000, 0.45)).unwrap();
    player.stop().unwrap();
    assert!(!device.0.playing.load(Ordering::Relaxed));
    device.0.heard.lock().unwrap().clear();

    player.play(&audio).unwrap();
    player.drain().unwrap();
    let expected = audio.channels()[0].iter().copied().filter(|x| *x != 0.0);
    assert_eq!(
        sound(&device.0.heard.lock().unwrap()),
        expected.collect::<Vec<f32>>()
    );
}

#[test]
fn a_slow_producer_is_counted() {
    let device = Memory::default();
    let mut player = Player::with_backend(&device, None, Spec::mono(48_000)).unwrap();
    for _ in 0..3 {
        player.play(&tone(48_000, 0.1)).unwrap();
        std::thread::sleep(Duration::from_millis(100));
    }
    player.drain().unwrap();
    assert!(player.underruns() >= 2, "{}", player.underruns());
}

#[test]
fn a_device_that_goes_is_an_error_and_not_a_hang() {
    for pulled in [true, false] {
        let device = Memory::default();
        let mut player = Player::with_backend(&device, None, Spec::mono(48_000)).unwrap();
        player.play(&tone(48_000, 0.2)).unwrap();
        let flag = if pulled {
            &device.0.unplugged
        } else {
            &device.0.hung
        };
        flag.store(true, Ordering::Relaxed);
        let error = player.play(&tone(48_000, 5.0)).unwrap_err().to_string();
        let reason = if pulled {
            "Memory stopped: the cable was pulled"
        } else {
            "takes no sound"
        };
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn chunks_of_the_wrong_shape_are_refused() {
    let mut player = Player::with_backend(&Memory::default(), None, Spec::mono(48_000)).unwrap();
    assert!(player.play(&tone(24_000, 0.1)).is_err());
    assert!(Player::with_backend(&Memory::default(), Some("x"), Spec::mono(1)).is_err());
}

/// ALSA reads its configuration once, from the environment, so that each case below runs in a
/// process of its own: this test binary again, told what to do.
#[cfg(target_os = "linux")]
mod alsa {
    use super::*;
    use std::path::Path;
    use std::process::Command;
    use syrinx::audio::playback::SoundCard;

    /// Runs `child` under an ALSA configuration and returns what it printed and complained.
    fn under(configuration: &str, child: &str) -> (String, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("asoundrc");
        std::fs::write(&path, configuration).unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", child])
            .env("ALSA_CONFIG_PATH", &path)
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        assert!(output.status.success(), "{stdout}\n{stderr}");
        (stdout, stderr)
    }

    #[test]
    fn sound_arrives_at_the_device() {
        let folder = tempfile::tempdir().unwrap();
        let raw = folder.path().join("heard.raw");
        let configuration = format!(
            "pcm.!default {{ type file slave.pcm {{ type null }} file \"{}\" format raw }}\n\
             ctl.!default {{ type hw card 0 }}\n",
            raw.display()
        );
        let (stdout, _) = under(&configuration, "alsa::plays_a_tone");
        let shape = stdout
            .lines()
            .find_map(|line| line.split_once("device: "))
            .unwrap()
            .1;
        let mut shape = shape
            .split_whitespace()
            .map(|word| word.parse::<usize>().unwrap());
        let (rate_hz, channels) = (shape.next().unwrap(), shape.next().unwrap());
        let heard = samples(&raw);
        let left: Vec<f32> = heard.iter().step_by(channels).copied().collect();
        let expected = tone(24_000, 0.25).resample(rate_hz as u32).unwrap();
        let start = left.iter().position(|x| x.abs() > 0.1).expect("a tone");
        let first = expected.channels()[0]
            .iter()
            .position(|x| x.abs() > 0.1)
            .unwrap();
        // What the filter held back comes later, after a gap if the machine is busy.
        let worst = (first..expected.frames() - 2_000)
            .map(|t| (left[start + t - first] - expected.channels()[0][t]).abs())
            .fold(0.0, f32::max);
        assert!(worst < 1e-3, "{worst}");
    }

    /// What ALSA wrote, in the format the device was opened in.
    fn samples(raw: &Path) -> Vec<f32> {
        let bytes = std::fs::read(raw).unwrap();
        let floats: Vec<f32> = bytes
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect();
        // Pairs of 16-bit samples are hardly ever floats in this range.
        if floats
            .iter()
            .all(|x| x.abs() <= 1.0 && (*x == 0.0 || x.abs() > 1e-12))
        {
            return floats;
        }
        let integers = bytes.chunks_exact(2);
        integers
            .map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0)
            .collect()
    }

    #[test]
    #[ignore = "run by sound_arrives_at_the_device"]
    fn plays_a_tone() {
        let mut player = Player::open(None, Spec::mono(24_000)).unwrap();
        println!(
            "\ndevice: {} {}",
            player.device().rate_hz,
            player.device().channels
        );
        player.play(&tone(24_000, 0.25)).unwrap();
        player.drain().unwrap();
    }

    #[test]
    fn without_a_sound_card_there_is_one_clear_line() {
        let (stdout, stderr) = under("", "alsa::finds_no_device");
        assert!(
            stdout.contains("there is no sound card to play on; write to a file"),
            "{stdout}"
        );
        assert!(!stderr.contains("ALSA lib"), "{stderr}");
    }

    #[test]
    #[ignore = "run by without_a_sound_card_there_is_one_clear_line"]
    fn finds_no_device() {
        println!("{}", Player::open(None, Spec::mono(24_000)).err().unwrap());
        println!(
            "{}",
            Player::open(Some("Nowhere"), Spec::mono(24_000))
                .err()
                .unwrap()
        );
    }

    #[test]
    fn devices_are_listed_and_found_by_name() {
        let configuration = "pcm.!default { type null }\n\
             pcm.parlour { type null hint { show on description \"The parlour\" } }\n\
             defaults.namehint.showall off\n";
        let (stdout, _) = under(configuration, "alsa::lists_devices");
        assert!(stdout.contains("parlour"), "{stdout}");
        assert!(stdout.contains("opened"), "{stdout}");
        assert!(
            stdout.contains("there is no output device \"cellar\"; there are:"),
            "{stdout}"
        );
    }

    #[test]
    #[ignore = "run by devices_are_listed_and_found_by_name"]
    fn lists_devices() {
        for device in SoundCard.devices().unwrap() {
            println!("{device:?}");
        }
        println!(
            "opened {}",
            Player::open(Some("parlour"), Spec::mono(24_000))
                .unwrap()
                .name()
        );
        println!(
            "{}",
            Player::open(Some("cellar"), Spec::mono(24_000))
                .err()
                .unwrap()
        );
    }
}
