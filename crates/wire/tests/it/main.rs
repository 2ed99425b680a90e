//! What the crate promises about bytes, options and sequence numbers.

mod damage;
mod icmp;
mod malformed;
mod options;
mod oracle;
mod round_trip;
mod samples;
mod sequence;
