//! Initial sequence numbers (RFC 9293 §3.4.1, RFC 6528 §3).

use core::hash::{Hash, Hasher};

use siphasher::sip::SipHasher24;
use twomsl_wire::SeqNum;

use crate::profile::IsnSource;
use crate::time::nanos;
use crate::tuple::Tuple;
use crate::{Instant, Profile};

/// ISN = M + F(localip, localport, remoteip, remoteport, secretkey): the clock lets incarnations
/// of one 4-tuple follow each other, the keyed hash keeps others from guessing.
pub(crate) fn initial_sequence(
    now: Instant,
    tuple: &Tuple,
    secret: &[u8; 16],
    profile: &Profile,
) -> SeqNum {
    match profile.isn {
        IsnSource::Fixed(isn) => SeqNum::new(isn),
        IsnSource::Clock(tick) => {
            let clock = now.as_nanos() / nanos(tick).max(1);
            SeqNum::new(keyed(secret, tuple).wrapping_add(clock) as u32)
        }
    }
}

/// A keyed hash of anything.
pub(crate) fn keyed(secret: &[u8; 16], value: &impl Hash) -> u64 {
    let mut hasher = SipHasher24::new_with_key(secret);
    value.hash(&mut hasher);
    hasher.finish()
}
