//! `poll` and `epoll`.

use super::super::script::{Expression, ExpressionKind};
use super::super::system::{EpollEvent, PollEntry};
use super::CallProblem;
use super::arguments::{Arguments, field, number, record};

impl Arguments<'_> {
    /// `[{fd=4, events=POLLIN, revents=POLLIN}]`: what is asked, and what is expected.
    pub(super) fn poll_entries(
        &self,
        index: usize,
    ) -> Result<Vec<(PollEntry, Option<i64>)>, CallProblem> {
        let value = self.at(index)?;
        let ExpressionKind::List(items) = &value.kind else {
            let text = "descriptors are expected here: `[{fd=4, events=POLLIN, revents=0}]`";
            return Err(CallProblem::wrong(value.span, text));
        };
        items.iter().map(|item| self.poll_entry(item)).collect()
    }

    fn poll_entry(&self, item: &Expression) -> Result<(PollEntry, Option<i64>), CallProblem> {
        let fields = record(item)?;
        let (Some(fd), Some(events)) = (field(fields, &["fd"]), field(fields, &["events"])) else {
            let text = "a descriptor to poll has `fd` and `events`";
            return Err(CallProblem::wrong(item.span, text));
        };
        let fd = self.descriptors.live(number(fd)?);
        let events = number(events)? as i16;
        let revents = field(fields, &["revents"]).filter(|revents| !revents.is_ellipsis());
        Ok((PollEntry { fd, events }, revents.map(number).transpose()?))
    }

    /// `{events=EPOLLIN, fd=4}`.
    pub(super) fn epoll_event(value: &Expression) -> Result<EpollEvent, CallProblem> {
        let fields = record(value)?;
        let Some(events) = field(fields, &["events"]) else {
            return Err(CallProblem::wrong(value.span, "an event has `events`"));
        };
        let data = field(fields, &["ptr", "fd", "u32", "u64", "data"]);
        let data = data.map(number).transpose()?.unwrap_or(0).cast_unsigned();
        Ok(EpollEvent { events: number(events)?.cast_unsigned() as u32, data })
    }

    /// `{events=EPOLLIN, fd=4}` or a list of them; `None` for `...`.
    pub(super) fn epoll_events(
        &self,
        index: usize,
    ) -> Result<Option<Vec<EpollEvent>>, CallProblem> {
        let value = self.at(index)?;
        match &value.kind {
            ExpressionKind::Ellipsis | ExpressionKind::Null => Ok(None),
            ExpressionKind::List(items) => {
                items.iter().map(Self::epoll_event).collect::<Result<_, _>>().map(Some)
            }
            _ => Ok(Some(vec![Self::epoll_event(value)?])),
        }
    }
}
