//! Decoding piece by piece.

use std::sync::Arc;

use candle_core::Tensor;

use super::{Acoustic, AcousticFrames, Timbre};
use crate::Result;

/// What the decoder is given, still per symbol and per code.
#[derive(Debug, Clone)]
pub(super) struct Conditions {
    /// Content in the timbre, [N, C].
    pub content: Tensor,
    /// Symbol of each unit, `[U]`.
    pub index: Vec<u32>,
    /// Position features of each unit, [U, 3].
    pub position: Vec<[f32; 3]>,
    /// Prosody, [ceil(U / r)].
    pub codes: Vec<u32>,
}

impl Conditions {
    pub fn units(&self) -> usize {
        self.index.len()
    }
}

/// Chunks of a decoding, see [`Acoustic::decode_stream`].
#[derive(Debug, Clone)]
pub struct DecodeStream {
    acoustic: Arc<Acoustic>,
    conditions: Conditions,
    timbre: Timbre,
    chunk: usize,
    done: usize,
}

impl DecodeStream {
    pub(super) fn new(
        acoustic: Arc<Acoustic>,
        conditions: Conditions,
        timbre: Timbre,
        chunk: usize,
    ) -> Self {
        Self {
            acoustic,
            conditions,
            timbre,
            chunk: chunk.max(1),
            done: 0,
        }
    }

    /// Changes the size of the chunks to come, in units: a small first one sounds sooner, larger ones cost less.
    pub fn set_chunk(&mut self, chunk: usize) {
        self.chunk = chunk.max(1);
    }

    /// Leaves out the next units, for instance a silence that nobody wants to hear; those after them stay the same.
    pub fn skip_units(&mut self, units: usize) {
        self.done = self.done.saturating_add(units).min(self.conditions.units());
    }

    /// Units that are still to come.
    pub fn remaining_units(&self) -> usize {
        self.conditions.units() - self.done
    }
}

impl Iterator for DecodeStream {
    type Item = Result<AcousticFrames>;

    fn next(&mut self) -> Option<Self::Item> {
        let (first, units) = (self.done, self.conditions.units());
        if first == units {
            return None;
        }
        let end = (first + self.chunk).min(units);
        self.done = end;
        // The edges of a range are decoded as if nothing stood beyond, so it is taken wider and cut.
        let context = self.acoustic.decoder.context();
        let from = first.saturating_sub(context);
        let wide = from..(end + context).min(units);
        let per_unit = self.acoustic.config().frames_per_unit;
        let (skip, count) = ((first - from) * per_unit, (end - first) * per_unit);
        Some(
            self.acoustic
                .decode_units(&self.conditions, &self.timbre, wide)
                .and_then(|wide| wide.cut(skip, count)),
        )
    }
}

impl AcousticFrames {
    /// `count` frames from `skip` on.
    fn cut(self, skip: usize, count: usize) -> Result<Self> {
        let part = |values: &[f32]| values.iter().skip(skip).take(count).copied().collect();
        Ok(Self {
            mel: self.mel.narrow(1, skip, count)?.contiguous()?,
            f0_hz: part(&self.f0_hz),
            voicing: part(&self.voicing),
        })
    }
}
