//! Where the text comes from: the command line, files, or standard input line by line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::interrupt::Interrupt;
use super::{Failure, console};

/// Bytes of text taken at most: far above any book, below what hurts.
const MOST_BYTES: u64 = 64 << 20;

/// Bytes of a word at most: above any address or formula, below what is data and no text.
const LONGEST_WORD: usize = 10_000;

/// Lines of standard input read ahead of the voice.
const LINES_AHEAD: usize = 16;

/// How long a wait for standard input goes on before looking for Ctrl-C.
const PATIENCE: Duration = Duration::from_millis(50);

/// What is to be said.
pub enum Source {
    /// All of it is there.
    Text(Passage),
    /// It comes line by line, on standard input.
    Lines(Lines),
}

/// A text to be said in one go.
#[derive(Debug, PartialEq, Eq)]
pub struct Passage {
    pub text: String,
    /// Where it stands, for messages; nothing for the command line.
    pub place: Option<String>,
}

impl Source {
    /// `words` of the command line, else `files`, else standard input, which `-` stands for too.
    ///
    /// Several files are one text. Plain text on standard input is taken line by line, so that the
    /// first is heard while the last is not yet written; SSML is one document.
    pub fn open(
        words: &[String],
        files: &[PathBuf],
        ssml: bool,
        interrupt: &Interrupt,
    ) -> Result<Self, Failure> {
        let dash = words == ["-"] || files == [Path::new("-")];
        if !words.is_empty() && !dash {
            let text = readable(words.join(" "), 0, "the text")?;
            return Ok(Self::Text(Passage { text, place: None }));
        }
        if !files.is_empty() && !dash {
            return read_files(files, ssml).map(Self::Text);
        }
        if io::stdin().is_terminal() {
            console::note("reading text from the terminal; end with Ctrl-D");
        }
        let lines = Lines::listen(interrupt.clone());
        if ssml {
            return lines.document().map(Self::Text);
        }
        Ok(Self::Lines(lines))
    }
}

fn read_files(paths: &[PathBuf], ssml: bool) -> Result<Passage, Failure> {
    if let [only] = paths {
        let text = read_file(only)?;
        let place = Some(only.display().to_string());
        return Ok(Passage { text, place });
    }
    if ssml {
        return Err(Failure::usage(
            "several SSML documents cannot be one; give one -i, or use --batch",
        ));
    }
    let texts: Result<Vec<String>, Failure> = paths.iter().map(|path| read_file(path)).collect();
    Ok(Passage {
        // A blank line, so that every file begins a paragraph.
        text: texts?.join("\n\n"),
        place: None,
    })
}

/// The whole of a text file.
pub fn read_file(path: &Path) -> Result<String, Failure> {
    let name = path.display().to_string();
    if path == Path::new("-") {
        return Err(Failure::usage(
            "`-` (standard input) cannot be mixed with files; give it alone",
        ));
    }
    let unreadable = |source| {
        // A file that is not there is the caller's slip, not a failure of the machine.
        Failure::Usage(syrinx::Error::io(path)(source).to_string())
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    let read = file.take(MOST_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(unreadable)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(too_long(&name));
    }
    utf8(bytes, 0, &name)
}

/// Standard input, read by a thread of its own so that Ctrl-C is heard while nothing comes.
///
/// As a reader it gives one line after the other, as they come.
pub struct Lines {
    arriving: Receiver<io::Result<Vec<u8>>>,
    interrupt: Interrupt,
    /// The current line, and how much of it is taken.
    line: Vec<u8>,
    taken: usize,
    /// Bytes before the next line.
    offset: usize,
    log: Arc<Log>,
}

/// What is known of the input beside its lines.
#[derive(Debug, Default)]
pub struct Log {
    /// Nanoseconds spent waiting for lines.
    waited: AtomicU64,
    /// The text so far, if it is to be kept.
    transcript: Mutex<Option<String>>,
}

impl Log {
    /// Time spent waiting for lines so far.
    pub fn waited(&self) -> Duration {
        Duration::from_nanos(self.waited.load(Ordering::Relaxed))
    }

    /// Keeps the text from here on.
    pub fn keep(&self) {
        *self.transcript() = Some(String::new());
    }

    /// The text that was kept.
    pub fn take(&self) -> String {
        self.transcript().take().unwrap_or_default()
    }

    fn transcript(&self) -> MutexGuard<'_, Option<String>> {
        self.transcript
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn listen(interrupt: Interrupt) -> Self {
        let (sender, arriving) = sync_channel(LINES_AHEAD);
        thread::spawn(move || {
            let mut input = BufReader::new(io::stdin());
            loop {
                let mut line = Vec::new();
                let mut limited = input.by_ref().take(MOST_BYTES + 1);
                let item = match limited.read_until(b'\n', &mut line) {
                    Ok(0) => return,
                    Ok(_) => Ok(line),
                    Err(error) => Err(error),
                };
                let last = item.is_err();
                if sender.send(item).is_err() || last {
                    return;
                }
            }
        });
        Self {
            arriving,
            interrupt,
            line: Vec::new(),
            taken: 0,
            offset: 0,
            log: Arc::default(),
        }
    }

    /// What stays to be asked when the reader is given away.
    pub fn log(&self) -> Arc<Log> {
        Arc::clone(&self.log)
    }

    /// Waits for the next line with its ending; nothing at the end of the input.
    fn wait(&self) -> io::Result<Vec<u8>> {
        let began = Instant::now();
        let line = loop {
            if self.interrupt.check().is_err() {
                // Not `Interrupted`, on which readers try again.
                break Err(io::ErrorKind::TimedOut.into());
            }
            match self.arriving.recv_timeout(PATIENCE) {
                Ok(line) => break line,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break Ok(Vec::new()),
            }
        };
        let waited = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.log.waited.fetch_add(waited, Ordering::Relaxed);
        line
    }

    /// Everything that comes, as one passage.
    fn document(mut self) -> Result<Passage, Failure> {
        let mut text = String::new();
        let mut limited = self.by_ref().take(MOST_BYTES + 1);
        let read = limited.read_to_string(&mut text);
        self.interrupt.check()?;
        read.map_err(syrinx::Error::io(STDIN))?;
        if text.len() as u64 > MOST_BYTES {
            return Err(too_long(STDIN));
        }
        Ok(Passage {
            text,
            place: Some(STDIN.into()),
        })
    }
}

impl BufRead for Lines {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken == self.line.len() {
            let line = self.wait()?;
            let length = line.len();
            let text = utf8(line, self.offset, STDIN).map_err(|failure| {
                let message = failure.message().unwrap_or_default();
                let reason = message.strip_prefix("standard input: ").map(str::to_owned);
                io::Error::new(io::ErrorKind::InvalidData, reason.unwrap_or(message))
            })?;
            if let Some(transcript) = self.log.transcript().as_mut() {
                transcript.push_str(&text);
            }
            self.offset += length;
            self.line = text.into_bytes();
            self.taken = 0;
        }
        Ok(&self.line[self.taken..])
    }

    fn consume(&mut self, amount: usize) {
        self.taken = (self.taken + amount).min(self.line.len());
    }
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut there = self.fill_buf()?;
        let length = there.read(buffer)?;
        self.consume(length);
        Ok(length)
    }
}

const STDIN: &str = "standard input";

/// Decodes `bytes`, the first of which stands at `offset` of the input `name`.
pub fn utf8(bytes: Vec<u8>, offset: usize, name: &str) -> Result<String, Failure> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = offset + error.utf8_error().valid_up_to();
        let advice = match error.as_bytes() {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] if at == 0 => {
                "it looks like UTF-16; save it as UTF-8"
            }
            _ => "save the text as UTF-8",
        };
        Failure::usage(format!("{name}: not UTF-8 text at byte {at}; {advice}"))
    })?;
    readable(text, offset, name)
}

/// `text`, unless it holds a word beyond all words, which would be spelled out for hours.
pub fn readable(text: String, offset: usize, name: &str) -> Result<String, Failure> {
    let mut start = 0;
    for word in text.split(|c: char| c.is_ascii_whitespace()) {
        if word.len() > LONGEST_WORD {
            return Err(Failure::usage(format!(
                "{name}: a word of {} bytes at byte {}; this does not look like text",
                word.len(),
                offset + start
            )));
        }
        start += word.len() + 1;
    }
    Ok(text)
}

fn too_long(name: &str) -> Failure {
    let mebibytes = MOST_BYTES >> 20;
    Failure::usage(format!(
        "{name}: more than {mebibytes} MiB of text; split it"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(result: Result<String, Failure>) -> String {
        result.unwrap_err().message().unwrap()
    }

    #[test]
    fn the_offset_of_a_bad_byte_counts_from_the_start_of_the_input() {
        assert_eq!(utf8("né".into(), 0, "a.txt").unwrap(), "né");
        let latin1 = message(utf8(b"caf\xe9 au lait".to_vec(), 100, "a.txt"));
        assert!(
            latin1.starts_with("a.txt: not UTF-8 text at byte 103"),
            "{latin1}"
        );
        let utf16 = message(utf8(b"\xff\xfeh\0i\0".to_vec(), 0, "a.txt"));
        assert!(utf16.contains("UTF-16"), "{utf16}");
    }

    #[test]
    fn a_word_beyond_all_words_is_refused() {
        let data = format!("See {}.", "a".repeat(1_000_000));
        let told = message(readable(data, 10, "a.txt"));
        assert!(
            told.contains("a word of 1000001 bytes at byte 14"),
            "{told}"
        );
        let prose = "Words and words. ".repeat(10_000);
        assert!(readable(prose, 0, "a.txt").is_ok());
    }

    fn lines(items: &[&[u8]]) -> Lines {
        let (sender, arriving) = sync_channel(items.len());
        for item in items {
            sender.send(Ok(item.to_vec())).unwrap();
        }
        Lines {
            arriving,
            interrupt: Interrupt::default(),
            line: Vec::new(),
            taken: 0,
            offset: 0,
            log: Arc::default(),
        }
    }

    #[test]
    fn lines_are_read_as_they_came_and_kept_if_asked() {
        let reader = lines(&[b"One.\n", b"\n", "Zw\u{f6}lf".as_bytes()]);
        let log = reader.log();
        log.keep();
        let found: Vec<String> = reader.lines().collect::<io::Result<_>>().unwrap();
        assert_eq!(found, ["One.", "", "Zw\u{f6}lf"]);
        assert_eq!(log.take(), "One.\n\nZw\u{f6}lf");
    }

    #[test]
    fn a_bad_line_is_an_error_with_its_place_in_the_input() {
        let mut text = String::new();
        let error = lines(&[b"One.\n", b"a\xff\n"])
            .read_to_string(&mut text)
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().contains("byte 6"), "{error}");
    }

    #[test]
    fn an_interrupt_ends_the_waiting() {
        let (_sender, arriving) = sync_channel(1);
        let interrupt = Interrupt::default();
        interrupt.request();
        let mut waiting = Lines {
            arriving,
            interrupt,
            ..lines(&[])
        };
        assert!(waiting.fill_buf().is_err());
    }

    #[test]
    fn words_of_the_command_line_are_one_passage() {
        let words = ["Hello".to_owned(), "there.".to_owned()];
        match Source::open(&words, &[], false, &Interrupt::default()) {
            Ok(Source::Text(passage)) => assert_eq!(passage.text, "Hello there."),
            _ => panic!("the words were not taken"),
        }
    }

    #[test]
    fn a_missing_file_is_a_slip_of_the_caller() {
        let failure = read_file(Path::new("/no/such/text.txt")).unwrap_err();
        assert!(matches!(failure, Failure::Usage(_)), "{failure:?}");
    }
}
