//! What the renderers make of hand-made traces.
#![expect(unreachable_pub, reason = "one binary, whose modules share their helpers")]

mod stories;
mod support;

mod digest;
mod jsonl;
mod ladder;
mod query;
mod robust;
mod ss;
mod tcpdump;
