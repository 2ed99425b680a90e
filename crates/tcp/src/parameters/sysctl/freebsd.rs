//! The names that FreeBSD has, from tcp(4), inet(4) and `sysctl -d` of FreeBSD 14.

use core::time::Duration;

use super::{Form, SWITCH, Sysctl, ZERO_OR_ONE, row};
use crate::parameters::{choice, duration, number, set};
use crate::profile::{
    Blackhole, Offer, Profile, RetryLimit, RtoFloor, Switch, SynCookies, WindowScaling,
};

pub(super) const OCTETS: &str = "a number of octets";
const SEGMENT: &str = "a number of octets from 64 to 65495";
/// What has no effect here: it is about the machine, a log, or something that is always done.
const IGNORED: Form =
    Form::Own("a number, without effect", |_, value| number::<u32>(value).is_some());
const NOTHING: &str = "nothing";

const fn ignored(name: &'static str) -> Sysctl {
    row(name, NOTHING, IGNORED)
}

#[rustfmt::skip]
pub(super) static TABLE: &[Sysctl] = &[
    row("kern.ipc.maxsockbuf", "window-scale, which is what so large a buffer needs", Form::Own(OCTETS, maxsockbuf)),
    row("kern.ipc.soacceptqueue", "max-backlog", Form::Same),
    row("net.inet.ip.portrange.first", "first-port", Form::Same),
    row("net.inet.ip.portrange.last", "last-port", Form::Same),
    row("net.inet.ip.portrange.randomized", "port-selection", Form::Words(&[("1", "random")])),
    row("net.inet.ip.ttl", "hop-limit", Form::Same),
    row("net.inet.tcp.abc_l_var", "window-counting", Form::Same),
    row("net.inet.tcp.ack_war_cnt", "challenge-limit", Form::Words(&[("0", "4294967295")])),
    row("net.inet.tcp.ack_war_timewindow", "challenge-period", Form::Millis),
    row("net.inet.tcp.always_keepalive", "SO_KEEPALIVE of every socket", Form::Own(ZERO_OR_ONE, always_keepalive)),
    row("net.inet.tcp.blackhole", "segments that are not even reset", Form::Own("0 to 3", blackhole)),
    row("net.inet.tcp.cc.algorithm", "congestion-control", Form::Same),
    row("net.inet.tcp.delacktime", "delayed-ack", Form::Millis),
    row("net.inet.tcp.delayed_ack", "delayed-ack", Form::Words(&[("0", "0s"), ("1", "40ms")])),
    row("net.inet.tcp.do_prr", "proportional-rate", SWITCH),
    row("net.inet.tcp.drop_synfin", "whether SYN,FIN is dropped", Form::Own(ZERO_OR_ONE, |p, v| switch(&mut p.bsd.drop_synfin, v))),
    row("net.inet.tcp.ecn.enable", "ecn", Form::Words(&[("0", "off"), ("1", "on"), ("2", "passive"), ("3", "on"), ("4", "passive")])),
    row("net.inet.tcp.ecn.maxretries", "repetitions of a SYN that still ask for ECN", Form::Own("a number", |p, v| set(&mut p.bsd.ecn_maxretries, number(v)))),
    row("net.inet.tcp.fast_finwait2_recycle", "whether FIN-WAIT-2 ends whatever comes", Form::Own(ZERO_OR_ONE, |p, v| switch(&mut p.bsd.fast_finwait2_recycle, v))),
    row("net.inet.tcp.fastopen.client_enable", "fast-open-client", SWITCH),
    row("net.inet.tcp.fastopen.server_enable", "fast-open-server", SWITCH),
    row("net.inet.tcp.finwait2_timeout", "fin-timeout", Form::Millis),
    row("net.inet.tcp.functions_default", "the stack: freebsd", Form::Own("`freebsd`", |_, value| value == "freebsd")),
    row("net.inet.tcp.icmp_may_rst", "unreachable", Form::Words(&[("0", "soft"), ("1", "insistent")])),
    row("net.inet.tcp.initcwnd_segments", "initial-window", Form::Words(&[("0", "by-size")])),
    row("net.inet.tcp.insecure_ack", "whether no acknowledgment is too old", Form::Own(ZERO_OR_ONE, |p, v| switch(&mut p.bsd.insecure_ack, v))),
    row("net.inet.tcp.insecure_rst", "whether a RST in the window is believed", Form::Own(ZERO_OR_ONE, |p, v| switch(&mut p.bsd.insecure_rst, v))),
    row("net.inet.tcp.insecure_syn", "whether a SYN in the window is believed", Form::Own(ZERO_OR_ONE, |p, v| switch(&mut p.bsd.insecure_syn, v))),
    row("net.inet.tcp.keepcnt", "keepalive-count", Form::Same),
    row("net.inet.tcp.keepidle", "keepalive-idle", Form::Millis),
    row("net.inet.tcp.keepinit", "connect-timeout", Form::Millis),
    row("net.inet.tcp.keepintvl", "keepalive-interval", Form::Millis),
    row("net.inet.tcp.maxtcptw", "max-time-wait", Form::Same),
    row("net.inet.tcp.maxunacktime", "user-timeout", Form::Millis),
    row("net.inet.tcp.minmss", "the smallest segment size that is believed", Form::Own(SEGMENT, |p, v| segment(&mut p.bsd.least_mss, v))),
    row("net.inet.tcp.msl", "time-wait, of which it is half", Form::Own("milliseconds, or a duration", msl)),
    row("net.inet.tcp.mssdflt", "the segment size without an option", Form::Own(SEGMENT, |p, v| segment(&mut p.bsd.default_mss, v))),
    row("net.inet.tcp.persmax", "persist-max", Form::Millis),
    row("net.inet.tcp.persmin", "persist-min", Form::Millis),
    row("net.inet.tcp.pmtud_blackhole_detection", "mtu-probing", Form::Words(&[("0", "off"), ("1", "two-steps")])),
    row("net.inet.tcp.recvbuf_auto", "whether receive-buffer grows", Form::Own(ZERO_OR_ONE, recvbuf_auto)),
    row("net.inet.tcp.recvbuf_max", "what receive-buffer grows to", Form::Own(OCTETS, recvbuf_max)),
    row("net.inet.tcp.recvspace", "receive-buffer", Form::Own(OCTETS, recvspace)),
    row("net.inet.tcp.retries", "retries, orphan-retries, syn-retries", Form::Own("a number", retries)),
    row("net.inet.tcp.rexmit_drop_options", "whether the third SYN again has no options", Form::Own(ZERO_OR_ONE, |p, v| switch(&mut p.bsd.rexmit_drop_options, v))),
    row("net.inet.tcp.rexmit_initial", "rto-initial", Form::Millis),
    row("net.inet.tcp.rexmit_max", "rto-max", Form::Millis),
    row("net.inet.tcp.rexmit_min", "rto-min", Form::Millis),
    row("net.inet.tcp.rexmit_slop", "what is added to every timeout", Form::Own("milliseconds, or a duration", rexmit_slop)),
    row("net.inet.tcp.rfc1323", "window-scale, timestamps", Form::Own("0 to 3", rfc1323)),
    row("net.inet.tcp.rfc3042", "limited-transmit", SWITCH),
    row("net.inet.tcp.rfc3390", "initial-window, if initcwnd_segments is 0", IGNORED),
    row("net.inet.tcp.rfc3465", "window-counting", Form::Words(&[("0", "1"), ("1", "2")])),
    row("net.inet.tcp.sack.enable", "sack", SWITCH),
    row("net.inet.tcp.sendbuf_auto", "whether send-buffer grows", Form::Own(ZERO_OR_ONE, sendbuf_auto)),
    row("net.inet.tcp.sendbuf_max", "what send-buffer grows to", Form::Own(OCTETS, sendbuf_max)),
    row("net.inet.tcp.sendspace", "send-buffer", Form::Own(OCTETS, sendspace)),
    row("net.inet.tcp.syncache.cachelimit", "max-syn-backlog", Form::Same),
    row("net.inet.tcp.syncache.rexmtlimit", "synack-retries", Form::Same),
    row("net.inet.tcp.syncache.rst_on_sock_fail", "accept-overflow", Form::Words(&[("0", "drop"), ("1", "reset")])),
    row("net.inet.tcp.syncookies", "syn-cookies", Form::Words(&[("0", "off"), ("1", "when-full")])),
    row("net.inet.tcp.syncookies_only", "syn-cookies", Form::Own(ZERO_OR_ONE, syncookies_only)),
    row("net.inet.tcp.tolerate_missing_ts", "missing-timestamps", Form::Words(&[("0", "dropped"), ("1", "tolerated")])),
    row("net.inet.tcp.v6mssdflt", "the same for IPv6", Form::Own(SEGMENT, |p, v| segment(&mut p.bsd.default_mss_v6, v))),

    ignored("net.inet.icmp.bmcastecho"),
    ignored("net.inet.icmp.drop_redirect"),
    ignored("net.inet.icmp.icmplim"),
    ignored("net.inet.icmp.icmplim_jitter"),
    ignored("net.inet.icmp.icmplim_output"),
    ignored("net.inet.ip.forwarding"),
    ignored("net.inet.ip.random_id"),
    ignored("net.inet.ip.redirect"),
    ignored("net.inet.ip.rfc6864"),
    ignored("net.inet.tcp.blackhole_local"),
    ignored("net.inet.tcp.cc.abe"),
    ignored("net.inet.tcp.cc.abe_frlossreduce"),
    ignored("net.inet.tcp.cc.cubic.hystartplusplus.bblogs"),
    ignored("net.inet.tcp.cc.hystartplusplus.bblogs"),
    ignored("net.inet.tcp.cc.newreno.beta"),
    ignored("net.inet.tcp.cc.newreno.beta_ecn"),
    ignored("net.inet.tcp.do_lrd"),
    ignored("net.inet.tcp.do_prr_conservative"),
    ignored("net.inet.tcp.do_tcpdrain"),
    ignored("net.inet.tcp.ecn.generalized"),
    ignored("net.inet.tcp.fastopen.acceptany"),
    ignored("net.inet.tcp.fastopen.autokey"),
    ignored("net.inet.tcp.fastopen.ccache_bucket_limit"),
    ignored("net.inet.tcp.fastopen.ccache_buckets"),
    ignored("net.inet.tcp.fastopen.path_disable_time"),
    ignored("net.inet.tcp.fastopen.psk_enable"),
    ignored("net.inet.tcp.hostcache.cachelimit"),
    ignored("net.inet.tcp.hostcache.enable"),
    ignored("net.inet.tcp.hostcache.expire"),
    ignored("net.inet.tcp.hostcache.prune"),
    ignored("net.inet.tcp.hostcache.purge"),
    ignored("net.inet.tcp.hostcache.purgenow"),
    ignored("net.inet.tcp.isn_reseed_interval"),
    ignored("net.inet.tcp.log_debug"),
    ignored("net.inet.tcp.log_in_vain"),
    ignored("net.inet.tcp.newcwv"),
    ignored("net.inet.tcp.newsack"),
    ignored("net.inet.tcp.nolocaltimewait"),
    ignored("net.inet.tcp.path_mtu_discovery"),
    ignored("net.inet.tcp.per_cpu_timers"),
    ignored("net.inet.tcp.pmtud_blackhole_mss"),
    ignored("net.inet.tcp.reass.maxqueuelen"),
    ignored("net.inet.tcp.reass.maxsegments"),
    ignored("net.inet.tcp.reass.new_limit"),
    ignored("net.inet.tcp.reass.queueguard"),
    ignored("net.inet.tcp.recvbuf_inc"),
    ignored("net.inet.tcp.require_unique_port"),
    ignored("net.inet.tcp.rfc6675_pipe"),
    ignored("net.inet.tcp.sack.globalmaxholes"),
    ignored("net.inet.tcp.sack.lrd"),
    ignored("net.inet.tcp.sack.maxholes"),
    ignored("net.inet.tcp.sack.revised"),
    ignored("net.inet.tcp.sack.tso"),
    ignored("net.inet.tcp.sendbuf_auto_lowat"),
    ignored("net.inet.tcp.sendbuf_inc"),
    ignored("net.inet.tcp.soreceive_stream"),
    ignored("net.inet.tcp.syncache.bucketlimit"),
    ignored("net.inet.tcp.syncache.see_other"),
    ignored("net.inet.tcp.ts_offset_per_conn"),
    ignored("net.inet.tcp.tso"),
    ignored("net.inet.tcp.udp_tunneling_overhead"),
    ignored("net.inet.tcp.udp_tunneling_port"),
    ignored("net.inet.tcp.v6pmtud_blackhole_mss"),
];

/// FreeBSD has one switch for all of RFC 7323. The shift is that of `kern.ipc.maxsockbuf`, 2 MiB.
fn rfc1323(profile: &mut Profile, value: &str) -> bool {
    (profile.window_scaling, profile.timestamps) = match value {
        "0" => (WindowScaling::Off, Offer::No),
        "1" => (WindowScaling::Shift(6), Offer::Yes),
        "2" => (WindowScaling::Shift(6), Offer::No),
        "3" => (WindowScaling::Off, Offer::Yes),
        _ => return false,
    };
    true
}

fn switch(place: &mut Switch, value: &str) -> bool {
    set(place, choice(value, &[("0", Switch::Off), ("1", Switch::On)]))
}

fn blackhole(profile: &mut Profile, value: &str) -> bool {
    let modes = [
        ("0", Blackhole::Off),
        ("1", Blackhole::Syns),
        ("2", Blackhole::Closed),
        ("3", Blackhole::Everything),
    ];
    set(&mut profile.bsd.blackhole, choice(value, &modes))
}

fn always_keepalive(profile: &mut Profile, value: &str) -> bool {
    let on = match value {
        "0" => false,
        "1" => true,
        _ => return false,
    };
    profile.options.keep_alive = on;
    true
}

/// TIME-WAIT lasts twice as long (RFC 9293 §3.4.2).
fn msl(profile: &mut Profile, value: &str) -> bool {
    let text = Form::Millis.in_our_words(value);
    let twice = duration(&text).and_then(|time| time.checked_mul(2));
    let whole = twice.filter(|time| *time <= Duration::from_secs(u64::from(u32::MAX)));
    whole.map(|time| profile.time_wait = time).is_some()
}

/// A buffer that may grow as far as before, but is never larger than that.
fn grown(value: &str, first: &mut u32, most: &mut u32) -> bool {
    octets(value).map(|octets| (*first, *most) = (octets, octets.max(*most))).is_some()
}

/// A limit to growth; the buffer is no larger from the start.
fn limited(value: &str, first: &mut u32, most: &mut u32) -> bool {
    octets(value).map(|octets| (*first, *most) = (octets.min(*first), octets)).is_some()
}

/// RFC 7323 §2.3 bounds a window, and so what a buffer is good for.
pub(super) fn octets(value: &str) -> Option<u32> {
    number(value).filter(|octets| (1..=1 << 30).contains(octets))
}

fn sendspace(profile: &mut Profile, value: &str) -> bool {
    let options = &mut profile.options;
    grown(value, &mut options.send_buffer, &mut options.send_buffer_max)
}

fn recvspace(profile: &mut Profile, value: &str) -> bool {
    let options = &mut profile.options;
    grown(value, &mut options.receive_buffer, &mut options.receive_buffer_max)
}

fn sendbuf_max(profile: &mut Profile, value: &str) -> bool {
    let options = &mut profile.options;
    limited(value, &mut options.send_buffer, &mut options.send_buffer_max)
}

fn recvbuf_max(profile: &mut Profile, value: &str) -> bool {
    let options = &mut profile.options;
    limited(value, &mut options.receive_buffer, &mut options.receive_buffer_max)
}

/// `sb_max`: the shift with which a window reaches it (`tcp_newtcpcb`).
fn maxsockbuf(profile: &mut Profile, value: &str) -> bool {
    let Some(octets) = octets(value) else { return false };
    if profile.window_scaling != WindowScaling::Off {
        let shift = (0..14).find(|shift| 65_535 << shift >= octets).unwrap_or(14);
        profile.window_scaling = WindowScaling::Shift(shift);
    }
    true
}

fn segment(place: &mut u16, value: &str) -> bool {
    set(place, number(value).filter(|mss| (64..=65_495).contains(mss)))
}

fn retries(profile: &mut Profile, value: &str) -> bool {
    let Some(count) = number(value).map(RetryLimit::Count) else { return false };
    (profile.retries, profile.orphan_retries, profile.syn_retries) = (count, count, count);
    true
}

fn rexmit_slop(profile: &mut Profile, value: &str) -> bool {
    let time = duration(&Form::Millis.in_our_words(value));
    let (Some(time), RtoFloor::Slop { slop, .. }) = (time, &mut profile.rto_floor) else {
        return false;
    };
    *slop = time;
    true
}

fn syncookies_only(profile: &mut Profile, value: &str) -> bool {
    match value {
        "0" if profile.syn_cookies == SynCookies::Always => {
            profile.syn_cookies = SynCookies::WhenFull;
        }
        "0" => {}
        "1" => profile.syn_cookies = SynCookies::Always,
        _ => return false,
    }
    true
}

/// Without growth a buffer is at most what it is at first.
fn recvbuf_auto(profile: &mut Profile, value: &str) -> bool {
    let options = &mut profile.options;
    grows(value, options.receive_buffer, &mut options.receive_buffer_max)
}

fn sendbuf_auto(profile: &mut Profile, value: &str) -> bool {
    let options = &mut profile.options;
    grows(value, options.send_buffer, &mut options.send_buffer_max)
}

fn grows(value: &str, first: u32, most: &mut u32) -> bool {
    match value {
        "0" => *most = first,
        "1" => *most = first.max(2_097_152),
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a default is called by FreeBSD is what its profile has.
    #[test]
    fn the_defaults_of_freebsd_change_nothing() {
        let defaults = [
            ("kern.ipc.maxsockbuf", "2097152"),
            ("kern.ipc.soacceptqueue", "128"),
            ("net.inet.ip.portrange.randomized", "1"),
            ("net.inet.ip.ttl", "64"),
            ("net.inet.tcp.abc_l_var", "2"),
            ("net.inet.tcp.ack_war_cnt", "5"),
            ("net.inet.tcp.ack_war_timewindow", "1000"),
            ("net.inet.tcp.always_keepalive", "0"),
            ("net.inet.tcp.blackhole", "0"),
            ("net.inet.tcp.cc.algorithm", "cubic"),
            ("net.inet.tcp.delacktime", "40"),
            ("net.inet.tcp.delayed_ack", "1"),
            ("net.inet.tcp.do_prr", "1"),
            ("net.inet.tcp.drop_synfin", "0"),
            ("net.inet.tcp.ecn.enable", "2"),
            ("net.inet.tcp.ecn.maxretries", "1"),
            ("net.inet.tcp.fast_finwait2_recycle", "0"),
            ("net.inet.tcp.fastopen.client_enable", "1"),
            ("net.inet.tcp.fastopen.server_enable", "0"),
            ("net.inet.tcp.finwait2_timeout", "60000"),
            ("net.inet.tcp.functions_default", "freebsd"),
            ("net.inet.tcp.icmp_may_rst", "1"),
            ("net.inet.tcp.initcwnd_segments", "10"),
            ("net.inet.tcp.insecure_ack", "0"),
            ("net.inet.tcp.insecure_rst", "0"),
            ("net.inet.tcp.insecure_syn", "0"),
            ("net.inet.tcp.keepcnt", "8"),
            ("net.inet.tcp.keepidle", "7200000"),
            ("net.inet.tcp.keepinit", "75000"),
            ("net.inet.tcp.keepintvl", "75000"),
            ("net.inet.tcp.log_in_vain", "0"),
            ("net.inet.tcp.maxunacktime", "0"),
            ("net.inet.tcp.minmss", "216"),
            ("net.inet.tcp.msl", "30000"),
            ("net.inet.tcp.mssdflt", "536"),
            ("net.inet.tcp.path_mtu_discovery", "1"),
            ("net.inet.tcp.persmax", "60000"),
            ("net.inet.tcp.persmin", "5000"),
            ("net.inet.tcp.recvbuf_auto", "1"),
            ("net.inet.tcp.recvbuf_max", "2097152"),
            ("net.inet.tcp.recvspace", "65536"),
            ("net.inet.tcp.retries", "12"),
            ("net.inet.tcp.rexmit_drop_options", "0"),
            ("net.inet.tcp.rexmit_initial", "1000"),
            ("net.inet.tcp.rexmit_min", "30"),
            ("net.inet.tcp.rexmit_slop", "200"),
            ("net.inet.tcp.rfc1323", "1"),
            ("net.inet.tcp.rfc3042", "1"),
            ("net.inet.tcp.rfc3465", "1"),
            ("net.inet.tcp.sack.enable", "1"),
            ("net.inet.tcp.sendbuf_auto", "1"),
            ("net.inet.tcp.sendbuf_max", "2097152"),
            ("net.inet.tcp.sendspace", "32768"),
            ("net.inet.tcp.syncache.rexmtlimit", "3"),
            ("net.inet.tcp.syncache.rst_on_sock_fail", "1"),
            ("net.inet.tcp.syncookies", "1"),
            ("net.inet.tcp.syncookies_only", "0"),
            ("net.inet.tcp.tolerate_missing_ts", "0"),
            ("net.inet.tcp.v6mssdflt", "1220"),
        ];
        for (name, value) in defaults {
            let mut profile = Profile::freebsd();
            profile.set(name, value).expect("the sysctl is known, and the value is one of it");
            assert_eq!(profile, Profile::freebsd(), "{name} = {value}");
        }
    }
}
