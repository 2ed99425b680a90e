//! Names of settings.

/// `net/ipv4/tcp_ecn` as `net.ipv4.tcp_ecn`.
pub(super) fn with_points(name: &str) -> String {
    name.trim().replace('/', ".")
}

/// The setting behind a file of `/proc/sys`.
pub(super) fn name_of_file(file: &str) -> Option<String> {
    file.strip_prefix("/proc/sys/").map(with_points)
}

/// A value as it is read back: kernels take numbers with `0x`, too.
pub(super) fn decimal(value: &str) -> String {
    let digits = value.strip_prefix("0x").or_else(|| value.strip_prefix("0X"));
    let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    number.map_or_else(|| value.to_owned(), |number| number.to_string())
}

/// Settings that say nothing about what a stack sends.
pub(super) fn is_of_no_concern(name: &str) -> bool {
    const BEGINNINGS: [&str; 9] = [
        "kern.timecounter",
        "kern.eventtimer",
        "net.core.netdev_",
        "net.ipv4.conf.",
        "net.ipv6.conf.",
        "net.inet.tcp.log_",
        "net.inet.tcp.hostcache.purge",
        "net.inet.tcp.bb.",
        "kernel.",
    ];
    const NAMES: [&str; 6] = [
        "net.inet.tcp.functions_default",
        "net.inet.icmp.icmplim",
        "net.inet.tcp.udp_tunneling_port",
        "net.inet.tcp.hostcache.enable",
        "net.ipv4.icmp_ratelimit",
        "net.core.default_qdisc",
    ];
    BEGINNINGS.iter().any(|begin| name.starts_with(begin)) || NAMES.contains(&name)
}

/// Other TCPs of FreeBSD than its base stack are other machines. No name is that of none of them.
pub(super) fn is_possible(name: &str, value: &str) -> bool {
    let value = value.trim_matches(['"', '\'']);
    with_points(name) != "net.inet.tcp.functions_default" || matches!(value, "" | "freebsd")
}

/// What a question is answered with before anything was set.
pub(super) fn constant(name: &str) -> Option<&'static str> {
    match name {
        "net.inet.tcp.functions_default" => Some("freebsd"),
        "net.ipv4.tcp_available_congestion_control" => Some("reno cubic"),
        "kern.hz" => Some("1000"),
        _ => None,
    }
}
