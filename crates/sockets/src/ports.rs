//! Ports of sockets that are bound, and neither listen nor are connected yet.

use std::net::SocketAddr;

use twomsl_tcp::{SocketError, SocketOptions, Stack};

/// What `bind` has given out. A stack knows listeners and connections only.
#[derive(Debug, Default)]
pub(crate) struct Ports {
    reserved: Vec<Reserved>,
    /// Where the search for a free port goes on.
    next: u16,
}

#[derive(Debug)]
struct Reserved {
    addr: SocketAddr,
    reuse: bool,
}

impl Ports {
    /// A local end that is free: `addr` itself, or with port 0 one of the profile's ephemeral
    /// ports.
    ///
    /// # Errors
    /// `AddressInUse`, `AddressNotAvailable`.
    pub(crate) fn find(
        &mut self,
        stack: &Stack,
        addr: SocketAddr,
        options: &SocketOptions,
    ) -> Result<SocketAddr, SocketError> {
        if addr.port() != 0 {
            self.check(stack, addr, options)?;
            return Ok(addr);
        }
        // A port that nobody chose is nobody else's, whatever the options are.
        let alone = SocketOptions { reuse_address: false, ..options.clone() };
        let (first, last) = (stack.profile().first_port, stack.profile().last_port);
        let from = self.next.clamp(first, last);
        for port in (from..=last).chain(first..from) {
            let addr = SocketAddr::new(addr.ip(), port);
            match self.check(stack, addr, &alone) {
                Ok(()) => {
                    self.next = port.wrapping_add(1);
                    return Ok(addr);
                }
                Err(SocketError::AddressInUse) => {}
                Err(error) => return Err(error),
            }
        }
        Err(SocketError::AddressInUse)
    }

    pub(crate) fn reserve(&mut self, addr: SocketAddr, options: &SocketOptions) {
        self.reserved.push(Reserved { addr, reuse: options.reuse_address });
    }

    pub(crate) fn free(&mut self, addr: SocketAddr) {
        if let Some(place) = self.reserved.iter().position(|reserved| reserved.addr == addr) {
            self.reserved.swap_remove(place);
        }
    }

    /// As Linux has it: two sockets may be bound to the same end if both say `SO_REUSEADDR`, and
    /// nobody listens there yet. A connection counts as a socket that is bound: one that was opened
    /// without `SO_REUSEADDR` keeps its port to itself, as long as somebody holds it.
    fn check(
        &self,
        stack: &Stack,
        addr: SocketAddr,
        options: &SocketOptions,
    ) -> Result<(), SocketError> {
        stack.check_bind(addr, options)?;
        let overlaps = |other: SocketAddr| {
            let any = other.ip().is_unspecified() || addr.ip().is_unspecified();
            other.port() == addr.port() && (any || other.ip() == addr.ip())
        };
        let taken = |reserved: &Reserved| {
            overlaps(reserved.addr) && !(reserved.reuse && options.reuse_address)
        };
        let keeps = |socket| {
            stack.ends(socket).is_ok_and(|(local, _)| overlaps(local))
                && stack.options(socket).is_ok_and(|options| !options.reuse_address)
        };
        let kept = stack.states().any(|(socket, _)| keeps(socket));
        if kept || self.reserved.iter().any(taken) {
            Err(SocketError::AddressInUse)
        } else {
            Ok(())
        }
    }
}
