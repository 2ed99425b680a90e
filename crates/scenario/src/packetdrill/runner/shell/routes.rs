//! `ip`, `ifconfig` and `route`: what they set of a path, as parameters of the stack.

/// The settings of a command; `None` if it is none that is understood.
pub(super) fn settings(command: &str, arguments: &[&str]) -> Option<Vec<(&'static str, String)>> {
    let words: Vec<&str> =
        arguments.iter().copied().skip_while(|word| word.starts_with('-')).collect();
    match (command, &words[..]) {
        (
            "ip",
            ["tcp_metrics" | "tcpmetrics", "flush" | "delete" | "del", ..]
            | ["route" | "r" | "ro", "flush", "cache"]
            | ["addr" | "address" | "neigh", ..],
        ) => Some(Vec::new()),
        (
            "ip",
            [
                "route" | "r" | "ro",
                "add" | "change" | "replace" | "append" | "show" | "list",
                rest @ ..,
            ],
        ) => Some(metrics(rest)),
        ("ip", ["link", "set", rest @ ..]) | ("ifconfig" | "route", rest) => Some(mtu(rest)),
        _ => None,
    }
}

/// Whether a command makes the system forget what it knows of peers.
pub(super) fn forgets(command: &str, arguments: &[&str]) -> bool {
    command == "ip" && arguments.contains(&"flush")
}

/// `initcwnd 20 mtu lock 1400 features ecn`: what a route says of its path (ip-route(8)).
fn metrics(words: &[&str]) -> Vec<(&'static str, String)> {
    let mut settings = Vec::new();
    let mut rest = words.iter().copied();
    while let Some(word) = rest.next() {
        let name = match word {
            "initcwnd" => "initial-window",
            "initrwnd" => "route.initrwnd",
            "rto_min" => "rto-min",
            "quickack" => "route.quickack",
            "advmss" => "route.advmss",
            "mtu" => "mtu",
            "features" => {
                if rest.next() == Some("ecn") {
                    settings.push(("ecn", "on".to_owned()));
                }
                continue;
            }
            "cwnd" | "ssthresh" | "rtt" | "rttvar" | "reordering" | "hoplimit" => "route",
            _ => continue,
        };
        let value = rest.next().filter(|word| *word != "lock").or_else(|| rest.next());
        settings.push((name, value.unwrap_or_default().to_owned()));
    }
    settings
}

/// `tun0 mtu 1500`
fn mtu(words: &[&str]) -> Vec<(&'static str, String)> {
    let value = words.iter().position(|word| *word == "mtu").and_then(|at| words.get(at + 1));
    value.map(|value| ("mtu", (*value).to_owned())).into_iter().collect()
}
