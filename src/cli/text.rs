//! Flags about the text itself.

use std::path::PathBuf;

use syrinx::text::{Dialect, Lexicon};
use syrinx::{Accent, SpeechRequest};

use super::Failure;

/// How the text is read.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Text")]
pub struct TextFlags {
    /// Pronunciations of your own: lines of `word<TAB>phonemes`, in IPA or ARPAbet; can be repeated
    #[arg(long, value_name = "FILE")]
    lexicon: Vec<PathBuf>,

    /// The text is SSML
    #[arg(long)]
    pub ssml: bool,
}

impl TextFlags {
    /// Reads the lexicons, so that a slip in one is told before any work is done.
    pub fn lexicons(&self) -> Result<Lexicons, Failure> {
        Ok(Lexicons {
            american: self.open(Dialect::American)?,
            british: self.open(Dialect::British)?,
        })
    }

    /// The lexicons as one, with ARPAbet as `dialect` speaks it; the last to have a word wins.
    pub fn open(&self, dialect: Dialect) -> Result<Option<Lexicon>, Failure> {
        let mut all: Option<Lexicon> = None;
        for path in &self.lexicon {
            let lexicon = Lexicon::open(path, dialect).map_err(refused)?;
            all.get_or_insert_default().extend(lexicon);
        }
        Ok(all)
    }

    /// The request with these flags.
    pub fn apply(&self, request: SpeechRequest, lexicons: &Lexicons) -> SpeechRequest {
        let request = request.ssml(self.ssml);
        match lexicons.of(dialect(request.voice().info().accent)) {
            Some(lexicon) => request.lexicon(lexicon.clone()),
            None => request,
        }
    }
}

/// The user's pronunciations in either dialect.
#[derive(Debug, Default)]
pub struct Lexicons {
    american: Option<Lexicon>,
    british: Option<Lexicon>,
}

impl Lexicons {
    fn of(&self, dialect: Dialect) -> Option<&Lexicon> {
        match dialect {
            Dialect::American => self.american.as_ref(),
            Dialect::British => self.british.as_ref(),
        }
    }
}

fn dialect(accent: Accent) -> Dialect {
    match accent {
        Accent::American => Dialect::American,
        Accent::British => Dialect::British,
    }
}

/// Text that cannot be spoken as it stands is for the user to mend.
pub fn refused(error: syrinx::text::Error) -> Failure {
    Failure::Usage(error.to_string())
}
