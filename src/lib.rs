//! Syrinx, an audio generation engine.
