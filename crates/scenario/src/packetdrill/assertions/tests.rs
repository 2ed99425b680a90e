//! What holds, what does not, and what is not understood.

use super::{Code, Interpreter, Judgement};
use crate::diagnostic::Span;

fn field(name: &str) -> Option<i128> {
    let value = match name {
        "tcpi_state" => 1,
        "tcpi_snd_cwnd" => 10,
        "tcpi_rtt" => 50_000,
        "tcpi_options" => 7,
        "tcpi_unacked" => 0,
        _ => return None,
    };
    Some(value)
}

/// Judges blocks one after the other: `ok`, what failed, or what was not understood.
fn judge(blocks: &[&str]) -> String {
    let mut interpreter = Interpreter::default();
    for text in blocks {
        let event = Span::new(0, text.len() + "%{}%".len());
        let code = match Code::parse(text, event) {
            Ok(code) => code,
            Err(why) => return format!("{}: not understood: {}", why.span.start(), why.text),
        };
        match interpreter.judge(&code, &field) {
            Ok(()) => {}
            Err(Judgement::Fails { expected, got, .. }) => {
                return format!("expected {expected}, got {got}");
            }
            Err(Judgement::NotUnderstood(why)) => {
                return format!("{}: not understood: {}", why.span.start(), why.text);
            }
        }
    }
    "ok".to_owned()
}

#[test]
fn what_holds() {
    let blocks = [
        "",
        "assert True",
        " assert tcpi_state == TCP_ESTABLISHED",
        "\nassert tcpi_snd_cwnd == 10\nassert tcpi_rtt == 50000\n",
        "assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd; assert tcpi_state == 1",
        "assert tcpi_snd_cwnd == 10, 'cwnd=%d' % tcpi_snd_cwnd",
        "assert tcpi_state == 1, \"{} {}\".format(tcpi_state, 3)",
        "assert (tcpi_options & TCPI_OPT_SACK) != 0 and tcpi_options & ~7 == 0",
        "assert 9 < tcpi_snd_cwnd <= 10 < 11",
        "assert tcpi_snd_cwnd in (9, 10)\nassert tcpi_snd_cwnd not in [1, 2]",
        "assert tcpi_state in {1, 4}",
        "assert not tcpi_unacked and not not tcpi_state",
        "assert tcpi_unacked == 0 or tcpi_nonsense == 1",
        "assert abs(tcpi_rtt - 51000) <= 1000 and max(1, 2, 3) == 3 and min([4, 2]) == 2",
        "assert tcpi_rtt / 1000 == 50 and 5 / 2 == 2.5 and 5 // 2 == 2 and -5 // 2 == -3",
        "assert -5 % 3 == 1 and 2 ** 10 == 1024 and -2 ** 2 == -4 and 2 ** -1 == .5",
        "assert 1 << 4 | 1 == 17 and 255 >> 4 == 15 and 6 ^ 3 == 5 and ~0 == -1",
        "assert 1 + 2 * 3 == 7 and (1 + 2) * 3 == 9 and 7 - 2 - 1 == 4",
        "assert 0x10 == 16 and 1e3 == 1000 and 1_000 == 1000 and 10L == 10 and 0.1 + 0.2 == 0.3",
        "assert True == 1 and (1, 2) == (1, 2) and 'a' 'b' == \"ab\" and None is None",
        "assert (1 if tcpi_state else 2) == 1",
        "assert (\n  tcpi_state == 1 and\n  tcpi_unacked == 0\n)",
        "assert tcpi_state == 1 and \\\n  tcpi_unacked == 0",
        "# a comment\n  # another\nassert tcpi_state == 1 # and one more",
        "print 'cwnd', tcpi_snd_cwnd; print(tcpi_nonsense)\nimport sys",
        "import sys\nsys.stderr.write('x')",
        "a = b = tcpi_snd_cwnd\na += 2\nassert a == 12 and b == 10",
        "a, b = 1, 2\nassert a + b == 3",
        "if tcpi_state == 1:\n  assert tcpi_unacked == 0\nelse:\n  assert False",
        "if tcpi_state == 4:\n  assert 0\nelif tcpi_state == 1:\n  a = 5\n  if a: assert a == 5\nelse:\n  assert 0\nassert a == 5",
        "if 0: assert False\nassert True",
        "x = (5, 6, 7)\nassert x[0] == 5 and x[-1] == 7 and len(x) == 3 and sum(x) == 18",
        "assert int(7 / 2) == 3 and len('abc') == 3 and str(5) == '5'",
        "assert tcpi_state == 1,",
    ];
    // A comma without a message behind it is no Python.
    let (last, holding) = blocks.split_last().expect("there are some");
    for text in holding {
        assert_eq!(judge(&[text]), "ok", "{text}");
    }
    assert!(judge(&[last]).contains("expected a value"));
}

#[test]
fn what_does_not_hold_is_shown_with_its_values() {
    let cases = [
        ("assert tcpi_state == 4", "expected tcpi_state == 4, got tcpi_state = 1"),
        (
            "assert tcpi_snd_cwnd  <  tcpi_state, 'why %d %s' % (tcpi_state, 2)",
            "expected tcpi_snd_cwnd < tcpi_state, got tcpi_snd_cwnd = 10, tcpi_state = 1 (why 1 2)",
        ),
        (
            "assert tcpi_state == TCP_CLOSE, tcpi_state",
            "expected tcpi_state == TCP_CLOSE, got tcpi_state = 1 (1)",
        ),
        ("assert False, 'no'", "expected False, got (no)"),
        ("assert 0", "expected 0, got something else"),
        ("assert 1 == 2, x.y", "expected 1 == 2, got something else"),
        (
            "assert 10 > tcpi_snd_cwnd > 1",
            "expected 10 > tcpi_snd_cwnd > 1, got tcpi_snd_cwnd = 10",
        ),
        ("x = 1 / 3\nassert x == 1", "expected x == 1, got x = 0.333"),
    ];
    for (text, expected) in cases {
        assert_eq!(judge(&[text]), expected, "{text}");
    }
}

#[test]
fn variables_last_from_block_to_block() {
    assert_eq!(judge(&["first = tcpi_snd_cwnd", "assert first == tcpi_snd_cwnd"]), "ok");
    assert_eq!(judge(&["assert first == 1"]), "9: not understood: `first` in Python code");
}

#[test]
fn what_is_not_understood_has_its_place() {
    let cases = [
        ("for x in y:\n  pass", "2: not understood: `for` in Python code"),
        ("a = 1\nwhile a: a = 0", "8: not understood: `while` in Python code"),
        ("assert tcpi_nonsense == 1", "9: not understood: `tcpi_nonsense` in Python code"),
        ("assert open('x')", "9: not understood: `open()` in Python code"),
        ("assert sys.argv == 1", "9: not understood: an attribute in Python code"),
        ("assert 1 / 0", "9: not understood: a division by zero in Python code"),
        ("assert 1 + 'a'", "9: not understood: an operation on such values in Python code"),
        ("assert 10 ** 10 ** 10", "9: not understood: so large a number in Python code"),
        ("assert 1 << 1000", "9: not understood: so large a number in Python code"),
        ("assert (1", "11: not understood: expected `,` in Python code"),
        ("assert 'a", "9: not understood: a text that is not closed in Python code"),
        ("assert 1 1", "11: not understood: expected the end of a statement in Python code"),
        ("assert ?", "9: not understood: this character in Python code"),
        ("x[0] = 1", "7: not understood: this assignment in Python code"),
        ("if 1\n  pass", "6: not understood: expected `:` in Python code"),
    ];
    for (text, expected) in cases {
        assert_eq!(judge(&[text]), expected, "{text}");
    }
}

#[test]
fn hostile_code_ends_soon() {
    for sign in [
        "(",
        "[",
        "{",
        "-",
        "not ",
        "1+",
        "1**",
        "1 and ",
        "1 if 1 else ",
        "if 1: ",
        "if 1:\n ",
        "a.",
        "a(",
        "a[",
        "'",
        "\"\"\"",
        "\\",
        "\n",
        ";",
        "assert ",
        "1,",
        "a=",
        "é",
        "9",
    ] {
        judge(&[&sign.repeat(10_000)]);
        judge(&[&format!("assert {}1", sign.repeat(10_000))]);
    }
    let lines = (0..2_000).map(|depth| " ".repeat(depth) + "if 1:\n");
    let nested = lines.collect::<String>();
    assert!(judge(&[&nested]).contains("nest so deep"));
}
