//! Tokens: content features by their nearest cluster, and runs of equal ones (section "Content Extractor").

use candle_core::Tensor;

use crate::Result;
use crate::error::input;
use crate::nn::VectorQuantizer;

/// Clusters of content features.
#[derive(Debug, Clone)]
pub struct KMeans {
    centroids: VectorQuantizer,
    clusters: usize,
    width: usize,
}

impl KMeans {
    /// From centroids [K, F].
    ///
    /// # Errors
    /// If they are no matrix.
    pub fn new(centroids: &Tensor) -> candle_core::Result<Self> {
        let (clusters, width) = centroids.dims2()?;
        Ok(Self {
            centroids: VectorQuantizer::from_codebook(centroids.clone())?,
            clusters,
            width,
        })
    }

    /// Number of clusters.
    pub fn clusters(&self) -> usize {
        self.clusters
    }

    /// The nearest centroid of each unit of `features` [U, F].
    ///
    /// # Errors
    /// [`crate::Error::Input`] for features of another width.
    pub fn tokens(&self, features: &Tensor) -> Result<Vec<u32>> {
        if features.rank() != 2 || features.dim(1)? != self.width {
            return input(format!(
                "features of shape {:?}, expected [units, {}]",
                features.dims(),
                self.width
            ));
        }
        Ok(self.centroids.encode(features)?)
    }

    /// Centroids [N, F] of tokens.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for a token that there is not.
    pub fn centroids(&self, tokens: &[u32]) -> Result<Tensor> {
        if let Some(token) = tokens.iter().find(|&&t| t as usize >= self.clusters) {
            return input(format!("token {token}: there are {}", self.clusters));
        }
        Ok(self.centroids.decode(tokens)?)
    }
}

/// Tokens with each run of equal ones as one, and the lengths of the runs.
///
/// ```
/// use syrinx_models::stablevc::dedup;
/// assert_eq!(dedup(&[7, 7, 2, 7]), (vec![7, 2, 7], vec![2, 1, 1]));
/// ```
pub fn dedup(tokens: &[u32]) -> (Vec<u32>, Vec<u32>) {
    tokens
        .chunk_by(|a, b| a == b)
        .map(|run| (run[0], run.len() as u32))
        .unzip()
}
