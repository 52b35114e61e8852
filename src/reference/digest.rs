//! Names for contents.

use std::io;

/// FNV-1a with 128 bits (Fowler, Noll and Vo): the same on every machine and in every version, which the standard
/// library's hashes do not promise. Tells contents apart; is no protection against forgery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digest(u128);

impl Default for Digest {
    fn default() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }
}

impl Digest {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

    pub fn of(bytes: &[u8]) -> Self {
        let mut digest = Self::default();
        digest.add(bytes);
        digest
    }

    pub fn add(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |state, &byte| {
            (state ^ u128::from(byte)).wrapping_mul(Self::PRIME)
        });
    }

    /// 32 hexadecimal digits.
    pub fn hex(self) -> String {
        format!("{:032x}", self.0)
    }
}

impl io::Write for Digest {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.add(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test vectors of the authors.
    #[test]
    fn digests_are_those_of_the_standard() {
        assert_eq!(Digest::of(b"").hex(), "6c62272e07bb014262b821756295c58d");
        assert_eq!(Digest::of(b"a").hex(), "d228cb696f1a8caf78912b704e4a8964");
        assert_eq!(
            Digest::of(b"foobar").hex(),
            "343e1662793c64bf6f0d3597ba446f18"
        );
    }

    #[test]
    fn pieces_add_up() {
        let mut digest = Digest::of(b"foo");
        digest.add(b"bar");
        assert_eq!(digest, Digest::of(b"foobar"));
    }
}
