//! What a profile says about many connections: ports, queues, and 4-tuples that are used again.

/// Whether `connect` may take over a connection in TIME-WAIT. Timestamps tell its old segments from
/// those of the next (RFC 6191 is about the other side of it).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectReuse {
    /// Never: a 4-tuple in TIME-WAIT is in use.
    Never,
    /// When the application has chosen the port (Linux with `tcp_tw_reuse` = 0).
    Bound,
    /// Then, and with loopback addresses (2).
    Loopback,
    /// Always (1).
    Always,
}

/// What happens to the ACK that completes a handshake when the accept queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AcceptOverflow {
    /// It is dropped; the SYN,ACK will be sent again.
    Drop,
    /// The connection is reset (`tcp_abort_on_overflow`).
    Reset,
}

/// How an ephemeral port is chosen. Whichever is first, those after it are tried in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PortSelection {
    /// A keyed offset per destination plus one counter (RFC 6056 §3.3.3, algorithm 3).
    SimpleHash,
    /// A keyed offset per destination plus one of many counters, which grows by up to eight ports
    /// at a time; ports as even or odd as the first come first (RFC 6056 §3.3.4, algorithm 4, as
    /// Linux' `__inet_hash_connect` has it).
    DoubleHash,
    /// Any (RFC 6056 §3.3.1, algorithm 1; FreeBSD's `in_pcb_lport_dest` with
    /// `net.inet.ip.portrange.randomized`).
    Random,
}

/// Whether a SYN may be answered without being remembered (RFC 4987 §3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SynCookies {
    /// Never (`tcp_syncookies` = 0).
    Off,
    /// When the SYN queue is full (1).
    WhenFull,
    /// Always (2).
    Always,
}
