//! TCP options in words.

use twomsl_tcp::wire::Options;

/// One option, as far as a rendering cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    NoOperation,
    EndOfList,
    Mss(u16),
    Scale(u8),
    SackPermitted,
    Sack(Vec<(u32, u32)>),
    Timestamps(u32, u32),
    FastOpen(usize),
    /// Kind, and octets of data.
    Other(u8, usize),
}

/// The options of a segment in their order. Stops at the first malformed one: a trace can
/// hold any bytes that a scenario forged.
pub(crate) fn words(options: &Options) -> Vec<Word> {
    let mut rest = options.as_bytes();
    let mut words = Vec::new();
    while let Some((&kind, tail)) = rest.split_first() {
        let single = match kind {
            0 => Some(Word::EndOfList),
            1 => Some(Word::NoOperation),
            _ => None,
        };
        if let Some(word) = single {
            words.push(word);
            rest = tail;
            continue;
        }
        let length = tail.first().map_or(0, |length| usize::from(*length));
        if length < 2 || length > rest.len() {
            break;
        }
        words.push(word(kind, &rest[2..length]));
        rest = &rest[length..];
    }
    words
}

/// The window scale that a SYN offers.
pub(crate) fn window_scale(options: &Options) -> Option<u8> {
    words(options).into_iter().find_map(|word| match word {
        Word::Scale(shift) => Some(shift),
        _ => None,
    })
}

fn word(kind: u8, data: &[u8]) -> Word {
    match (kind, data) {
        (2, [high, low]) => Word::Mss(u16::from_be_bytes([*high, *low])),
        (3, [shift]) => Word::Scale(*shift),
        (4, []) => Word::SackPermitted,
        (5, blocks) if blocks.len() % 8 == 0 => {
            Word::Sack(blocks.chunks_exact(8).map(|b| (number(&b[..4]), number(&b[4..]))).collect())
        }
        (8, stamps) if stamps.len() == 8 => {
            Word::Timestamps(number(&stamps[..4]), number(&stamps[4..]))
        }
        (34, cookie) => Word::FastOpen(cookie.len()),
        _ => Word::Other(kind, data.len()),
    }
}

/// Up to four octets, the most significant first.
fn number(octets: &[u8]) -> u32 {
    octets.iter().fold(0, |value, octet| value << 8 | u32::from(*octet))
}
