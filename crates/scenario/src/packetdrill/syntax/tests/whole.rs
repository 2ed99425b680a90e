//! Options, times, comments, conditional text.

use super::{event, read, read_with, refused};
use crate::packetdrill::script::{Action, Time};

#[test]
fn a_whole_script() {
    let script = read(
        "// A handshake.\n--tolerance_usecs=10000\n--ip_version=ipv4 --mtu 1500\n--verbose\n\
         `../common/defaults.sh`\n\n\
         0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3 # three\n\
         +0 < S 0:0(0) win 32792 <mss 1000> /* in\n the middle */\n\
         +.1 > S. 0:0(0) ack 1 <...>\n\
         +0 %{\nassert tcpi_state == 1 # a comment of its own, with `a` backtick\nx = 7 // 2\n}%\n\
         1.5 `a\n\"b // c # d`\n",
    );
    let options =
        script.options.iter().map(|option| (option.name.as_str(), option.value.as_deref()));
    let expected = [
        ("tolerance_usecs", Some("10000")),
        ("ip_version", Some("ipv4")),
        ("mtu", Some("1500")),
        ("verbose", None),
    ];
    assert_eq!(options.collect::<Vec<_>>(), expected);
    let times = script.events.iter().map(|event| event.time).collect::<Vec<_>>();
    let expected = [
        Time::Absolute(0),
        Time::Absolute(0),
        Time::Relative(0),
        Time::Relative(100_000),
        Time::Relative(0),
        Time::Absolute(1_500_000),
    ];
    assert_eq!(times, expected);
    assert_eq!(script.events[0].action, Action::Command("../common/defaults.sh".to_owned()));
    assert_eq!(script.events[5].action, Action::Command("a\n\"b // c # d".to_owned()));
    let Action::Code(code) = &script.events[4].action else { panic!("{script:?}") };
    assert!(code.contains("x = 7 // 2"), "{code}");
}

#[test]
fn times_of_every_form() {
    let micros = 1_000_000;
    let packets = [
        ("0", Time::Absolute(0)),
        ("0.1", Time::Absolute(100_000)),
        (".1", Time::Absolute(100_000)),
        ("1.", Time::Absolute(micros)),
        ("1.0000019", Time::Absolute(1_000_001)),
        ("+.1", Time::Relative(100_000)),
        ("+0", Time::Relative(0)),
        ("+ 2", Time::Relative(2 * micros)),
        ("*", Time::Any),
        ("1~2", Time::AbsoluteRange(micros, 2 * micros)),
        ("1.5 ~ 2.5", Time::AbsoluteRange(1_500_000, 2_500_000)),
        ("+1~+2", Time::RelativeRange(micros, 2 * micros)),
        ("+1~2", Time::RelativeRange(micros, 2 * micros)),
        ("+.1~.2", Time::RelativeRange(100_000, 200_000)),
    ];
    for (text, expected) in packets {
        assert_eq!(event(&format!("{text} > . 1:1(0) ack 1")).time, expected, "{text}");
    }
    let calls = [
        ("0.1...0.2", Time::AbsoluteCall(100_000, 200_000)),
        ("0...2", Time::AbsoluteCall(0, 2 * micros)),
        ("0...0.2", Time::AbsoluteCall(0, 200_000)),
        ("+0...0.2", Time::RelativeCall(0, 200_000)),
        ("+0...+0.2", Time::RelativeCall(0, 200_000)),
        ("+.1....2", Time::RelativeCall(100_000, 200_000)),
    ];
    for (text, expected) in calls {
        assert_eq!(event(&format!("{text} read(4, ..., 9) = 9")).time, expected, "{text}");
    }
}

#[test]
fn marks_of_editors_and_systems_are_space() {
    assert_eq!(read("\u{feff}0 a()\r\n+0 b()\r\n#ifdef A\r\n((\r\n#endif\r\n").events.len(), 2);
}

#[test]
fn conditional_text() {
    let text = "#ifdef A\n0 a()\n#ifndef B\n0 ab()\n#else // B\n0 aB()\n#endif\n#else\n0 none()\n\
                #ifdef B\n0 B()\n#endif\n#endif // A\n0 end()\n";
    let calls = |defines: &[&str]| {
        let events = read_with(text, defines).events;
        let names = events.into_iter().map(|event| match event.action {
            Action::Call(call) => call.name,
            other => panic!("{other:?}"),
        });
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(calls(&["A"]), "a ab end");
    assert_eq!(calls(&["A", "B"]), "a aB end");
    assert_eq!(calls(&["B"]), "none B end");
    assert_eq!(calls(&[]), "none end");
}

#[test]
fn what_is_left_out_need_not_be_a_script() {
    let script = read("#ifdef A\n ((( \" `x` /* #endif */ %{ x }%\nfoo #else\n#endif\n0 a()");
    assert_eq!(script.events.len(), 1);
}

#[test]
fn names_are_defined_by_the_script_itself_too() {
    let script = read("#define A 5\n#ifdef A\n0 a(A)\n#endif\n#undef A\n#ifdef A\n0 b()\n#endif\n");
    assert_eq!(script.events.len(), 1);
}

#[test]
fn conditions_have_to_match() {
    assert_eq!(refused("0 a()\n#endif"), ["2:1: `#endif` without an `#ifdef`"]);
    assert_eq!(refused("#else\n"), ["1:1: `#else` without an `#ifdef`"]);
    assert_eq!(refused("0 a()\n  #ifdef A\n"), ["2:3: no `#endif` to this"]);
    assert_eq!(refused("#ifdef A\n#else\n#else\n#endif"), ["3:1: a second `#else`"]);
    assert!(refused("#ifdef\n")[0].starts_with("1:1: `#ifdef` without a name"));
    assert!(refused("#if X\n")[0].starts_with("1:1: `#if` is no directive"));
}

#[test]
fn places_are_those_of_the_file() {
    let said = refused("/* é */ # é\n/* a\n b */ /* ö */ 0 close(3) = = 0\n");
    assert_eq!(said, ["3:28: expected an argument"], "{said:?}");
}
