//! The `syrinx` command.
fn main() {}
