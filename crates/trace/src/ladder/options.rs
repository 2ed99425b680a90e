//! Options and ECN marks in words: `mss=1460 sackOK TS ws=7`, `sack=1461:2921`, `CE`.

use twomsl_tcp::Verdict;
use twomsl_tcp::wire::{Ecn, Flags, SackBlocks, Segment, TcpOption};

use super::label::number;
use crate::connections::Connections;
use crate::model::PacketId;

/// The RFC about timestamps: a verdict that cites it is about them.
const TIMESTAMPS: &str = "7323";

/// The options of a segment that tell a story, in the order in which it has them. A malformed
/// option, which a forged segment may hold, is left out.
pub(super) fn words(connections: &Connections, id: PacketId, segment: &Segment) -> Vec<String> {
    let options = segment.options.iter().filter_map(Result::ok);
    let words = options.map(|option| match option {
        TcpOption::Sack(blocks) => sack(connections, id, segment, &blocks),
        _ if segment.has(Flags::SYN) => offer(option),
        // Timestamps would make every row longer and say nothing: tcpdump and JSON lines have
        // them.
        _ => None,
    });
    words.flatten().collect()
}

/// What a SYN offers.
fn offer(option: TcpOption<'_>) -> Option<String> {
    match option {
        TcpOption::MaximumSegmentSize(mss) => Some(format!("mss={mss}")),
        TcpOption::WindowScale(shift) => Some(format!("ws={shift}")),
        TcpOption::SackPermitted => Some("sackOK".to_owned()),
        TcpOption::Timestamps { .. } => Some("TS".to_owned()),
        TcpOption::FastOpen([]) => Some("fast-open".to_owned()),
        TcpOption::FastOpen(cookie) => Some(format!("fast-open={}", cookie.len())),
        TcpOption::Unknown { kind, .. } => Some(format!("option-{kind}")),
        TcpOption::NoOperation | TcpOption::EndOfList | TcpOption::Sack(_) => None,
    }
}

/// Blocks count in the other side's numbers, like SEG.ACK. The first may say what came twice
/// (RFC 2883 §4), which is another story than what is missing.
fn sack(
    connections: &Connections,
    id: PacketId,
    segment: &Segment,
    blocks: &SackBlocks,
) -> Option<String> {
    let edge = |edge| number(connections.received(id, edge));
    let words = |blocks: &[_]| {
        let block = |&(left, right): &(_, _)| format!("{}:{}", edge(left), edge(right));
        blocks.iter().map(block).collect::<Vec<_>>().join(",")
    };
    let (twice, rest) = blocks.split_duplicate(segment.ack);
    let twice = twice.map(|block| format!("dsack={}", words(&[block])));
    let rest = (!rest.is_empty()).then(|| format!("sack={}", words(rest)));
    let both: Vec<_> = twice.into_iter().chain(rest).collect();
    (!both.is_empty()).then(|| both.join(" "))
}

/// TSval of a segment, with a space in front, if what was made of the segment hangs on it.
pub(super) fn judged_timestamp(segment: &Segment, verdict: Verdict) -> Option<String> {
    verdict.note().filter(|note| note.rfc.starts_with(TIMESTAMPS))?;
    let (value, _) = segment.options.timestamps()?;
    Some(format!(" TS={value}"))
}

/// The mark of the IP header, in the words of RFC 3168 §5; none without ECN.
pub(super) const fn ecn(ecn: Ecn) -> Option<&'static str> {
    match ecn {
        Ecn::NotEct => None,
        Ecn::Ect1 => Some("ECT(1)"),
        Ecn::Ect0 => Some("ECT(0)"),
        Ecn::Ce => Some("CE"),
    }
}
