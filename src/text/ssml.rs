//! A subset of SSML 1.1.
//!
//! | element | honoured |
//! |---|---|
//! | `speak` | root |
//! | `p`, `s` | end of paragraph, sentence |
//! | `break` | `time` (up to 60 s), `strength` |
//! | `prosody` | `rate`, `pitch`, `volume`; nested ones combine |
//! | `emphasis` | `level`, as a little prosody |
//! | `say-as` | `interpret-as`, `format` |
//! | `phoneme` | `ph`, `alphabet` ipa (also misaki, ARPAbet) |
//! | `sub` | `alias` |
//! | `voice` | `name`, passed through |
//! | `mark` | `name`, passed through |
//!
//! Anything else, malformed XML, a DTD or an entity beyond the five of XML is an
//! error with line and column. A `break` before the first word is not heard.

use std::ops::Range;
use std::sync::Arc;

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::Dialect;
use super::error::{Error, Result};
use super::glyph::{Glyph, OBJECT, clean};
use super::lexicon::Lexicon;
use super::manner;
use super::markup::{SUPPORTED, attributes, entity};
use super::normalise::{Surroundings, normalise, say_as};
use super::notation;
use super::segment::{Ending, Segment};
use super::token::{Token, TokenKind};
use super::utterance::Prosody;

/// Largest document, bytes.
const LARGEST: usize = 4 << 20;
/// Deepest nesting of elements.
const DEEPEST: usize = 32;

/// Reads a document into segments of one prosody each.
pub(crate) fn parse(
    document: &str,
    dialect: Dialect,
    lexicon: Option<&Arc<Lexicon>>,
) -> Result<Vec<Segment<'static>>> {
    let mut builder = Builder {
        document,
        surroundings: Surroundings {
            dialect,
            lexicon,
            objects: &[],
            expand: true,
        },
        segments: Vec::new(),
        current: Segment::default(),
        open: Vec::new(),
        capture: None,
        root_closed: false,
    };
    if document.len() > LARGEST {
        return Err(builder.fail(
            0,
            format!(
                "the document has {} bytes, the limit is {LARGEST}",
                document.len()
            ),
        ));
    }
    let mut reader = Reader::from_str(document);
    reader.config_mut().check_comments = true;
    let mut first = true;
    loop {
        let start = reader.buffer_position() as usize;
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(e) => {
                return Err(builder.fail(
                    reader.error_position() as usize,
                    format!("malformed XML: {e}"),
                ));
            }
        };
        let span = start..reader.buffer_position() as usize;
        match event {
            Event::Start(e) => builder.start(&e, span)?,
            Event::Empty(e) => {
                builder.start(&e, span.clone())?;
                builder.end(span.end)?;
            }
            Event::End(_) => builder.end(span.end)?,
            Event::Text(_) => builder.text(span)?,
            Event::CData(_) => {
                // `<![CDATA[` before, `]]>` behind
                builder.text(span.start + 9..span.end.saturating_sub(3))?;
            }
            Event::GeneralRef(_) => builder.reference(span)?,
            Event::Comment(_) => {}
            Event::Decl(_) if first => {}
            Event::Decl(_) => {
                return Err(builder.fail(start, "an XML declaration may only come first".into()));
            }
            Event::DocType(_) => {
                return Err(builder.fail(start, "document type definitions are refused".into()));
            }
            Event::PI(_) => {
                return Err(builder.fail(start, "processing instructions are not supported".into()));
            }
            Event::Eof => break,
        }
        first = false;
    }
    builder.finish()
}

/// An open element.
struct Element {
    name: String,
    prosody: Prosody,
    voice: Option<String>,
    at: usize,
}

/// The content of an element that is read as a whole.
struct Capture {
    reading: Reading,
    glyphs: Vec<Glyph>,
}

enum Reading {
    SayAs { kind: String, format: String },
    Phoneme(String),
    Alias(String),
}

struct Builder<'a> {
    document: &'a str,
    surroundings: Surroundings<'a>,
    segments: Vec<Segment<'static>>,
    current: Segment<'static>,
    open: Vec<Element>,
    capture: Option<Capture>,
    root_closed: bool,
}

impl Builder<'_> {
    fn fail(&self, at: usize, problem: String) -> Error {
        let before = self
            .document
            .get(..at.min(self.document.len()))
            .unwrap_or(self.document);
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        Error::Ssml {
            line,
            column,
            problem,
        }
    }

    // -- elements -----------------------------------------------------------------------------

    fn start(&mut self, e: &BytesStart<'_>, span: Range<usize>) -> Result<()> {
        let at = span.start;
        let name = e.name().into_inner().to_owned();
        if self.root_closed {
            return Err(self.fail(at, format!("<{name}> after the end of <speak>")));
        }
        if self.open.is_empty() && name != "speak" {
            return Err(self.fail(
                at,
                format!("the document must start with <speak>, found <{name}>"),
            ));
        }
        if self.open.len() >= DEEPEST {
            return Err(self.fail(at, format!("elements are nested more than {DEEPEST} deep")));
        }
        if self.capture.is_some() {
            return Err(self.fail(
                at,
                format!("<{name}> cannot stand inside say-as, phoneme or sub"),
            ));
        }
        let attributes = attributes(e, &name).map_err(|p| self.fail(at, p))?;
        let get = |key: &str| {
            attributes
                .iter()
                .find(|(k, _)| k == key)
                .map(|(_, v)| v.as_str())
        };
        let parent = self.open.last();
        let mut element = Element {
            prosody: parent.map(|p| p.prosody).unwrap_or_default(),
            voice: parent.and_then(|p| p.voice.clone()),
            name: name.clone(),
            at,
        };
        let need = |key: &str| {
            get(key)
                .filter(|v| !v.trim().is_empty())
                .map(str::to_owned)
                .ok_or_else(|| self.fail(at, format!("<{name}> needs the attribute {key}")))
        };
        match name.as_str() {
            "speak" if self.open.is_empty() => {}
            "speak" => return Err(self.fail(at, "<speak> cannot be nested".into())),
            "p" | "s" => self.close(
                if name == "p" {
                    Ending::Paragraph
                } else {
                    Ending::Sentence
                },
                None,
            ),
            "break" => {
                let ms =
                    manner::pause_ms(get("time"), get("strength")).map_err(|p| self.fail(at, p))?;
                self.close(Ending::Open, Some(ms));
            }
            "mark" => {
                let mark = need("name")?;
                self.current.marks.push((mark, at));
            }
            "prosody" => {
                element.prosody =
                    manner::prosody(element.prosody, get("rate"), get("pitch"), get("volume"))
                        .map_err(|p| self.fail(at, p))?;
                self.close(Ending::Open, None);
            }
            "emphasis" => {
                element.prosody = manner::emphasis(element.prosody, get("level"))
                    .map_err(|p| self.fail(at, p))?;
                self.close(Ending::Open, None);
            }
            "voice" => {
                element.voice = Some(need("name")?);
                self.close(Ending::Open, None);
            }
            "say-as" => {
                let reading = Reading::SayAs {
                    kind: need("interpret-as")?,
                    format: get("format").unwrap_or_default().into(),
                };
                self.capture = Some(Capture {
                    reading,
                    glyphs: Vec::new(),
                });
            }
            "phoneme" => {
                let alphabet = get("alphabet").unwrap_or("ipa").to_lowercase();
                if ![
                    "ipa",
                    "x-misaki",
                    "misaki",
                    "x-arpabet",
                    "arpabet",
                    "x-cmu",
                    "cmu-arpabet",
                ]
                .contains(&alphabet.as_str())
                {
                    return Err(self.fail(at, format!("phoneme alphabet {alphabet:?} is not supported; use ipa, x-misaki or x-arpabet")));
                }
                let written = need("ph")?;
                let phonemes = notation::parse(&written, self.surroundings.dialect)
                    .map_err(|p| self.fail(at, format!("phonemes /{written}/: {p}")))?;
                self.capture = Some(Capture {
                    reading: Reading::Phoneme(phonemes),
                    glyphs: Vec::new(),
                });
            }
            "sub" => {
                let reading = Reading::Alias(need("alias")?);
                self.capture = Some(Capture {
                    reading,
                    glyphs: Vec::new(),
                });
            }
            other => {
                return Err(self.fail(
                    at,
                    format!("<{other}> is not supported; supported are {SUPPORTED}"),
                ));
            }
        }
        self.current.prosody = element.prosody;
        self.current.voice = element.voice.clone();
        self.open.push(element);
        Ok(())
    }

    fn end(&mut self, at: usize) -> Result<()> {
        let Some(element) = self.open.pop() else {
            return Err(self.fail(at, "a closing tag without its start".into()));
        };
        if let Some(capture) = self.capture.take() {
            let tokens = self.captured(capture, element.at..at)?;
            let source = element.at..at;
            self.append(&OBJECT.to_string(), source);
            self.current.objects.push(tokens);
        }
        match element.name.as_str() {
            "p" => self.close(Ending::Paragraph, None),
            "s" => self.close(Ending::Sentence, None),
            "prosody" | "emphasis" | "voice" => self.close(Ending::Open, None),
            "speak" => self.root_closed = true,
            _ => {}
        }
        let parent = self.open.last();
        self.current.prosody = parent.map(|p| p.prosody).unwrap_or_default();
        self.current.voice = parent.and_then(|p| p.voice.clone());
        Ok(())
    }

    /// The tokens an element's content is replaced by.
    fn captured(&self, capture: Capture, element: Range<usize>) -> Result<Vec<Token>> {
        let at = element.start;
        let span = match (capture.glyphs.first(), capture.glyphs.last()) {
            (Some(first), Some(last)) => first.span.start..last.span.end,
            _ => element,
        };
        let written: String = capture.glyphs.iter().map(|g| g.ch).collect();
        let mut ignored = Vec::new();
        match capture.reading {
            Reading::Phoneme(phonemes) => Ok(vec![Token {
                text: written.trim().to_owned(),
                span,
                kind: TokenKind::Phonemes(phonemes),
            }]),
            Reading::Alias(alias) => {
                let glyphs = clean(&alias, |_| span.clone(), &mut ignored);
                normalise(&glyphs, self.surroundings, &mut ignored)
            }
            Reading::SayAs { kind, format } => {
                if written.trim().is_empty() {
                    return Err(self.fail(at, "<say-as> is empty".into()));
                }
                say_as(
                    &kind,
                    &format,
                    &capture.glyphs,
                    self.surroundings,
                    &mut ignored,
                )
                .map_err(|p| self.fail(at, p))
            }
        }
    }

    // -- text ---------------------------------------------------------------------------------

    /// Character data; `trim` is what surrounds it (`<![CDATA[` and `]]>`).
    fn text(&mut self, span: Range<usize>) -> Result<()> {
        let raw = self.document.get(span.clone()).unwrap_or_default();
        if self.open.is_empty() {
            if raw.trim_start_matches('\u{FEFF}').trim().is_empty() {
                return Ok(());
            }
            return Err(self.fail(span.start, "text outside of <speak>".into()));
        }
        let raw = raw.to_owned();
        self.append(&raw, span);
        Ok(())
    }

    fn reference(&mut self, span: Range<usize>) -> Result<()> {
        let raw = self.document.get(span.clone()).unwrap_or_default();
        let name = raw.trim_start_matches('&').trim_end_matches(';');
        let Some(c) = entity(name) else {
            return Err(self.fail(span.start, format!("the entity &{name}; is not supported; only &amp; &lt; &gt; &quot; &apos; and character numbers are")));
        };
        if self.open.is_empty() {
            return Err(self.fail(span.start, "text outside of <speak>".into()));
        }
        self.append(&c.to_string(), span);
        Ok(())
    }

    /// Adds text that stands at `source`.
    fn append(&mut self, text: &str, source: Range<usize>) {
        if let Some(capture) = &mut self.capture {
            let same = text.len() == source.len();
            let map = |r: Range<usize>| {
                if same {
                    source.start + r.start..source.start + r.end
                } else {
                    source.clone()
                }
            };
            capture.glyphs.extend(clean(text, map, &mut Vec::new()));
            return;
        }
        self.current.map.push((self.current.text.len(), source));
        // White space has no meaning in XML; a stray object character would have one here.
        let object = text.len() == OBJECT.len_utf8() && text.starts_with(OBJECT);
        let current = self.current.text.to_mut();
        for c in text.chars() {
            match c {
                '\n' | '\r' | '\t' => current.push(' '),
                OBJECT if !object => current.push_str("   "),
                c => current.push(c),
            }
        }
    }

    /// Ends the current segment; a pause goes to whatever was spoken last.
    fn close(&mut self, ending: Ending, pause_ms: Option<u32>) {
        let (prosody, voice) = (self.current.prosody, self.current.voice.clone());
        let empty = self.current.text.trim().is_empty();
        if empty {
            if let Some(last) = self.segments.last_mut() {
                last.ending = last.ending.max(ending);
                if let Some(ms) = pause_ms {
                    last.pause_after_ms = Some(last.pause_after_ms.unwrap_or(0) + ms);
                }
            }
        } else {
            let mut done = std::mem::take(&mut self.current);
            done.ending = ending;
            done.pause_after_ms = pause_ms;
            self.segments.push(done);
        }
        let marks = if empty {
            std::mem::take(&mut self.current.marks)
        } else {
            Vec::new()
        };
        self.current = Segment {
            prosody,
            voice,
            marks,
            ..Segment::default()
        };
    }

    fn finish(mut self) -> Result<Vec<Segment<'static>>> {
        if let Some(element) = self.open.last() {
            return Err(self.fail(element.at, format!("<{}> is not closed", element.name)));
        }
        if !self.root_closed {
            return Err(self.fail(self.document.len(), "there is no <speak> element".into()));
        }
        self.close(Ending::Paragraph, None);
        Ok(self.segments)
    }
}
