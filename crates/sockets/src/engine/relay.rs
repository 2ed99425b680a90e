//! Relays: what a proxy does. A task for each direction, as in a world.

use twomsl_sim::spec::{Step, Urgent};
use twomsl_tcp::{Shutdown, SocketError, SocketId, TcpState};

use super::role::{Ended, Role};
use super::steps::Done;
use crate::wakers::Half;

impl Role {
    /// Opens the other connection, and hands on what either side says.
    pub(super) async fn relay(&mut self, step: &Step) -> Done {
        let Step::Relay { on, host, port, from, options } = step else { return Ok(()) };
        let front = self.known(self.socket(on.as_deref()), "relay")?;
        let opened = match self.start_connect((*host, *port), (*from, None), options, None) {
            Ok(()) => self.connected().await,
            Err(ended) => Err(ended),
        };
        self.lets_go()?;
        if opened.is_err() {
            self.break_off(front)?;
            return Err(Ended);
        }
        let back = self.known(self.current, "relay")?;
        let mut other = self.child(None);
        tokio::spawn(async move {
            let _ = other.carry(back, front).await;
        });
        self.carry(front, back).await
    }

    /// Hands on what comes from one socket to the other.
    async fn carry(&mut self, from: SocketId, to: SocketId) -> Done {
        self.called(Some(from), "relay()")?;
        let mut all = 0;
        loop {
            let mut pieces = Vec::new();
            let keep = |piece| pieces.push(piece);
            let read = self.receive(from, u64::MAX, None, keep).await?;
            self.lets_go()?;
            match read {
                Ok(0) => return self.carried(from, to, all),
                Ok(_) => {}
                Err(error) => return self.broken((from, to), error),
            }
            let wrote = self.hand_on(to, &pieces.concat().into()).await?;
            self.lets_go()?;
            match wrote {
                Ok(octets) => all += octets,
                Err(error) => return self.broken((to, from), error),
            }
        }
    }

    /// Writes what was read.
    async fn hand_on(
        &mut self,
        to: SocketId,
        text: &bytes::Bytes,
    ) -> Result<Result<u64, SocketError>, Ended> {
        let mut done = 0;
        while done < text.len() {
            let rest = text.slice(done..);
            let write = |call: &mut crate::host::Call<'_>| {
                call.network.send(call.now, call.host, to, &rest, Urgent::No)
            };
            match self.wait((to, Half::Write), None, write).await? {
                Ok(octets) => done += octets as usize,
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(done as u64))
    }

    /// One side has ended: the other is told. The second time both are over and given back.
    fn carried(&self, from: SocketId, to: SocketId, all: u64) -> Done {
        self.returned(Some(from), "relay", Ok(Some(all)))?;
        if self.enter(|call| call.look().state(from))? == Some(TcpState::CloseWait) {
            self.called(Some(to), "shutdown(write)")?;
            // A side that is gone meanwhile is told nothing; its own task says so.
            return self.enter(|call| {
                let _ = call.network.shutdown(call.now, call.host, to, Shutdown::Write);
            });
        }
        for socket in [to, from] {
            self.called(Some(socket), "close()")?;
            self.enter(|call| {
                let _ = call.network.close(call.now, call.host, socket);
            })?;
        }
        Ok(())
    }

    /// One side has failed: the other is reset. Its own task finds that out, and does nothing more.
    fn broken(&self, (failed, other): (SocketId, SocketId), error: SocketError) -> Done {
        self.returned(Some(failed), "relay", Err(error))?;
        match error {
            SocketError::ConnectionAborted | SocketError::BadSocket => Ok(()),
            _ => self.break_off(other),
        }
    }

    fn break_off(&self, socket: SocketId) -> Done {
        self.called(Some(socket), "abort()")?;
        self.enter(|call| {
            let _ = call.network.abort(call.now, call.host, socket);
        })
    }
}
