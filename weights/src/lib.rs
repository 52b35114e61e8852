//! Starter weights, embedded.
