//! The names that F5's tmsh has for the settings of a BIG-IP's `tcp` profile, behind
//! `ltm.profile.tcp.`, with its units: "ltm profile tcp" in the TMSH reference
//! (<https://clouddocs.f5.com/cli/tmsh-reference/latest/modules/ltm/ltm_profile_tcp.html>).

use super::{Form, Sysctl, row};
use crate::parameters::{duration, number};
use crate::profile::Profile;
use core::time::Duration;

/// As tmsh spells what is on and off.
const SWITCH: Form = Form::Words(&[("disabled", "off"), ("enabled", "on")]);
const OR_INDEFINITE: &str = "seconds, a duration, or `indefinite`";

#[rustfmt::skip]
pub(super) static TABLE: &[Sysctl] = &[
    row("ltm.profile.tcp.close-wait-timeout", "last-ack-timeout", Form::Own(OR_INDEFINITE, |p, v| limit(&mut p.proxy.last_ack, v))),
    row("ltm.profile.tcp.fin-wait-timeout", "fin-wait-timeout", Form::Own(OR_INDEFINITE, |p, v| limit(&mut p.proxy.fin_wait, v))),
    row("ltm.profile.tcp.fin-wait-2-timeout", "fin-timeout", Form::Own(OR_INDEFINITE, |p, v| limit(&mut p.fin_timeout, v))),
    row("ltm.profile.tcp.idle-timeout", "idle-timeout", Form::Own(OR_INDEFINITE, |p, v| limit(&mut p.proxy.idle, v))),
    row("ltm.profile.tcp.keep-alive-interval", "keepalive-idle, keepalive-interval, and SO_KEEPALIVE of every socket", Form::Own("seconds, or a duration; 0 for no probes", keep_alive)),
    row("ltm.profile.tcp.max-retrans", "retries", Form::Same),
    row("ltm.profile.tcp.minimum-rto", "rto-min", Form::Millis),
    row("ltm.profile.tcp.reset-on-timeout", "reset-on-timeout", SWITCH),
    row("ltm.profile.tcp.selective-acks", "sack", SWITCH),
    row("ltm.profile.tcp.syn-max-retrans", "syn-retries", Form::Same),
    row("ltm.profile.tcp.time-wait-recycle", "time-wait-reuse", Form::Words(&[("disabled", "never"), ("enabled", "beyond-old")])),
    row("ltm.profile.tcp.time-wait-timeout", "time-wait", Form::Millis),
    row("ltm.profile.tcp.timestamps", "timestamps", SWITCH),
];

fn seconds(value: &str) -> Option<Duration> {
    number(value).map(Duration::from_secs).or_else(|| duration(value))
}

/// "A value of 0 represents a term of forever".
fn limit(place: &mut Option<Duration>, value: &str) -> bool {
    if value == "indefinite" {
        *place = None;
        return true;
    }
    let time = seconds(value);
    time.map(|time| *place = Some(time).filter(|time| !time.is_zero())).is_some()
}

/// One interval: before the first probe and between the others.
fn keep_alive(profile: &mut Profile, value: &str) -> bool {
    let Some(interval) = seconds(value) else { return false };
    let options = &mut profile.options;
    options.keep_alive = !interval.is_zero();
    if options.keep_alive {
        (options.keep_idle, options.keep_interval) = (interval, interval);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_a_big_ip_change_nothing() {
        let defaults = [
            ("close-wait-timeout", "5"),
            ("fin-wait-timeout", "5"),
            ("fin-wait-2-timeout", "300"),
            ("idle-timeout", "300"),
            ("keep-alive-interval", "1800"),
            ("max-retrans", "8"),
            ("minimum-rto", "1000"),
            ("reset-on-timeout", "enabled"),
            ("selective-acks", "enabled"),
            ("syn-max-retrans", "3"),
            ("time-wait-recycle", "enabled"),
            ("time-wait-timeout", "2000"),
            ("timestamps", "enabled"),
        ];
        assert_eq!(defaults.len(), TABLE.len());
        for (name, value) in defaults {
            let mut profile = Profile::big_ip();
            profile.set(&alloc::format!("ltm.profile.tcp.{name}"), value).expect(name);
            assert_eq!(profile, Profile::big_ip(), "{name} = {value}");
        }
    }

    #[test]
    fn zero_switches_off() {
        let mut profile = Profile::big_ip();
        for name in ["idle-timeout", "fin-wait-2-timeout", "keep-alive-interval"] {
            profile.set(&alloc::format!("ltm.profile.tcp.{name}"), "0").expect(name);
        }
        assert_eq!((profile.proxy.idle, profile.fin_timeout), (None, None));
        assert!(!profile.options.keep_alive);
    }
}
