//! From candle's storage to plain slices.

use std::mem::MaybeUninit;

use candle_core::{CpuStorage, Layout, Result, Tensor, bail};

/// The numbers of a contiguous f32 tensor.
pub(crate) fn elements<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let CpuStorage::F32(data) = storage else {
        bail!(
            "kernels work on f32, the tensor has {:?}",
            storage_type(storage)
        )
    };
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&data[start..end]),
        None => bail!(
            "kernels need a contiguous tensor, this one has strides {:?}",
            layout.stride()
        ),
    }
}

fn storage_type(storage: &CpuStorage) -> candle_core::DType {
    use candle_core::backend::BackendStorage;
    storage.dtype()
}

/// A vector of `n` numbers written by `fill`, without writing zeros first: the results of a vocoder
/// are large enough for that to show.
///
/// # Safety
/// Where `fill` succeeds, it must have written every number.
pub(crate) unsafe fn filled(
    n: usize,
    fill: impl FnOnce(&mut [MaybeUninit<f32>]) -> Result<()>,
) -> Result<Vec<f32>> {
    let mut numbers = Vec::with_capacity(n);
    fill(&mut numbers.spare_capacity_mut()[..n])?;
    // SAFETY: the capacity is at least `n`, and all of them are written.
    unsafe { numbers.set_len(n) };
    Ok(numbers)
}

/// The same memory, seen as still to be written.
pub(crate) fn unwritten(x: &mut [f32]) -> &mut [MaybeUninit<f32>] {
    // SAFETY: one layout; the kernels only ever write numbers through it.
    unsafe { &mut *(std::ptr::from_mut(x) as *mut [MaybeUninit<f32>]) }
}

pub(crate) fn same_shape(what: &str, a: &Tensor, b: &Tensor) -> Result<()> {
    if a.shape() != b.shape() {
        bail!("{what}: shapes {:?} and {:?} differ", a.shape(), b.shape())
    }
    Ok(())
}
