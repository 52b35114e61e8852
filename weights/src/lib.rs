//! Starter weights of Syrinx, embedded behind features. Data only.
//!
//! A model is a list of files under the names they have in their folder of this crate, so that
//! the same loader reads an embedded model and one on disk.

/// Files of a model: name and contents.
pub type Files = &'static [(&'static str, &'static [u8])];

/// The starter text-to-speech model and its voices; `None` without the feature `starter-voice`.
pub const STARTER_VOICE: Option<Files> = None;
