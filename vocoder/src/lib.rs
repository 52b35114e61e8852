//! Signal ↔ spectrum ↔ wave.
