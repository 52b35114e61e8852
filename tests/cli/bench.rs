//! A folder to run the command in, and what to look for afterwards.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use syrinx::audio::{Audio, OutputFormat, Writer, WriterOptions};
use tempfile::TempDir;

/// A folder of its own for each test.
pub struct Bench {
    folder: TempDir,
    /// Stands for the user's folders.
    home: TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            home: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The command, about to run in the folder.
    pub fn syrinx(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_syrinx"));
        command.current_dir(self.folder.path()).args(args);
        command.env("SYRINX_VOICES", self.home("voices"));
        command.env("SYRINX_CACHE", self.home("cache"));
        command.timeout(std::time::Duration::from_secs(120));
        command
    }

    /// A command that converts, with the tiny networks of the tests, in the voice of Buzz.
    pub fn tiny(&self, command: &str, args: &[&str]) -> Command {
        let mut command = self.syrinx(&[command, "--voice", "Buzz"]);
        command.args([
            "--weights",
            &fixture("voice"),
            "--model",
            &fixture("convert"),
        ]);
        command.args(args);
        command
    }

    /// Writes a recording in the format that its name asks for.
    pub fn write_audio(&self, name: &str, audio: &Audio) -> PathBuf {
        let path = self.path(name);
        let format = OutputFormat::from_path(&path).unwrap();
        let mut writer =
            Writer::create(&path, audio.spec(), format, WriterOptions::default()).unwrap();
        writer.write(audio).unwrap();
        writer.finish().unwrap();
        path
    }

    /// A folder of the user's.
    pub fn home(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Names of everything in the folder, hidden files included.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// The folder of tiny networks of that name.
pub fn fixture(name: &str) -> String {
    format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// The folder of the embedded weights.
pub fn weights() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("weights/starter-voice")
}

pub fn stderr(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

pub fn stdout(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

/// Fails unless standard error is one line `error: …` with all of `parts` in it.
pub fn one_error_line(assert: &Assert, parts: &[&str]) {
    let text = stderr(assert);
    assert_eq!(
        text.lines().count(),
        1,
        "more or less than one line: {text}"
    );
    assert!(text.starts_with("error: "), "{text}");
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
    assert!(assert.get_output().stdout.is_empty(), "something on stdout");
}
