//! Speech into outputs: the loop that `say` and the batch share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use syrinx::{Engine, Mark, SpeechRequest, SpeechStream};

use super::Failure;
use super::figures::Figures;
use super::interrupt::Interrupt;
use super::output::Outputs;
use super::progress::Progress;
use super::source::{Log, Passage, Source};

/// A text that is about to be spoken.
pub struct Rendering {
    stream: SpeechStream,
    source: Text,
    place: Option<String>,
}

/// The source text, for timing files.
enum Text {
    Whole(String),
    Coming(Arc<Log>),
}

/// What was spoken.
pub struct Spoken {
    pub figures: Figures,
    /// When words and phones are heard, and the text they point into; nothing unless wanted.
    pub marks: Vec<Mark>,
    pub source: String,
}

impl Rendering {
    /// Begins to speak `source`; `timed` keeps the text of what comes line by line, which a timing file needs.
    pub fn new(request: &SpeechRequest, source: Source, timed: bool) -> Result<Self, Failure> {
        match source {
            Source::Text(passage) => Self::of_passage(request, passage),
            Source::Lines(lines) => {
                let log = lines.log();
                // Lines are read ahead as soon as there is a stream.
                if timed {
                    log.keep();
                }
                let source = Text::Coming(log);
                let stream = request.stream_lines(lines)?;
                Ok(Self {
                    stream,
                    source,
                    place: None,
                })
            }
        }
    }

    fn of_passage(request: &SpeechRequest, passage: Passage) -> Result<Self, Failure> {
        let Passage { text, place } = passage;
        let stream = request.stream(text.as_str()).map_err(|error| {
            let failure = Failure::from(error);
            place
                .iter()
                .fold(failure, |failure, place| failure.at(place))
        })?;
        Ok(Self {
            stream,
            source: Text::Whole(text),
            place,
        })
    }

    /// Bytes of text, where they are known.
    pub fn text_len(&self) -> Option<usize> {
        match &self.source {
            Text::Whole(text) => Some(text.len()),
            Text::Coming(_) => None,
        }
    }

    /// Speaks into `outputs`; `timed` keeps the marks, which a timing file needs.
    pub fn run(
        mut self,
        engine: &Engine,
        outputs: &mut Outputs,
        progress: &Progress,
        interrupt: &Interrupt,
        timed: bool,
    ) -> Result<Spoken, Failure> {
        let mut figures = Figures::new(engine);
        let mut marks = Vec::new();
        loop {
            let (began, waited) = (Instant::now(), self.waited());
            let chunk = self.stream.next();
            figures.worked(began.elapsed().saturating_sub(self.waited() - waited));
            interrupt.check()?;
            let Some(chunk) = chunk else { break };
            let chunk = chunk.map_err(|error| {
                let failure = Failure::from(error);
                self.place
                    .iter()
                    .fold(failure, |failure, place| failure.at(place))
            })?;
            figures.heard(chunk.audio.frames());
            figures.sentences += u64::from(chunk.ends_sentence);
            outputs.write(&chunk.audio)?;
            if timed {
                marks.extend(chunk.marks);
            }
            progress.reach(chunk.span.end, figures.audio_s());
        }
        let source = match self.source {
            Text::Whole(text) => text,
            Text::Coming(log) => log.take(),
        };
        Ok(Spoken {
            figures,
            marks,
            source,
        })
    }

    /// Time spent waiting for text so far.
    fn waited(&self) -> Duration {
        match &self.source {
            Text::Whole(_) => Duration::ZERO,
            Text::Coming(log) => log.waited(),
        }
    }
}
