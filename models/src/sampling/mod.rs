//! Drawing from distributions: reproducible, addressed by (seed, position).

mod distribution;
mod sampler;
mod uniform;

pub use distribution::{mix, softmax, top_k, top_p};
pub use sampler::{Sampler, Sampling};
pub use uniform::uniform;
