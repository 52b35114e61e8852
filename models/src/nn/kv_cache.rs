//! Keys and values of the positions a causal network has seen.

use std::sync::Arc;

/// Keys and values of every layer, position by position; cloning shares what was sealed.
///
/// A prompt is read once, sealed, and shared by every session that is cloned from it; only the
/// positions after the seal are copied.
#[derive(Debug, Clone)]
pub struct KvCache {
    sealed: Vec<Arc<Segment>>,
    open: Segment,
    width: usize,
    positions: usize,
}

/// A stretch of positions; per layer, rows of `width` numbers.
#[derive(Debug, Clone)]
struct Segment {
    layers: Vec<Rows>,
}

#[derive(Debug, Clone, Default)]
struct Rows {
    keys: Vec<f32>,
    values: Vec<f32>,
}

impl KvCache {
    /// An empty cache for `layers` layers whose keys and values are `width` numbers each.
    pub fn new(layers: usize, width: usize) -> Self {
        let open = Segment {
            layers: vec![Rows::default(); layers],
        };
        Self {
            sealed: Vec::new(),
            open,
            width,
            positions: 0,
        }
    }

    /// Positions seen so far.
    pub fn positions(&self) -> usize {
        self.positions
    }

    /// Bytes held, those shared with clones included.
    pub fn bytes(&self) -> usize {
        self.positions * self.width * self.open.layers.len() * 2 * size_of::<f32>()
    }

    /// Numbers in a key or a value.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Makes what was seen so far shareable: clones made from now on do not copy it.
    pub fn seal(&mut self) {
        if self.open.layers.iter().any(|rows| !rows.keys.is_empty()) {
            let empty = Segment {
                layers: vec![Rows::default(); self.open.layers.len()],
            };
            self.sealed
                .push(Arc::new(std::mem::replace(&mut self.open, empty)));
        }
    }

    /// Adds keys and values [T, width] of one layer; the positions count once [`KvCache::advance`] is called.
    pub(super) fn append(&mut self, layer: usize, keys: &[f32], values: &[f32]) {
        let rows = &mut self.open.layers[layer];
        rows.keys.extend_from_slice(keys);
        rows.values.extend_from_slice(values);
    }

    /// Counts `rows` positions as seen, after every layer has appended them.
    pub(super) fn advance(&mut self, rows: usize) {
        self.positions += rows;
    }

    /// Keys and values of one layer, in order, in stretches of [n, width].
    pub(super) fn rows(&self, layer: usize) -> impl Iterator<Item = (&[f32], &[f32])> + Clone {
        let segments = self
            .sealed
            .iter()
            .map(|segment| &**segment)
            .chain([&self.open]);
        segments.map(move |segment| {
            let rows = &segment.layers[layer];
            (&rows.keys[..], &rows.values[..])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_sealed_part_and_part_ways_after_it() {
        let mut cache = KvCache::new(1, 2);
        cache.append(0, &[1.0, 2.0], &[3.0, 4.0]);
        cache.advance(1);
        cache.seal();
        let mut other = cache.clone();
        other.append(0, &[5.0, 6.0], &[7.0, 8.0]);
        other.advance(1);
        let keys = |cache: &KvCache| {
            cache
                .rows(0)
                .flat_map(|(keys, _)| keys.to_vec())
                .collect::<Vec<_>>()
        };
        assert_eq!(keys(&cache), [1.0, 2.0]);
        assert_eq!(keys(&other), [1.0, 2.0, 5.0, 6.0]);
        assert_eq!(
            (cache.positions(), other.positions(), other.bytes()),
            (1, 2, 32)
        );
    }
}
