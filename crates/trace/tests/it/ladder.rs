//! Ladders, each reviewed by eye: these bytes are what people see.

use insta::assert_snapshot;
use twomsl_tcp::wire::Flags;
use twomsl_tcp::{Instant, SendReason, Verdict};
use twomsl_trace::ladder::{self, Form, Length};
use twomsl_trace::{Event, Fate, Trace};
use unicode_width::UnicodeWidthStr;

use crate::stories;
use crate::support::{CLIENT, SERVER, SERVER_ISN, Seg, Story, rule, seg, socket};

const FULL: Form = Form { width: 100, length: Length::Full };

fn folded(trace: &Trace) -> String {
    ladder::plain(trace, Form::default())
}

fn all() -> Vec<Trace> {
    let stories = [
        stories::lost_last_ack(),
        stories::mishaps(),
        stories::transfer(30),
        stories::two_lives(),
        stories::three_hosts(),
        stories::ghost_of_an_old_syn(),
        stories::jitter(),
        stories::options(),
        stories::marks(),
        stories::odd_ends(),
        stories::translated(),
    ];
    stories.into_iter().map(|story| story.trace).collect()
}

#[test]
fn lost_last_ack() {
    assert_snapshot!(folded(&stories::lost_last_ack().trace));
}

#[test]
fn mishaps_are_marked_with_who_did_them() {
    assert_snapshot!(folded(&stories::mishaps().trace));
}

#[test]
fn long_transfer_is_folded() {
    assert_snapshot!(folded(&stories::transfer(30).trace));
}

#[test]
fn short_transfer_is_not_folded() {
    let story = stories::transfer(4);
    assert_eq!(folded(&story.trace), ladder::plain(&story.trace, FULL));
}

#[test]
fn two_lives_of_a_tuple_are_told_apart() {
    assert_snapshot!(folded(&stories::two_lives().trace));
}

#[test]
fn three_hosts_have_three_rails() {
    assert_snapshot!(folded(&stories::three_hosts().trace));
}

/// RFC 9293 §3.10.7.1: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>
#[test]
fn who_knows_nothing_of_a_connection_resets_it_with_number_0() {
    let mut story = Story::new("Reset by a stranger");
    stories::open(&mut story);
    let reset = seg(SERVER, Flags::RST | Flags::ACK, 0_u32.wrapping_sub(SERVER_ISN), 1);
    story.at(50).sent(None, reset, SendReason::Reset);
    let text = folded(&story.trace);
    assert!(text.contains("RST,ACK seq=0 ack=1 "), "{text}");
}

#[test]
fn what_is_left_stands_at_the_time_when_the_run_was_cut_off() {
    let mut story = Story::new("Cut off");
    stories::open(&mut story);
    let last = |story: &Story| folded(&story.trace).lines().last().unwrap_or_default().to_owned();
    assert!(!last(&story).contains("3600.000"));
    story.trace.about.cut_at = Some(Instant::from_millis(3_600_000));
    assert!(last(&story).contains("3600.000  │ at the end: ESTABLISHED"), "{}", last(&story));
}

/// The connection that an old SYN makes counts from the ISN of that SYN.
#[test]
fn ghost_of_an_old_syn_has_relative_numbers() {
    assert_snapshot!(folded(&stories::ghost_of_an_old_syn().trace));
}

/// Those in the fold are gone with their arrivals and notes; those outside are shown whole.
#[test]
fn fold_takes_arrivals_with_it() {
    assert_snapshot!(folded(&stories::jitter().trace));
}

#[test]
fn jitter_in_full() {
    assert_snapshot!(ladder::plain(&stories::jitter().trace, FULL));
}

#[test]
fn options_and_scaled_windows() {
    assert_snapshot!(folded(&stories::options().trace));
}

/// Congestion, text that came twice, and the timestamp of a segment that is judged by it.
#[test]
fn marks_and_options_that_tell_a_story() {
    assert_snapshot!(folded(&stories::marks().trace));
}

/// Arrows to oneself turn back on either side. A forged SYN counts from its own ISN if it is
/// answered, and shows the number of its header if it is not.
#[test]
fn loops_and_forged_syns() {
    assert_snapshot!(folded(&stories::odd_ends().trace));
}

/// Only what pretends to come from a host is forged: a reset of a box is no attack.
#[test]
fn a_packet_that_no_host_sent_says_who_made_it() {
    assert_snapshot!(folded(&stories::nobodys().trace));
}

#[test]
fn translation_is_told_once_for_each_direction() {
    assert_snapshot!(folded(&stories::translated().trace));
}

#[test]
fn narrow_ladder_breaks_words_into_lines() {
    let form = Form { width: 60, length: Length::Folded };
    assert_snapshot!(ladder::plain(&stories::mishaps().trace, form));
}

/// A delay that was drawn has nanoseconds; the column of times has microseconds, all of them.
#[test]
fn times_are_cut_to_microseconds() {
    let mut story = Story::new("Drawn");
    story.call(CLIENT, "first");
    story.at(1).call(CLIENT, "second");
    story.trace.records[1].at = Instant::from_nanos(1_234_567);
    let text = folded(&story.trace);
    assert!(text.contains("   0.000000  │ first"), "{text}");
    assert!(text.contains("   0.001234  │ second"), "{text}");
}

/// A time in a text is found in the column of times letter by letter.
#[test]
fn times_in_texts_have_the_decimals_of_the_column() {
    let mut story = Story::new("Drawn");
    let late = story.sent(Some(socket(CLIENT, 1)), seg(CLIENT, Flags::SYN, 0, 0), SendReason::New);
    story.fate(late, Fate::Held, rule(1, "hold SYN"));
    story.at(500).arrive(late, SERVER, Verdict::Accepted);
    story.trace.records[0].at = Instant::from_nanos(71_710_000);
    let text = folded(&story.trace);
    assert!(text.contains("   0.071710  ├─ SYN"), "{text}");
    assert!(text.contains("arrives at 0.500000"), "{text}");
    assert!(text.contains("(sent at 0.071710)"), "{text}");
}

/// A request of a protocol is recognised by its first line.
#[test]
fn text_with_lines_is_shown_from_its_beginning() {
    let mut story = Story::new("Request");
    for (number, text) in
        [(1, "GET / HTTP/1.1\r\n\r\n"), (19, "bye\r\n"), (24, "seventeen letters")]
    {
        let text = Seg { text: text.as_bytes(), ..seg(CLIENT, Flags::ACK, number, 1) };
        story.sent(Some(socket(CLIENT, 1)), text, SendReason::New);
    }
    let text = folded(&story.trace);
    assert!(text.contains(r#"len=18 "GET / HTTP/1.1\r\n"… "#), "{text}");
    assert!(text.contains(r#"len=5 "bye\r\n" "#), "{text}");
    assert!(text.contains("len=17 ─"), "{text}");
}

/// Linux' probe has no text; the textbook's has one octet.
#[test]
fn a_window_probe_without_text_says_so() {
    let mut story = Story::new("Probes");
    for text in [&b""[..], b"x"] {
        let probe = Seg { text, ..seg(CLIENT, Flags::ACK, 1, 1) };
        story.sent(Some(socket(CLIENT, 1)), probe, SendReason::WindowProbe);
    }
    let text = folded(&story.trace);
    assert!(text.contains("(empty window probe)"), "{text}");
    assert!(text.contains("\"x\" (window probe)"), "{text}");
}

/// RFC 9293 §3.5, figure 8: the reset takes its number from the acknowledgment that it answers,
/// and that is one of the attempt that was given up.
#[test]
fn reset_of_an_old_syn_counts_in_its_numbers() {
    let (old, new) = (socket(CLIENT, 1), socket(CLIENT, 2));
    let later = |seg: Seg| Seg { isns: (5_000_000, SERVER_ISN), ..seg };
    let mut story = Story::new("Old SYN");
    let slow = story.sent(Some(old), seg(CLIENT, Flags::SYN, 0, 0), SendReason::New);
    story.at(5).sent(Some(new), later(seg(CLIENT, Flags::SYN, 0, 0)), SendReason::New);
    story.at(10).arrive(slow, SERVER, Verdict::Accepted);
    let both = Flags::SYN.union(Flags::ACK);
    let answer = story.send(socket(SERVER, 3), seg(SERVER, both, 0, 1), SendReason::New);
    story.at(20).arrive(answer, CLIENT, Verdict::SynSentBadAck);
    story.send(new, seg(CLIENT, Flags::RST, 1, 0), SendReason::Reset);
    let text = folded(&story.trace);
    assert!(text.contains("├─ #1 RST seq=1 ─"), "{text}");
}

#[test]
fn empty_trace_has_a_heading_only() {
    assert_eq!(folded(&Trace::default()), "seed 0\n\n    time\n");
}

/// A segment is recognised by its tail at one of the rails.
#[test]
fn every_segment_sent_has_one_arrow_in_a_full_ladder() {
    for trace in all() {
        let text = ladder::plain(&trace, FULL);
        let tails = text.chars().filter(|c| "├┤".contains(*c)).count();
        let sent = trace.records.iter().filter(|r| matches!(r.event, Event::Sent { .. })).count();
        assert_eq!(tails, sent, "{text}");
    }
}

#[test]
fn colours_strip_to_the_plain_text() {
    for trace in all() {
        let coloured = ladder::coloured(&trace, FULL);
        assert!(coloured.contains('\u{1b}'));
        let stripped = anstream::adapter::strip_str(&coloured).to_string();
        assert_eq!(stripped, ladder::plain(&trace, FULL));
    }
}

#[test]
fn no_line_is_wider_than_the_ladder() {
    for trace in all() {
        for width in [80, 100, 132] {
            let text = ladder::plain(&trace, Form { width, length: Length::Full });
            let widest = text.lines().map(UnicodeWidthStr::width).max().unwrap_or(0);
            assert!(widest <= width, "{widest} > {width}\n{text}");
        }
    }
}

/// A combining accent takes no column, and a control character none and no ink.
#[test]
fn letters_without_width_keep_the_lanes_straight() {
    let mut story = stories::lost_last_ack();
    story.at(60_280).call(CLIENT, "write(cafe\u{301}\u{7})");
    let text = folded(&story.trace);
    let line = text.lines().last().expect("lines");
    assert!(line.contains("write(cafe\u{301})"), "{line}");
    assert_eq!(line.width(), 100);
}

#[test]
fn wide_letters_count_twice() {
    let mut story = stories::lost_last_ack();
    story.trace.about.hosts[1].name = "服务器".to_owned();
    let text = folded(&story.trace);
    let names = text.lines().nth(2).expect("the line of names");
    assert!(names.ends_with("服务器"), "{names}");
    assert_eq!(names.width(), 100);
}
