//! The English text front end: text or SSML to phonemes with source positions.
//!
//! ```text
//! text ─ sentence ─ glyph ─ normalise ─ tagger, pronounce ─ chunk ─ Utterance
//! SSML ─ ssml ──────┘
//! ```
//!
//! Every [`Symbol`] and [`Word`] carries the bytes of the original text it
//! stands for, so that word and phone times ([`timing`]) cost nothing. The
//! dictionaries, tagger and network for unknown words are embedded and read in
//! place; there is nothing to install and nothing to parse at start-up. See
//! `src/text/data/NOTICE` for where they come from.
//!
//! ```
//! use syrinx::text::{Dialect, FrontEnd};
//!
//! let front_end = FrontEnd::new(Dialect::American);
//! assert_eq!(front_end.phonemize("Dr. Smith paid $3.50.")?, "dˈɑktəɹ smˈɪθ pˈAd θɹˈi dˈɑləɹz ænd fˈɪfti sˈɛnts.");
//! for utterance in front_end.utterances("Hello. Goodbye.") {
//!     let utterance = utterance?;
//!     assert_eq!(utterance.ids().first(), Some(&0));
//! }
//! # Ok::<(), syrinx::text::Error>(())
//! ```

mod chunk;
mod dictionary;
mod error;
mod front_end;
mod glyph;
mod inflection;
mod layer;
mod lexicon;
mod manner;
mod markup;
mod normalise;
mod notation;
mod oov;
mod phonemes;
mod pronounce;
mod segment;
mod sentence;
mod ssml;
mod stress;
mod tagger;
pub mod timing;
mod token;
mod utterance;
mod utterances;
mod vocabulary;

pub use error::{Diagnostic, DiagnosticKind, Error, Result};
pub use front_end::{FrontEnd, Limits, Pauses};
pub use lexicon::Lexicon;
pub use utterance::{Prosody, Symbol, Utterance, Word};
pub use utterances::Utterances;
pub use vocabulary::Vocabulary;

/// Which English is spoken.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// General American.
    #[default]
    American,
    /// Southern British.
    British,
}
