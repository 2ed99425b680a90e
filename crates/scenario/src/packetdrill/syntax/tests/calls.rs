//! System calls.

use super::{call, event, read_with};
use crate::packetdrill::script::{Action, Expression, ExpressionKind, Field, SystemCall, Time};

/// An expression in one line, with all its parentheses.
fn show(expression: &Expression) -> String {
    let list = |all: &[Expression]| all.iter().map(show).collect::<Vec<_>>().join(", ");
    match &expression.kind {
        ExpressionKind::Ellipsis => "...".to_owned(),
        ExpressionKind::Null => "null".to_owned(),
        ExpressionKind::Integer(value) => value.to_string(),
        ExpressionKind::Decimal(value) => format!("{value:?}"),
        ExpressionKind::Word(word) => word.clone(),
        ExpressionKind::Text(text) => format!("{text:?}"),
        ExpressionKind::Unary(operator, operand) => format!("{operator}{}", show(operand)),
        ExpressionKind::Binary(operator, left, right) => {
            format!("({} {operator} {})", show(left), show(right))
        }
        ExpressionKind::List(members) => format!("[{}]", list(members)),
        ExpressionKind::Record(fields) => {
            format!("{{{}}}", fields.iter().map(show_field).collect::<Vec<_>>().join(", "))
        }
        ExpressionKind::Function(name, arguments) => format!("{name}({})", list(arguments)),
    }
}

fn show_field(field: &Field) -> String {
    let count = field.count.as_ref().map(|count| format!("({})", show(count))).unwrap_or_default();
    let name = field.name.as_ref().map(|name| format!("{name}{count}=")).unwrap_or_default();
    format!("{name}{}", show(&field.value))
}

fn show_call(call: &SystemCall) -> String {
    let arguments = call.arguments.iter().map(show).collect::<Vec<_>>().join(", ");
    let result = call.result.as_ref().map(|result| format!(" = {}", show(result)));
    let errno = call.errno.as_ref().map(|errno| format!(" {errno}"));
    let note = call.note.as_ref().map(|note| format!(" ({note})"));
    let rest = [result, errno, note].map(Option::unwrap_or_default).concat();
    format!("{}({arguments}){rest}", call.name)
}

#[test]
fn calls_with_every_kind_of_argument() {
    // Where the second is empty, the call reads as it is written.
    let cases = [
        ("socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", ""),
        ("fork()", ""),
        ("close(3) = 0", ""),
        ("connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)", ""),
        ("accept(3, ..., ...) = -1 EAGAIN", ""),
        ("fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)", "fcntl(3, F_GETFL) = 2 (flags O_RDWR)"),
        ("fcntl(3, F_GETFL) = 0x2(flags O_RDWR|(x))", "fcntl(3, F_GETFL) = 2 (flags O_RDWR|(x))"),
        ("fcntl(3,F_SETFL,O_RDWR|O_NONBLOCK)=0", "fcntl(3, F_SETFL, (O_RDWR | O_NONBLOCK)) = 0"),
        ("read(4, ..., 1000) = ...", ""),
        ("ioctl(4, SIOCINQ, [10]) = 0", ""),
        ("setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0", ""),
        (
            "setsockopt(3, SOL_TCP, TCP_CONGESTION, \"cu\" \"bic\", 5) = 0",
            "setsockopt(3, SOL_TCP, TCP_CONGESTION, \"cubic\", 5) = 0",
        ),
        (
            "write(4, \"a\\n\\x41\\101\\\\\\\"\\0\", 7) = 7",
            "write(4, \"a\\nAA\\\\\\\"\\0\", 7) = 7",
        ),
        (
            "poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1",
            "poll([{fd=4, events=(POLLIN | POLLOUT), revents=POLLOUT}], 1, 0) = 1",
        ),
        ("epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLOUT, fd=4}) = 0", ""),
        ("epoll_wait(5, {events=EPOLLIN, u32=7}, 1, -1) = 1", ""),
        ("sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 4000}], msg_flags=0}, 0) = 4000", ""),
        (
            "recvmsg(4, {msg_name(...)=..., msg_iov(2)=[{..., 100}, {...,200}], msg_flags=MSG_TRUNC, \
          msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING, \
          cmsg_data={scm_sec=0,scm_nsec=10000000}}, {cmsg_level=CMSG_LEVEL_IP, \
          cmsg_type=CMSG_TYPE_RECVERR, cmsg_data={ee_errno=ENOMSG, ee_origin=4, ee_type=0, \
          ee_code=0, ee_info=1, ee_data=0}}]}, MSG_ERRQUEUE) = 0",
            "recvmsg(4, {msg_name(...)=..., msg_iov(2)=[{..., 100}, {..., 200}], msg_flags=MSG_TRUNC, \
          msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING, \
          cmsg_data={scm_sec=0, scm_nsec=10000000}}, {cmsg_level=CMSG_LEVEL_IP, \
          cmsg_type=CMSG_TYPE_RECVERR, cmsg_data={ee_errno=ENOMSG, ee_origin=4, ee_type=0, \
          ee_code=0, ee_info=1, ee_data=0}}]}, MSG_ERRQUEUE) = 0",
        ),
        (
            "bind(3, {sa_family = AF_INET, sin_port = htons(8888), \
          sin_addr = inet_addr(\"192.0.2.1\")}, ...) = 0",
            "bind(3, {sa_family=AF_INET, sin_port=htons(8888), sin_addr=inet_addr(\"192.0.2.1\")}, \
          ...) = 0",
        ),
        (
            "f(0xffffffffffffffff, 18446744073709551615, 9223372036854775807, -1, 010)",
            "f(-1, -1, 9223372036854775807, -1, 10)",
        ),
        (
            "f(1|2^3&4<<5+6*7, (1|2)*3, ~A|-B, -2)",
            "f((1 | (2 ^ (3 & (4 < (5 + (6 * 7)))))), \
          ((1 | 2) * 3), (~A | -B), -2)",
        ),
        ("f(1-1, 4*1460, 1.5, -.5)", "f((1 - 1), (4 * 1460), 1.5, -0.5)"),
        ("f(NULL, [], {}, [[]], 192.0.2.1)", "f(null, [], {}, [[]], \"192.0.2.1\")"),
        ("f(\n  1,\n  2\n) = 0", "f(1, 2) = 0"),
        ("f() = O_RDWR|O_NONBLOCK", "f() = (O_RDWR | O_NONBLOCK)"),
    ];
    for (text, meaning) in cases {
        let expected = if meaning.is_empty() { text } else { meaning };
        assert_eq!(show_call(&call(text)), expected, "{text}");
    }
}

#[test]
fn the_next_event_is_no_part_of_a_result() {
    for next in ["+1 close(4) = 0", "*  > . 1:1(0) ack 1", "-0 x", "(x)"] {
        let text = format!("+0 close(3) = 0\n{next}");
        let source = crate::source::Source::new("t", &text);
        let script = super::parse(&source, &super::Defines::default());
        match script {
            Ok(script) => assert_eq!(script.events.len(), 2, "{text}"),
            Err(error) => assert!(error.to_string().starts_with("t:2:1"), "{error}"),
        }
    }
}

#[test]
fn a_call_may_have_an_end() {
    let call = event("+0...+0.200 connect(3, ..., ...) = 0");
    assert_eq!(call.time, Time::RelativeCall(0, 200_000));
    assert!(matches!(call.action, Action::Call(_)));
}

#[test]
fn a_word_stands_for_what_it_is_defined_as() {
    let script =
        read_with("0 f(LENGTH, NAME, TEXT, OTHER)", &["LENGTH=0x10", "NAME=x", "TEXT=\"y\""]);
    let [event] = script.events.as_slice() else { panic!("{script:?}") };
    let Action::Call(call) = &event.action else { panic!("{event:?}") };
    assert_eq!(show_call(call), "f(16, x, \"y\", OTHER)");
}
