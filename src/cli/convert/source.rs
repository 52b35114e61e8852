//! Where the sound to be converted comes from: a file, standard input, raw samples.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use syrinx::audio::{Audio, Container, Decoder, OutputFormat, RawReader, SampleFormat, Spec};

use crate::cli::interrupt::Interrupt;
use crate::cli::{Failure, cast};

/// Bytes of standard input read at a time, and pieces read ahead.
const PIECE: usize = 1 << 14;
const AHEAD: usize = 16;

/// How long a wait for standard input goes on before looking for Ctrl-C.
const PATIENCE: Duration = Duration::from_millis(50);

const STDIN: &str = "standard input";

/// Flags of inputs without a header.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Raw input")]
pub struct RawFlags {
    /// The input is bare samples of this rate
    #[arg(long, alias = "rate", value_name = "HZ", value_parser = clap::value_parser!(u32).range(1_000..=768_000))]
    pub raw_rate: Option<u32>,

    /// Their format: s16le or f32le
    #[arg(long, value_name = "NAME", value_parser = sample_format, default_value = "s16le", requires = "raw_rate")]
    pub raw_format: SampleFormat,

    /// Their channels, interleaved
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64), default_value = "1", requires = "raw_rate")]
    pub raw_channels: u16,
}

fn sample_format(name: &str) -> Result<SampleFormat, String> {
    match name.parse::<OutputFormat>() {
        Ok(format) if format.container() == Container::Raw => Ok(format.sample()),
        _ => Err("give s16le or f32le".into()),
    }
}

/// An open input.
pub struct Source {
    name: String,
    blocks: Blocks,
    waited: std::sync::Arc<Mutex<Duration>>,
}

enum Blocks {
    Decoded(Box<Decoder>),
    Raw(RawReader),
}

impl Source {
    /// Opens `path`, or standard input for `-`. What cannot be read is the user's to mend.
    pub fn open(path: &Path, raw: &RawFlags, interrupt: &Interrupt) -> Result<Self, Failure> {
        let waited = std::sync::Arc::<Mutex<Duration>>::default();
        let shape = raw.raw_rate.map(|rate_hz| Spec {
            rate_hz,
            channels: raw.raw_channels.into(),
        });
        let piped = path == Path::new("-");
        let pipe = || -> Result<Pipe, Failure> {
            if io::stdin().is_terminal() {
                return Err(Failure::usage(
                    "`-` reads sound from standard input, which is the terminal; pipe it in, or name a file",
                ));
            }
            Ok(Pipe::listen(interrupt.clone(), waited.clone()))
        };
        let name = match piped {
            true => STDIN.to_owned(),
            false => path.display().to_string(),
        };
        let blocks = match (shape, piped) {
            (None, true) => {
                Decoder::from_reader(STDIN, pipe()?).map(|d| Blocks::Decoded(Box::new(d)))
            }
            (None, false) => Decoder::open(path).map(|d| Blocks::Decoded(Box::new(d))),
            (Some(spec), true) => {
                RawReader::new(STDIN, pipe()?, spec, raw.raw_format).map(Blocks::Raw)
            }
            (Some(spec), false) => File::open(path)
                .map_err(syrinx::Error::io(path))
                .and_then(|file| RawReader::new(&name, file, spec, raw.raw_format))
                .map(Blocks::Raw),
        };
        interrupt.check()?;
        Ok(Self {
            blocks: blocks.map_err(cast::refused)?,
            name,
            waited,
        })
    }

    /// The file, or `standard input`.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn spec(&self) -> Spec {
        match &self.blocks {
            Blocks::Decoded(decoder) => decoder.spec(),
            Blocks::Raw(reader) => reader.spec(),
        }
    }

    /// Seconds, where the header tells.
    pub fn duration(&self) -> Option<f64> {
        match &self.blocks {
            Blocks::Decoded(decoder) => decoder.duration(),
            Blocks::Raw(_) => None,
        }
    }

    /// What was wrong with it, for warnings.
    pub fn flaws(&self) -> Vec<String> {
        match &self.blocks {
            Blocks::Decoded(decoder) => decoder.flaws().iter().map(ToString::to_string).collect(),
            Blocks::Raw(_) => Vec::new(),
        }
    }

    /// Time spent waiting for standard input so far.
    pub fn waited(&self) -> Duration {
        self.waited.lock().map_or(Duration::ZERO, |waited| *waited)
    }
}

impl Iterator for Source {
    type Item = Result<Audio, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        let block = match &mut self.blocks {
            Blocks::Decoded(decoder) => decoder.next(),
            Blocks::Raw(reader) => reader.next(),
        };
        block.map(|block| block.map_err(cast::refused))
    }
}

/// Standard input, read by a thread of its own so that Ctrl-C is heard while nothing comes.
struct Pipe {
    /// Only ever used by one reader; decoders ask for something that could be shared.
    arriving: Mutex<Receiver<io::Result<Vec<u8>>>>,
    interrupt: Interrupt,
    waited: std::sync::Arc<Mutex<Duration>>,
    piece: Vec<u8>,
    taken: usize,
}

impl Pipe {
    fn listen(interrupt: Interrupt, waited: std::sync::Arc<Mutex<Duration>>) -> Self {
        let (sender, arriving) = sync_channel(AHEAD);
        thread::spawn(move || {
            let mut input = io::stdin();
            loop {
                let mut piece = vec![0; PIECE];
                let item = match input.read(&mut piece) {
                    Ok(0) => return,
                    Ok(read) => {
                        piece.truncate(read);
                        Ok(piece)
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => Err(error),
                };
                let last = item.is_err();
                if sender.send(item).is_err() || last {
                    return;
                }
            }
        });
        Self {
            arriving: Mutex::new(arriving),
            interrupt,
            waited,
            piece: Vec::new(),
            taken: 0,
        }
    }

    /// The next piece; nothing at the end.
    fn wait(&mut self) -> io::Result<Vec<u8>> {
        let began = Instant::now();
        let broken = || io::Error::from(io::ErrorKind::Other);
        let arriving = self.arriving.get_mut().map_err(|_| broken())?;
        let piece = loop {
            if self.interrupt.check().is_err() {
                // Not `Interrupted`, on which readers try again.
                break Err(io::ErrorKind::TimedOut.into());
            }
            match arriving.recv_timeout(PATIENCE) {
                Ok(piece) => break piece,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break Ok(Vec::new()),
            }
        };
        if let Ok(mut waited) = self.waited.lock() {
            *waited += began.elapsed();
        }
        piece
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.piece.len() {
            self.piece = self.wait()?;
            self.taken = 0;
        }
        let read = (&self.piece[self.taken..]).read(buffer)?;
        self.taken += read;
        Ok(read)
    }
}

/// The sound files below a folder, hidden ones and those in `except` left out; in the order of their names.
pub fn sound_files(folder: &Path, except: &Path) -> Result<Vec<PathBuf>, Failure> {
    let except = except.canonicalize().ok();
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let unreadable = |error| cast::refused(syrinx::Error::io(&folder)(error));
        for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let path = entry.path();
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            // A link to a folder is not followed: it may lead back here.
            if entry.file_type().map_err(unreadable)?.is_dir() {
                if except.is_none() || path.canonicalize().ok() != except {
                    folders.push(path);
                }
            } else if cast::is_sound(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
