//! The parameters of a profile under the names that Linux, FreeBSD and BIG-IP have for them, with
//! values as `sysctl` and `tmsh` take them. Every name works on every profile: what it sets is a
//! parameter, not a system.
//!
//! Sources: Documentation/networking/ip-sysctl.rst and Documentation/admin-guide/sysctl/net.rst of
//! Linux 6; tcp(4), inet(4) and `sysctl -d` of FreeBSD 14.

mod big_ip;
mod freebsd;

use freebsd::{OCTETS, octets};

use super::{ParameterError, number};
use crate::profile::{FastOpenCookies, Offer, Profile};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::ToString;

/// A name of a system.
struct Sysctl {
    name: &'static str,
    /// The parameter that it sets, or several.
    parameter: &'static str,
    form: Form,
}

/// How its value is read.
enum Form {
    /// As that of the parameter.
    Same,
    /// A plain number is seconds.
    Seconds,
    /// A plain number is milliseconds.
    Millis,
    /// A plain number is microseconds.
    Micros,
    /// A number stands for a word of the parameter.
    Words(&'static [(&'static str, &'static str)]),
    /// Nothing here depends on it: a number is taken, and forgotten.
    Ignored,
    /// What it takes, and how that is set.
    Own(&'static str, fn(&mut Profile, &str) -> bool),
}

const SWITCH: Form = Form::Words(&[("0", "off"), ("1", "on")]);
const ECN: Form = Form::Words(&[("0", "off"), ("1", "on"), ("2", "passive")]);
const THREE_SIZES: &str = "three numbers: least, default and most octets";
const ZERO_OR_ONE: &str = "0 or 1";

const fn row(name: &'static str, parameter: &'static str, form: Form) -> Sysctl {
    Sysctl { name, parameter, form }
}

#[rustfmt::skip]
static LINUX: &[Sysctl] = &[
    row("net.core.rmem_max", "what SO_RCVBUF can ask for", Form::Own(OCTETS, rmem_max)),
    row("net.core.somaxconn", "max-backlog", Form::Same),
    row("net.ipv4.ip_default_ttl", "hop-limit", Form::Same),
    row("net.ipv4.ip_local_port_range", "first-port, last-port", Form::Own("two ports: the first and the last", port_range)),
    row("net.ipv4.route.min_pmtu", "min-pmtu", Form::Same),
    row("net.ipv4.route.mtu_expires", "mtu-expires", Form::Seconds),
    row("net.ipv4.tcp_abort_on_overflow", "accept-overflow", Form::Words(&[("0", "drop"), ("1", "reset")])),
    row("net.ipv4.tcp_challenge_ack_limit", "challenge-limit", Form::Same),
    row("net.ipv4.tcp_congestion_control", "congestion-control", Form::Words(&[("reno", "newreno")])),
    row("net.ipv4.tcp_dsack", "dsack", SWITCH),
    row("net.ipv4.tcp_early_retrans", "tail-loss-probe", Form::Words(&[("0", "off"), ("1", "off"), ("2", "off"), ("3", "on"), ("4", "on")])),
    row("net.ipv4.tcp_ecn", "ecn", ECN),
    row("net.ipv4.tcp_ecn_fallback", "ecn-fallback", SWITCH),
    row("net.ipv4.tcp_fastopen", "fast-open-client, fast-open-server, and whether they need cookies", Form::Own("bits: 1 to connect, 2 for listeners, 4 and 0x200 without cookies, 0x400 for every listener", fastopen)),
    row("net.ipv4.tcp_fastopen_key", "fast-open-key", Form::Same),
    row("net.ipv4.tcp_fin_timeout", "fin-timeout", Form::Seconds),
    row("net.ipv4.tcp_frto", "spurious-timeouts", Form::Words(&[("0", "by-timestamp"), ("1", "tested"), ("2", "tested")])),
    row("net.ipv4.tcp_invalid_ratelimit", "challenge-spacing", Form::Millis),
    row("net.ipv4.tcp_keepalive_intvl", "keepalive-interval", Form::Seconds),
    row("net.ipv4.tcp_keepalive_probes", "keepalive-count", Form::Same),
    row("net.ipv4.tcp_keepalive_time", "keepalive-idle", Form::Seconds),
    row("net.ipv4.tcp_max_orphans", "max-orphans", Form::Same),
    row("net.ipv4.tcp_max_syn_backlog", "max-syn-backlog", Form::Same),
    row("net.ipv4.tcp_max_tw_buckets", "max-time-wait", Form::Same),
    row("net.ipv4.tcp_min_tso_segs", "least-burst", Form::Same),
    row("net.ipv4.tcp_max_reordering", "max-reordering", Form::Same),
    row("net.ipv4.tcp_moderate_rcvbuf", "receive-growth", SWITCH),
    row("net.ipv4.tcp_mtu_probing", "mtu-probing", Form::Words(&[("0", "off"), ("1", "halving"), ("2", "halving")])),
    row("net.ipv4.tcp_notsent_lowat", "not-sent-low-water", Form::Same),
    row("net.ipv4.tcp_orphan_retries", "orphan-retries", Form::Words(&[("0", "8")])),
    row("net.ipv4.tcp_recovery", "loss-detection", Form::Words(&[("0", "blocks"), ("1", "time"), ("2", "blocks"), ("3", "time"), ("4", "blocks"), ("5", "time"), ("6", "blocks"), ("7", "time")])),
    row("net.ipv4.tcp_reordering", "reordering", Form::Same),
    row("net.ipv4.tcp_retries2", "retries", Form::Same),
    row("net.ipv4.tcp_rfc1337", "time-wait-rst", Form::Words(&[("0", "honoured"), ("1", "ignored")])),
    row("net.ipv4.tcp_rmem", "receive-buffer and what it grows to", Form::Own(THREE_SIZES, rmem)),
    row("net.ipv4.tcp_rto_max_ms", "rto-max", Form::Millis),
    row("net.ipv4.tcp_rto_min_us", "rto-min", Form::Micros),
    row("net.ipv4.tcp_sack", "sack", SWITCH),
    row("net.ipv4.tcp_slow_start_after_idle", "idle-restart", Form::Words(&[("0", "never"), ("1", "gradual")])),
    row("net.ipv4.tcp_syn_linear_timeouts", "syn-linear-timeouts", Form::Same),
    row("net.ipv4.tcp_syn_retries", "syn-retries", Form::Same),
    row("net.ipv4.tcp_synack_retries", "synack-retries", Form::Same),
    row("net.ipv4.tcp_syncookies", "syn-cookies", Form::Words(&[("0", "off"), ("1", "when-full"), ("2", "always")])),
    row("net.ipv4.tcp_timestamps", "timestamps", Form::Words(&[("0", "off"), ("1", "on"), ("2", "on")])),
    row("net.ipv4.tcp_tw_reuse", "connect-reuse", Form::Words(&[("0", "bound"), ("1", "always"), ("2", "loopback")])),
    row("net.ipv4.tcp_tw_reuse_delay", "connect-reuse-delay", Form::Millis),
    row("net.ipv4.tcp_window_scaling", "window-scale", Form::Words(&[("0", "off"), ("1", "by-buffer")])),
    row("net.ipv4.tcp_wmem", "send-buffer and what it grows to", Form::Own(THREE_SIZES, wmem)),

    row("net.core.netdev_max_backlog", "nothing", Form::Ignored),
    row("net.core.rmem_default", "nothing", Form::Ignored),
    row("net.core.wmem_default", "nothing", Form::Ignored),
    row("net.core.wmem_max", "nothing", Form::Ignored),
    row("net.ipv4.ip_no_pmtu_disc", "nothing", Form::Ignored),
    row("net.ipv4.ip_nonlocal_bind", "nothing", Form::Ignored),
    row("net.ipv4.tcp_adv_win_scale", "nothing", Form::Ignored),
    row("net.ipv4.tcp_app_win", "nothing", Form::Ignored),
    row("net.ipv4.tcp_autocorking", "nothing", Form::Ignored),
    row("net.ipv4.tcp_backlog_ack_defer", "nothing", Form::Ignored),
    row("net.ipv4.tcp_base_mss", "nothing", Form::Ignored),
    row("net.ipv4.tcp_child_ehash_entries", "nothing", Form::Ignored),
    row("net.ipv4.tcp_comp_sack_delay_ns", "nothing", Form::Ignored),
    row("net.ipv4.tcp_comp_sack_nr", "nothing", Form::Ignored),
    row("net.ipv4.tcp_comp_sack_slack_ns", "nothing", Form::Ignored),
    row("net.ipv4.tcp_early_demux", "nothing", Form::Ignored),
    row("net.ipv4.tcp_ecn_option", "nothing", Form::Ignored),
    row("net.ipv4.tcp_fack", "nothing", Form::Ignored),
    row("net.ipv4.tcp_fastopen_blackhole_timeout_sec", "nothing", Form::Ignored),
    row("net.ipv4.tcp_fwmark_accept", "nothing", Form::Ignored),
    row("net.ipv4.tcp_l3mdev_accept", "nothing", Form::Ignored),
    row("net.ipv4.tcp_limit_output_bytes", "nothing", Form::Ignored),
    row("net.ipv4.tcp_low_latency", "nothing", Form::Ignored),
    row("net.ipv4.tcp_migrate_req", "nothing", Form::Ignored),
    row("net.ipv4.tcp_min_rtt_wlen", "nothing", Form::Ignored),
    row("net.ipv4.tcp_min_snd_mss", "nothing", Form::Ignored),
    row("net.ipv4.tcp_mtu_probe_floor", "nothing", Form::Ignored),
    row("net.ipv4.tcp_no_metrics_save", "nothing", Form::Ignored),
    row("net.ipv4.tcp_no_ssthresh_metrics_save", "nothing", Form::Ignored),
    row("net.ipv4.tcp_pacing_ca_ratio", "nothing", Form::Ignored),
    row("net.ipv4.tcp_pacing_ss_ratio", "nothing", Form::Ignored),
    row("net.ipv4.tcp_pingpong_thresh", "nothing", Form::Ignored),
    row("net.ipv4.tcp_plb_cong_thresh", "nothing", Form::Ignored),
    row("net.ipv4.tcp_plb_enabled", "nothing", Form::Ignored),
    row("net.ipv4.tcp_plb_idle_rehash_rounds", "nothing", Form::Ignored),
    row("net.ipv4.tcp_plb_rehash_rounds", "nothing", Form::Ignored),
    row("net.ipv4.tcp_plb_suspend_rto_sec", "nothing", Form::Ignored),
    row("net.ipv4.tcp_probe_interval", "nothing", Form::Ignored),
    row("net.ipv4.tcp_probe_threshold", "nothing", Form::Ignored),
    row("net.ipv4.tcp_reflect_tos", "nothing", Form::Ignored),
    row("net.ipv4.tcp_retrans_collapse", "nothing", Form::Ignored),
    row("net.ipv4.tcp_retries1", "nothing", Form::Ignored),
    row("net.ipv4.tcp_shrink_window", "nothing", Form::Ignored),
    row("net.ipv4.tcp_stdurg", "nothing", Form::Ignored),
    row("net.ipv4.tcp_thin_dupack", "nothing", Form::Ignored),
    row("net.ipv4.tcp_thin_linear_timeouts", "nothing", Form::Ignored),
    row("net.ipv4.tcp_tso_rtt_log", "nothing", Form::Ignored),
    row("net.ipv4.tcp_tso_win_divisor", "nothing", Form::Ignored),
    row("net.ipv4.tcp_tw_recycle", "nothing", Form::Ignored),
    row("net.ipv4.tcp_workaround_signed_windows", "nothing", Form::Ignored),
];

/// All tables.
fn all() -> impl Iterator<Item = &'static Sysctl> {
    LINUX.iter().chain(freebsd::TABLE).chain(big_ip::TABLE)
}

impl Profile {
    /// The names that systems have for parameters, with the parameters they set and the unit of a
    /// plain number, or what else they take.
    pub fn system_names() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
        all().map(|row| (row.name, row.parameter, row.form.takes()))
    }

    /// Sets what a system calls `name`; `None` if none does.
    pub(super) fn set_by_system_name(
        &mut self,
        name: &str,
        value: &str,
    ) -> Option<Result<(), ParameterError>> {
        let row = all().find(|row| row.name == name)?;
        let understood = match &row.form {
            Form::Own(_, set) => set(self, value),
            Form::Ignored => number::<u64>(value).is_some(),
            form => self.set_own(row.parameter, &form.in_our_words(value)).is_ok(),
        };
        Some(if understood { Ok(()) } else { Err(row.refuse(value)) })
    }
}

impl Sysctl {
    fn refuse(&self, value: &str) -> ParameterError {
        ParameterError::Value {
            name: self.name,
            value: value.to_string(),
            expected: match self.form.takes() {
                "as the parameter" => Profile::parameters()
                    .find(|(name, ..)| *name == self.parameter)
                    .map_or("another value", |(_, _, takes)| takes),
                takes => takes,
            },
        }
    }
}

impl Form {
    const fn takes(&self) -> &'static str {
        match self {
            Self::Same => "as the parameter",
            Self::Seconds => "seconds, or a duration",
            Self::Millis => "milliseconds, or a duration",
            Self::Micros => "microseconds, or a duration",
            Self::Words(words) => in_words(words),
            Self::Ignored => "a number, of which nothing is made",
            Self::Own(takes, _) => takes,
        }
    }

    /// A value as the parameter takes it. What is no plain number may be in our words already.
    fn in_our_words<'a>(&self, value: &'a str) -> Cow<'a, str> {
        let plain = !value.is_empty() && value.bytes().all(|octet| octet.is_ascii_digit());
        match self {
            Self::Seconds if plain => format!("{value}s").into(),
            Self::Millis if plain => format!("{value}ms").into(),
            Self::Micros if plain => format!("{value}us").into(),
            Self::Words(words) => {
                let word = words.iter().find(|(number, _)| *number == value);
                word.map_or(value, |(_, word)| word).into()
            }
            _ => value.into(),
        }
    }
}

/// What a switch takes; those with other numbers say so by their length.
const fn in_words(words: &[(&str, &str)]) -> &'static str {
    match words.len() {
        1 => "as the parameter",
        2 if words[0].0.as_bytes()[0].is_ascii_digit() => "0 or 1, or as the parameter",
        2 => "`enabled` or `disabled`, or as the parameter",
        _ => "a number as the system has it, or as the parameter",
    }
}

// ---- those that no single parameter can say ----

/// `32768 60999`
fn port_range(profile: &mut Profile, value: &str) -> bool {
    let mut ports = value.split_whitespace().map(number::<u16>);
    let (Some(Some(first)), Some(Some(last)), None) = (ports.next(), ports.next(), ports.next())
    else {
        return false;
    };
    let sound = 0 < first && first <= last;
    if sound {
        (profile.first_port, profile.last_port) = (first, last);
    }
    sound
}

/// `4096 131072 6291456`: at least, at first, at most.
fn three_sizes(value: &str) -> Option<(u32, u32)> {
    let mut sizes = value.split_whitespace().map(number::<u32>);
    let (least, first, most) = (sizes.next()??, sizes.next()??, sizes.next()??);
    let sound = 0 < least && least <= first && first <= most && most <= 1 << 30;
    (sound && sizes.next().is_none()).then_some((first, most))
}

/// Half of a receive buffer is for text (`tcp_win_from_space`).
fn rmem(profile: &mut Profile, value: &str) -> bool {
    let sizes = three_sizes(value).filter(|(first, _)| *first >= 2);
    sizes.is_some_and(|(first, most)| {
        let options = &mut profile.options;
        (options.receive_buffer, options.receive_buffer_max) = (first / 2, most / 2);
        true
    })
}

/// `SO_RCVBUF` is doubled, and half of the double is for text.
fn rmem_max(profile: &mut Profile, value: &str) -> bool {
    octets(value).map(|most| profile.fixed_receive_buffer.1 = most).is_some()
}

/// `tcp_sndbuf_expand` makes the buffer larger at once if it is allowed to.
fn wmem(profile: &mut Profile, value: &str) -> bool {
    /// Two initial windows with what the kernel needs beside the text.
    const EXPANDED: u32 = 87_040;
    three_sizes(value).is_some_and(|(first, most)| {
        let options = &mut profile.options;
        (options.send_buffer, options.send_buffer_max) = (first.max(EXPANDED.min(most)), most);
        true
    })
}

/// Bit 0 is the client's side, bit 1 the server's; bits 2 and 9 do without cookies there, and with
/// bit 10 no listener has to ask (`TFO_CLIENT_ENABLE` and so on).
fn fastopen(profile: &mut Profile, value: &str) -> bool {
    let bits = match value.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => number::<u32>(value),
    };
    let Some(bits) = bits else { return false };
    let offer = |bit: u32| if bits & bit != 0 { Offer::Yes } else { Offer::No };
    let unless = |bit: u32| if bits & bit != 0 { Offer::No } else { Offer::Yes };
    (profile.fast_open_client, profile.fast_open_server) = (offer(1), offer(2));
    profile.fast_open_cookies = FastOpenCookies { client: unless(4), server: unless(0x200) };
    profile.fast_open_everywhere = offer(0x400);
    true
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    fn set(name: &str, value: &str) -> Profile {
        let mut profile = Profile::linux();
        profile.set(name, value).expect("the name is known, and the value is one of it");
        profile
    }

    #[test]
    fn plain_numbers_have_the_unit_of_the_system() {
        let fin_timeout = |name, value| set(name, value).fin_timeout;
        assert_eq!(fin_timeout("net.ipv4.tcp_fin_timeout", "30"), Some(Duration::from_secs(30)));
        assert_eq!(fin_timeout("net.ipv4.tcp_fin_timeout", "30s"), Some(Duration::from_secs(30)));
        let name = "net.inet.tcp.finwait2_timeout";
        assert_eq!(fin_timeout(name, "60000"), Some(Duration::from_secs(60)));
        assert_eq!(set("net.inet.tcp.msl", "15000").time_wait, Duration::from_secs(30));
    }

    /// What a default is called by its system is what the profile has.
    #[test]
    fn the_defaults_of_linux_change_nothing() {
        let defaults = [
            ("net.core.rmem_max", "212992"),
            ("net.core.somaxconn", "4096"),
            ("net.ipv4.ip_default_ttl", "64"),
            ("net.ipv4.ip_local_port_range", "32768 60999"),
            ("net.ipv4.route.min_pmtu", "552"),
            ("net.ipv4.route.mtu_expires", "600"),
            ("net.ipv4.tcp_abort_on_overflow", "0"),
            ("net.ipv4.tcp_congestion_control", "cubic"),
            ("net.ipv4.tcp_early_retrans", "3"),
            ("net.ipv4.tcp_ecn", "2"),
            ("net.ipv4.tcp_fastopen", "1"),
            ("net.ipv4.tcp_fin_timeout", "60"),
            ("net.ipv4.tcp_frto", "2"),
            ("net.ipv4.tcp_invalid_ratelimit", "500"),
            ("net.ipv4.tcp_keepalive_intvl", "75"),
            ("net.ipv4.tcp_keepalive_probes", "9"),
            ("net.ipv4.tcp_keepalive_time", "7200"),
            ("net.ipv4.tcp_min_tso_segs", "2"),
            ("net.ipv4.tcp_dsack", "1"),
            ("net.ipv4.tcp_ecn_fallback", "1"),
            ("net.ipv4.tcp_fastopen", "0x1"),
            ("net.ipv4.tcp_max_reordering", "300"),
            ("net.ipv4.tcp_moderate_rcvbuf", "1"),
            ("net.ipv4.tcp_reordering", "3"),
            ("net.ipv4.tcp_mtu_probing", "0"),
            ("net.ipv4.tcp_notsent_lowat", "4294967295"),
            ("net.ipv4.tcp_orphan_retries", "0"),
            ("net.ipv4.tcp_recovery", "1"),
            ("net.ipv4.tcp_retries2", "15"),
            ("net.ipv4.tcp_rfc1337", "0"),
            ("net.ipv4.tcp_rmem", "4096 131072 6291456"),
            ("net.ipv4.tcp_rto_max_ms", "120000"),
            ("net.ipv4.tcp_rto_min_us", "200000"),
            ("net.ipv4.tcp_sack", "1"),
            ("net.ipv4.tcp_slow_start_after_idle", "1"),
            ("net.ipv4.tcp_syn_linear_timeouts", "4"),
            ("net.ipv4.tcp_syn_retries", "6"),
            ("net.ipv4.tcp_synack_retries", "5"),
            ("net.ipv4.tcp_syncookies", "1"),
            ("net.ipv4.tcp_timestamps", "1"),
            ("net.ipv4.tcp_tw_reuse", "2"),
            ("net.ipv4.tcp_tw_reuse_delay", "1000"),
            ("net.ipv4.tcp_window_scaling", "1"),
            ("net.ipv4.tcp_wmem", "4096 16384 4194304"),
        ];
        for (name, value) in defaults {
            assert_eq!(set(name, value), Profile::linux(), "{name} = {value}");
        }
    }

    /// A row whose words its parameter does not know would be found out by a user.
    #[test]
    fn every_word_of_the_table_is_one_of_its_parameter() {
        for row in all() {
            let Form::Words(words) = row.form else { continue };
            for (number, _) in words {
                set(row.name, number);
            }
        }
    }

    #[test]
    fn what_a_name_does_not_take_is_refused_and_changes_nothing() {
        for row in all() {
            for value in ["", "elephant", "-1", "1 2 3 4", "99999999999999999999"] {
                let mut profile = Profile::linux();
                let error = profile.set(row.name, value).expect_err(row.name);
                assert!(matches!(error, ParameterError::Value { .. }), "{}: {error}", row.name);
                assert_eq!(profile, Profile::linux(), "{} = {value}", row.name);
            }
        }
        let mut profile = Profile::linux();
        assert!(profile.set("net.ipv4.ip_local_port_range", "2 1").is_err());
        assert!(profile.set("net.ipv4.tcp_rmem", "1 3 2").is_err());
    }
}
