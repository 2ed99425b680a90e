//! One number for a whole run.

use std::fmt::Write as _;
use std::io;

use sha2::{Digest as _, Sha256};

use crate::jsonl;
use crate::model::Trace;

/// SHA-256 of the [JSON lines](jsonl), as 64 hexadecimal digits. Runs that differ in anything
/// at all, be it one nanosecond, have different digests.
pub fn hex(trace: &Trace) -> String {
    let mut hash = Hash(Sha256::new());
    // Neither a hash nor the plain data of a trace can fail to be written.
    jsonl::write(trace, &mut hash).expect("a hash takes everything");
    let mut text = String::with_capacity(64);
    for octet in hash.0.finalize() {
        _ = write!(text, "{octet:02x}");
    }
    text
}

/// Hashes what is written into it, so that no copy of the text is needed.
struct Hash(Sha256);

impl io::Write for Hash {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.update(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
