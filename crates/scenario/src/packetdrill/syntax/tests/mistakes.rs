//! What is said of a mistake.

use super::refused;

#[test]
fn mistakes_are_placed_and_explained() {
    let cases = [
        ("0 close(3", "1:10: expected `,` or `)`"),
        ("0 close(3 4)", "1:11: expected `,` or `)`"),
        ("0 close 3", "1:9: expected `(` and the arguments of a system call"),
        ("0 f(\"a\n)", "1:5: this text is not closed"),
        ("0 f(99999999999999999999)", "1:5: this number is too large"),
        ("0 f(12ab)", "1:5: this is no number"),
        (
            "close(3)",
            "1:1: expected an event with its time, such as `+.1 < . 1:1(0) ack 1 win 257`",
        ),
        ("< S 0:0(0)", "1:1: an event without a time (write a time before it, such as `+0`)"),
        (
            "0 ",
            "1:3: expected a packet (`<` or `>`), a system call, a command in backticks or `%{ … }%`",
        ),
        (
            "0 < X 0:0(0)",
            "1:5: `X` are no flags (F is FIN, S SYN, R RST, P PSH, `.` ACK, U URG, E ECE, \
          W CWR, A AE, 0 to 7 the ACE field, `-` none)",
        ),
        (
            "0 < . 1:2(3)",
            "1:7: from 1 to 2 are 1 octets, not 3 (write start:end(length); SYN and FIN do not count)",
        ),
        (
            "0 < . 1:4294967296(0)",
            "1:9: the sequence number behind the segment: 4294967296 is too large",
        ),
        ("0 < . 1:65537(65536)", "1:15: the length of the text: 65536 is too large"),
        ("0 < . 1:1(0) win 70000", "1:18: a window of 16 bits: 70000 is too large"),
        ("0 < . 1:1(0) <ms 1460>", "1:15: unknown TCP option `ms` (did you mean `mss`?)"),
        ("0 < . 1:1(0) <sackok>", "1:15: unknown TCP option `sackok` (did you mean `sackOK`?)"),
        ("0 < . 1:1(0) <mss>", "1:18: expected a segment size"),
        ("0 < . 1:1(0) <TS 1 2>", "1:18: expected `val` and a time stamp"),
        ("0 < . 1:1(0) <sack 1:2 3:4 5:6 7:8 9:10>", "1:15: these options take 42 octets"),
        ("0 < [ecto] . 1:1(0)", "1:6: unknown word of an IP header: `ecto` (did you mean `ect0`?)"),
        ("* < . 1:1(0)", "1:1: `*` is for packets that are sent (`>`) only"),
        ("0~1 close(3)", "1:1: a range of times is for packets that are sent (`>`) only"),
        ("0...1 > . 1:1(0)", "1:1: a beginning and an end are for system calls only"),
        ("2~1 > . 1:1(0)", "1:1: this ends before it begins"),
        (
            "1~+2 > . 1:1(0)",
            "1:1: the end is relative, and the beginning is not (write a `+` before both)",
        ),
        ("-1 close(3)", "1:1: a time before the script begins"),
        ("9999999999 close(3)", "1:1: this time is too large"),
        ("0 `true", "1:3: this command is not closed (end it with a second backtick)"),
        ("0 %{ x", "1:3: this code is not closed (end it with `}%`)"),
        ("0 a() /* x", "1:7: this comment is not closed (end it with `*/`)"),
        ("0 a()\n--mtu=1500", "2:1: option `--mtu` behind the first event (options come first)"),
        ("--=5", "1:3: expected the name of an option"),
        ("--mtu=\n0 a()", "1:7: expected the value of this option"),
        ("0 a()\n`true`", "2:1: a command without a time (write `+0` before it)"),
        ("0 < icmp", "1:9: expected the type of the message"),
        ("0 < icmp 3 1 [udp (1)", "1:15: this is not closed (end it with `]` on its line)"),
        ("0 < ipv4 1.1.1.1 > 2.2.2.2 . 1:1(0)", "1:5: `ipv4` without a `:` behind it"),
    ];
    for (text, expected) in cases {
        assert_eq!(refused(text), [expected], "{text}");
    }
}

#[test]
fn every_line_with_a_mistake_is_shown() {
    let said = refused("0 a(\n+0 b()\n+0 < X 1:1(0)\n+0 c() = 0\nfoo\n+0 d(]\n");
    let places: Vec<_> =
        said.iter().map(|line| line.split(": ").next().unwrap_or_default()).collect();
    assert_eq!(places, ["2:1", "3:6", "5:1", "6:6"], "{said:#?}");
}
