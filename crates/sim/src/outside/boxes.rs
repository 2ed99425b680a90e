//! Boxes in the middle of links, which come and go.

use std::sync::Arc;

use super::Network;
use crate::SpecError;
use crate::middlebox::Middlebox;
use crate::plan::Side;
use crate::spec::{MiddleboxKind, MiddleboxSpec};

/// A box of a [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MiddleboxId(u32);

impl Network {
    /// A box on the way between two hosts, in both directions.
    ///
    /// # Errors
    /// There is one between these hosts already.
    pub fn add_middlebox(&mut self, middlebox: MiddleboxSpec) -> Result<MiddleboxId, SpecError> {
        let (inside, outside) = (middlebox.inside, middlebox.outside);
        let ways = [
            (self.path(inside, outside), Side::Inside),
            (self.path(outside, inside), Side::Outside),
        ];
        if ways.iter().any(|(path, _)| self.plan.paths[*path].middlebox.is_some()) {
            let (inside, outside) = (self.name(inside), self.name(outside));
            let message = format!("there is a middlebox between {inside} and {outside} already");
            return Err(SpecError(message));
        }
        if let MiddleboxKind::Nat { address } = middlebox.kind {
            self.plan.add_address(address, inside as u32);
        }
        let spec = Arc::make_mut(&mut self.plan.spec);
        spec.middleboxes.push(middlebox);
        let number = spec.middleboxes.len() as u32 - 1;
        self.live.middleboxes.push(Middlebox::default());
        for (path, side) in ways {
            self.plan.paths[path].middlebox = Some((number, side));
        }
        self.forget_routes();
        Ok(MiddleboxId(number))
    }

    /// A box is gone, with all it knew. Packets pass as if it had never been there.
    pub fn remove_middlebox(&mut self, middlebox: MiddleboxId) {
        let number = middlebox.0;
        for path in &mut self.plan.paths {
            if path.middlebox.is_some_and(|(of, _)| of == number) {
                path.middlebox = None;
            }
        }
        self.live.middleboxes[number as usize].clear();
    }

    /// A box forgets all flows at once, as one does that starts again.
    pub fn clear_middlebox(&mut self, middlebox: MiddleboxId) {
        self.live.middleboxes[middlebox.0 as usize].clear();
    }

    /// Hosts look their ways up again: there are other ones.
    fn forget_routes(&mut self) {
        self.live.hosts.iter_mut().for_each(crate::live::Host::forget_route);
    }
}
