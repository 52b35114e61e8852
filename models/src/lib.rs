//! Networks that predict.
