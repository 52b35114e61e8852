//! The command as people run it: exit codes, what goes to which stream, what is left on disk.

#[cfg(feature = "starter-voice")]
#[path = "cli/batch.rs"]
mod batch;
#[path = "cli/bench.rs"]
mod bench;
#[cfg(feature = "starter-voice")]
#[path = "cli/clips.rs"]
mod clips;
#[cfg(feature = "starter-voice")]
#[path = "cli/clone.rs"]
mod clone;
#[path = "cli/convert.rs"]
mod convert;
#[path = "cli/dream.rs"]
mod dream;
#[path = "cli/errors.rs"]
mod errors;
#[cfg(feature = "starter-voice")]
#[path = "cli/library.rs"]
mod library;
#[path = "cli/lists.rs"]
mod lists;
#[path = "cli/live.rs"]
mod live;
#[cfg(feature = "starter-voice")]
#[path = "cli/recording.rs"]
mod recording;
#[cfg(feature = "starter-voice")]
#[path = "cli/say.rs"]
mod say;
