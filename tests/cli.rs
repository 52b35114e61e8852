//! The command as people run it: exit codes, what goes to which stream, what is left on disk.

#[cfg(feature = "starter-voice")]
#[path = "cli/batch.rs"]
mod batch;
#[path = "cli/bench.rs"]
mod bench;
#[path = "cli/errors.rs"]
mod errors;
#[path = "cli/lists.rs"]
mod lists;
#[cfg(feature = "starter-voice")]
#[path = "cli/say.rs"]
mod say;
