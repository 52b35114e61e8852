//! What a causal convolution remembers between two pieces of a signal.

use candle_core::{Result, Tensor};

/// The last columns of a signal [1, C, T] that comes in pieces: the past of a convolution's next outputs.
#[derive(Debug, Clone)]
pub(super) struct Tail {
    columns: usize,
    zeros: usize,
    kept: Option<Tensor>,
}

impl Tail {
    /// Keeps `columns` columns; before the signal stand as many zeros.
    pub fn new(columns: usize) -> Self {
        Self::padded(columns, columns)
    }

    /// Keeps `columns` columns; before the signal stand `zeros` zeros.
    pub fn padded(columns: usize, zeros: usize) -> Self {
        Self {
            columns,
            zeros,
            kept: None,
        }
    }

    /// The piece `x` with the columns before it in front.
    pub fn extend(&mut self, x: &Tensor) -> Result<Tensor> {
        let whole = match &self.kept {
            Some(kept) => Tensor::cat(&[kept, x], 2)?,
            None if self.zeros > 0 => x.pad_with_zeros(2, self.zeros, 0)?,
            None => x.clone(),
        };
        let length = whole.dim(2)?;
        let keep = self.columns.min(length);
        // A copy: a view would keep the whole piece alive.
        self.kept = Some(whole.narrow(2, length - keep, keep)?.force_contiguous()?);
        Ok(whole)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn pieces_are_led_by_what_came_before() {
        let x = Tensor::new(&[[[1f32, 2.0, 3.0, 4.0, 5.0]]], &Device::Cpu).unwrap();
        let mut tail = Tail::new(2);
        let mut piece = |first, count| {
            let x = x.narrow(2, first, count).unwrap();
            let whole = tail.extend(&x).unwrap();
            whole.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        assert_eq!(piece(0, 1), [0.0, 0.0, 1.0]);
        assert_eq!(piece(1, 3), [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(piece(4, 1), [3.0, 4.0, 5.0]);
    }
}
