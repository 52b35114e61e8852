//! Vector registers behind one trait, and the choice between them at run time.
//!
//! Every loop of this module is written once, generic over [`Simd`], and compiled once per
//! instruction set by [`dispatch!`]. A release binary built for plain x86-64 therefore uses AVX2 or
//! AVX-512 where the machine has it.

use std::sync::OnceLock;

/// The instruction set a kernel runs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Level {
    /// Plain Rust over groups of eight numbers; the compiler uses what the build target guarantees.
    Portable,
    /// x86-64 with AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// x86-64 with AVX-512F.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 64-bit ARM.
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Level {
    /// The best level this machine offers. `SYRINX_SIMD=portable|avx2|avx512` lowers it (it never
    /// raises it above what the machine has).
    pub fn best() -> Self {
        static BEST: OnceLock<Level> = OnceLock::new();
        *BEST.get_or_init(|| {
            let available = Self::available();
            let wished = std::env::var("SYRINX_SIMD").unwrap_or_default();
            let named = available
                .iter()
                .find(|l| l.name() == wished.to_ascii_lowercase());
            named
                .or(available.last())
                .copied()
                .unwrap_or(Self::Portable)
        })
    }

    /// All levels this machine can run, slowest first.
    pub fn available() -> Vec<Self> {
        #[allow(unused_mut)]
        let mut levels = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                levels.push(Self::Avx2);
                if is_x86_feature_detected!("avx512f") {
                    levels.push(Self::Avx512);
                }
            }
        }
        #[cfg(target_arch = "aarch64")]
        levels.push(Self::Neon);
        levels
    }

    /// Short lower-case name, as accepted by `SYRINX_SIMD`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
            #[cfg(target_arch = "aarch64")]
            Self::Neon => "neon",
        }
    }

    /// Output channels computed together by the convolution tile, the height of a weight panel.
    pub(crate) fn panel(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => 8,
            _ => 4,
        }
    }
}

/// One vector register full of `f32`.
///
/// # Safety
/// Every method may only run on a machine that has the instruction set, inside a function compiled
/// for it ([`dispatch!`] takes care of both); pointers must be valid for the lanes they touch.
pub(crate) trait Simd: Copy + 'static {
    type V: Copy;
    type M: Copy;
    const LANES: usize;
    /// Output channels per convolution tile; equals [`Level::panel`] of the level.
    const PANEL: usize;
    /// Vectors per row of a full convolution tile.
    const WIDTH: usize;

    unsafe fn splat(x: f32) -> Self::V;
    unsafe fn load(p: *const f32) -> Self::V;
    unsafe fn store(p: *mut f32, v: Self::V);
    /// Loads the first `n < LANES` lanes, zero elsewhere.
    unsafe fn load_part(p: *const f32, n: usize) -> Self::V;
    unsafe fn store_part(p: *mut f32, n: usize, v: Self::V);
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V;
    /// a·b + c.
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// c − a·b.
    unsafe fn fnma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The numbers whose upper halves lie at `p`, `LANES` of them: bf16 to f32.
    unsafe fn load_bf16(p: *const u16) -> Self::V;
    /// The larger; `b` where either is not a number.
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V;
    /// The smaller; `b` where either is not a number.
    unsafe fn min(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sqrt(a: Self::V) -> Self::V;
    unsafe fn abs(a: Self::V) -> Self::V;
    /// Magnitude of `a`, sign of `s`.
    unsafe fn copysign(a: Self::V, s: Self::V) -> Self::V;
    /// To the nearest integer.
    unsafe fn round(a: Self::V) -> Self::V;
    /// 2ⁿ for integral −126 ≤ n ≤ 127.
    unsafe fn exp2_int(n: Self::V) -> Self::V;
    /// The sum of all lanes.
    unsafe fn sum(a: Self::V) -> f32;
    unsafe fn lt(a: Self::V, b: Self::V) -> Self::M;
    /// `a` where the mask is set, else `b`.
    unsafe fn select(m: Self::M, a: Self::V, b: Self::V) -> Self::V;

    /// Adds the products of a convolution tile to `sums`, for all channels and taps of `walk`.
    ///
    /// Each sum runs over channels, then taps, in order, whatever the tile: so a signal cut into
    /// chunks gives the same bits as the whole.
    #[inline(always)]
    unsafe fn accumulate<const ROWS: usize, const COLS: usize>(
        sums: &mut [[Self::V; COLS]; ROWS],
        walk: &Walk,
    ) {
        // SAFETY: passed on.
        unsafe { accumulate_any::<Self, ROWS, COLS>(sums, walk) }
    }
}

/// [`Simd::accumulate`] for any tile.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // arrays in registers: indices unroll for certain
pub(crate) unsafe fn accumulate_any<S: Simd, const ROWS: usize, const COLS: usize>(
    sums: &mut [[S::V; COLS]; ROWS],
    walk: &Walk,
) {
    unsafe {
        let (mut weights, mut signal) = (walk.weights, walk.signal);
        for _ in 0..walk.channels {
            for k in 0..walk.tap_count {
                let from = signal.add(*walk.taps.add(k));
                let mut x = [S::splat(0.0); COLS];
                for c in 0..COLS {
                    x[c] = S::load(from.add(c * S::LANES));
                }
                for r in 0..ROWS {
                    let w = S::splat(*weights.add(r));
                    for c in 0..COLS {
                        sums[r][c] = S::fma(w, x[c], sums[r][c]);
                    }
                }
                weights = weights.add(ROWS);
            }
            signal = signal.add(walk.step);
        }
    }
}

/// What a convolution tile reads.
#[derive(Clone, Copy)]
pub(crate) struct Walk {
    /// Weights \[channel\]\[tap\]\[row\].
    pub weights: *const f32,
    /// The first step of the tile in the first channel.
    pub signal: *const f32,
    /// From one channel to the next, in numbers; not 0.
    pub step: usize,
    /// At least 1.
    pub channels: usize,
    /// Start of each tap within a channel, in numbers.
    pub taps: *const usize,
    /// At least 1.
    pub tap_count: usize,
}

/// Runs a generic `unsafe fn f<S: Simd>(…)`, compiled for the instruction set of `$level`.
macro_rules! dispatch {
    ($level:expr, $f:ident ( $($arg:ident : $ty:ty),* $(,)? )) => {{
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn avx2($($arg: $ty),*) {
            // SAFETY: the caller's contract, and this function is compiled for the set.
            unsafe { $f::<$crate::kernel::x86::Avx2>($($arg),*) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx2,fma")]
        unsafe fn avx512($($arg: $ty),*) {
            // SAFETY: as above.
            unsafe { $f::<$crate::kernel::x86::Avx512>($($arg),*) }
        }
        // SAFETY: a `Level` other than Portable only comes from `Level::available`, so the machine
        // has the set; the caller answers for the arguments.
        match $level {
            $crate::kernel::Level::Portable => unsafe { $f::<$crate::kernel::portable::Portable>($($arg),*) },
            #[cfg(target_arch = "x86_64")]
            $crate::kernel::Level::Avx2 => unsafe { avx2($($arg),*) },
            #[cfg(target_arch = "x86_64")]
            $crate::kernel::Level::Avx512 => unsafe { avx512($($arg),*) },
            #[cfg(target_arch = "aarch64")]
            $crate::kernel::Level::Neon => unsafe { $f::<$crate::kernel::neon::Neon>($($arg),*) },
        }
    }};
}
pub(crate) use dispatch;
