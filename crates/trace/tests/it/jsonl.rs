//! JSON lines: the schema is what the snapshots show.

use insta::assert_snapshot;
use serde_json::Value;
use twomsl_trace::{Trace, jsonl};

use crate::stories;

fn lines(trace: &Trace) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).expect("every line is JSON");
    jsonl::render(trace).lines().map(parse).collect()
}

#[test]
fn lost_last_ack() {
    assert_snapshot!(jsonl::render(&stories::lost_last_ack().trace));
}

#[test]
fn mishaps() {
    assert_snapshot!(jsonl::render(&stories::mishaps().trace));
}

#[test]
fn socket_table() {
    let text = jsonl::render(&stories::tables().trace);
    let tables: Vec<_> = text.lines().filter(|line| line.contains("\"table\"")).collect();
    assert_snapshot!(tables.join("\n"));
}

/// In the numbers of the header, like everything else about a segment.
#[test]
fn options_have_names() {
    let traces = [stories::options().trace, stories::marks().trace];
    let segments = traces.iter().flat_map(|trace| lines(trace).into_iter());
    let options: Vec<_> = segments
        .filter(|line| line["event"] == "sent")
        .map(|line| format!("{} {}", line["ecn"], line["tcp"]["options"]))
        .collect();
    assert_snapshot!(options.join("\n"));
}

#[test]
fn there_is_a_line_for_every_record_and_one_more() {
    let trace = stories::mishaps().trace;
    let lines = lines(&trace);
    assert_eq!(lines.len(), trace.records.len() + 1);
    assert_eq!(lines[0]["schema"], 1);
    for (line, record) in lines[1..].iter().zip(&trace.records) {
        assert_eq!(line["at_ns"], record.at.as_nanos());
    }
}

#[test]
fn sending_fate_and_arrival_have_the_same_packet() {
    let lines = lines(&stories::lost_last_ack().trace);
    let of_first = |line: &&Value| line["packet"] == 1;
    let events: Vec<_> = lines.iter().filter(of_first).map(|line| &line["event"]).collect();
    assert_eq!(events, ["sent", "fate", "arrived"]);
}

/// Long text is told apart by its hash though only its beginning is written out.
#[test]
fn long_text_is_cut_but_not_lost() {
    let lines = lines(&stories::transfer(1).trace);
    let text = lines.iter().find(|line| line["tcp"]["length"] == 1460).expect("a full segment");
    assert_eq!(text["tcp"]["text_hex"], "78".repeat(32));
    let hash = text["tcp"]["text_sha256"].as_str().expect("a hash");
    assert_eq!(hash.len(), 64);
}

#[test]
fn a_packet_that_no_host_sent_says_who_made_it() {
    let makers = |trace: &Trace| -> Vec<_> {
        let lines = lines(trace).into_iter();
        let injected =
            lines.filter(|line| line["event"] == "injected" || line["event"] == "forged");
        injected
            .map(|line| [line["event"].clone(), line["by"].clone(), line["middlebox"].clone()])
            .collect()
    };
    let word = |word: &str| Value::String(word.to_owned());
    let [injected, balancer] = [word("injected"), word("balancer")];
    assert_eq!(
        makers(&stories::nobodys().trace),
        [[injected.clone(), word("middlebox"), balancer], [injected, word("network"), Value::Null]]
    );
    assert_eq!(makers(&stories::mishaps().trace), [[word("forged"), Value::Null, Value::Null]]);
}
