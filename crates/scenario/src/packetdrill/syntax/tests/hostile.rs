//! Text that is no script, or too much of one: an error, soon, and never a panic.

use std::fmt::Write as _;

use super::{Defines, parse, read, refused};
use crate::source::Source;

/// Reads any text; what comes of it does not matter, only that something does.
fn survive(text: &str) {
    let _ = parse(&Source::new("t", text), &Defines::default()).map_err(|error| error.to_string());
}

#[test]
fn a_script_of_a_hundred_thousand_lines_is_read() {
    let mut text = String::new();
    for line in 0..100_000_u32 {
        let start = line * 1000 + 1;
        let end = start + 1000;
        // Writing to a String cannot fail.
        let _ =
            writeln!(text, "+.01 < P. {start}:{end}(1000) ack 1 win 257 <nop,nop,TS val 1 ecr 2>");
    }
    assert_eq!(read(&text).events.len(), 100_000);
}

#[test]
fn nesting_has_a_limit() {
    for open in ["(", "[", "{", "~", "-", "f(", "{a=", "[{a(1)=", "~("] {
        for count in [40, 20_000] {
            let said = refused(&format!("0 f({}", open.repeat(count)));
            assert!(said[0].contains("nested deeper than 32 levels"), "{open}: {said:?}");
        }
    }
    let said = refused(&"#ifdef A\n".repeat(100_000));
    assert!(said[0].contains("nested deeper"), "{said:?}");
}

#[test]
fn lists_have_limits() {
    let many = |one: &str| one.repeat(20_000);
    for text in [
        format!("0 f({})", many("1,")),
        format!("0 f([{}])", many("1,")),
        format!("0 f({})", many("1|")),
        format!("0 f({})", many("\"a\" ")),
        format!("0 < S 0:0(0) <{}>", many("nop,")),
        format!("0 < S 0:0(0) <sack {}>", many("1:2 ")),
        format!("0 < {} 0:0(0)", many("S")),
        format!("0 < S 0:0(0) <FO {}>", many("00")),
        many("0 a()"),
        many("0``"),
    ] {
        survive(&text);
    }
    assert!(refused(&"0``".repeat(200_001))[0].contains("more than 200000 events"));
}

#[test]
fn the_same_sign_many_times_is_no_script() {
    for sign in [
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "<",
        ">",
        "\"",
        "`",
        "``",
        "%{",
        "}%",
        "%{}%",
        "/*",
        "*/",
        "/**/",
        "//",
        "#",
        "#\n",
        "#ifdef",
        "#endif\n",
        "--",
        "--a",
        "--a=\n",
        "+",
        "-",
        "*",
        "~",
        ".",
        "...",
        "0",
        "0 ",
        "0\n",
        "+0 <",
        "+0 >",
        "0 > . ",
        "0 f",
        "0 f(\n",
        "é",
        "\\",
        "'",
        "=",
        ",",
        "\n",
        "\r",
        "\u{0}",
        "0 < icmp ",
        "0 < sctp: [",
        "0 < ipv4",
        "x",
        "x ",
    ] {
        survive(&sign.repeat(30_000 / sign.len()));
    }
}

#[test]
fn a_script_cut_anywhere_is_refused_or_read() {
    let text = "--mtu=1500\n#ifdef A\n0 a()\n#else\n0...1 f(3, {a=[1|2,\"x\\x41\"], b(2)=...}) = -1 EAGAIN (n)\n\
                #endif\n+0 < [ect0] 1 > 2 S. 0:5(5) ack 1 win 7 urg 2 <mss 1,TS val 1 ecr 2,FO 00> /udp(1 > 2)\n\
                * > icmp unreachable frag_needed mtu 9 [1:2(1)]\n+0 %{ assert x }%\n+0 `é`\n";
    for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
        survive(&text[..at]);
        survive(&text[at..]);
        survive(&format!("{}\u{0}{}", &text[..at], &text[at..]));
        survive(&format!("{}((((é\"{}", &text[..at], &text[at..]));
    }
}
