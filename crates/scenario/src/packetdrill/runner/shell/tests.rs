use std::convert::Infallible;

use twomsl_tcp::TcpState;

use super::*;
use crate::packetdrill::setup::IpVersion;

/// A machine that notes its orders, and has one socket in TIME-WAIT.
#[derive(Default)]
struct Notes {
    orders: Vec<(String, String)>,
    slept: u64,
    dropped: usize,
    forgot: usize,
}

impl Machine for Notes {
    type Stop = Infallible;

    fn order(&mut self, order: Order) -> Administered {
        match order {
            Order::Set { name, .. } if name.contains("elephant") => Administered::Unknown,
            Order::Set { name, value } => {
                self.orders.push((name, value));
                Administered::Done
            }
            Order::CountInState(state) => {
                Administered::Count(usize::from(state == TcpState::TimeWait))
            }
            Order::DropConnections => {
                self.dropped += 1;
                Administered::Done
            }
            Order::ForgetPaths => {
                self.forgot += 1;
                Administered::Done
            }
        }
    }

    fn sleep(&mut self, micros: u64) -> Result<(), Infallible> {
        self.slept += micros;
        Ok(())
    }
}

fn run(text: &str) -> (Result<i32, Halt<Infallible>>, Notes, Shell) {
    let environment = [("TCP_STACK", "freebsd"), ("TCP_CC", "cubic")];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let mut shell = Shell::new(Setup::new(IpVersion::V4), environment);
    let mut notes = Notes::default();
    let status = shell.run(text, &mut notes);
    (status, notes, shell)
}

#[test]
fn settings_are_set_however_they_are_written() {
    let table = [
        ("sysctl -w net.ipv4.tcp_ecn=1", "net.ipv4.tcp_ecn", "1"),
        ("sysctl -q net.ipv4.tcp_ecn=1", "net.ipv4.tcp_ecn", "1"),
        ("sudo sysctl net/ipv4/tcp_ecn=1 > /dev/null", "net.ipv4.tcp_ecn", "1"),
        ("sysctl -q -w net.ipv4.tcp_rmem=\"1 2 3\"", "net.ipv4.tcp_rmem", "1 2 3"),
        ("/sbin/sysctl net.inet.tcp.rfc1323=0 2>&1", "net.inet.tcp.rfc1323", "0"),
        ("echo 0 > /proc/sys/net/ipv4/tcp_sack", "net.ipv4.tcp_sack", "0"),
        ("echo \"1 2 3\" >/proc/sys/net/ipv4/tcp_rmem", "net.ipv4.tcp_rmem", "1 2 3"),
        ("../common/set_sysctls.py /proc/sys/net/ipv4/tcp_ecn=2", "net.ipv4.tcp_ecn", "2"),
        ("X=7; sysctl -w net.ipv4.tcp_retries2=$X", "net.ipv4.tcp_retries2", "7"),
        ("X=7\nsysctl -w net.ipv4.tcp_retries2=${X}", "net.ipv4.tcp_retries2", "7"),
        ("sysctl -q net.ipv4.tcp_fastopen=0x603", "net.ipv4.tcp_fastopen", "1539"),
        ("ip route change default dev tun0 initcwnd 20", "initial-window", "20"),
        ("false || sysctl -w a.b=1", "a.b", "1"),
        ("true && sysctl -w a.b=1 # really", "a.b", "1"),
        ("sysctl \\\n  -w a.b=1", "a.b", "1"),
        ("sysctl a.b=${NOBODY:-7}", "a.b", "7"),
        ("X=6; sysctl a.b=\"${X:-7}\"", "a.b", "6"),
        ("sysctl -n a.b=${TCP_CC}", "a.b", "cubic"),
        ("sysctl net.inet.tcp.functions_default=\"$NOBODY\" a.b=1", "a.b", "1"),
        (
            "kldload -n tcp_${TCP_STACK}; sysctl net.inet.tcp.functions_default=${TCP_STACK} a.b=1",
            "a.b",
            "1",
        ),
    ];
    for (text, name, value) in table {
        let (status, notes, shell) = run(text);
        assert_eq!(status, Ok(0), "{text}");
        assert_eq!(notes.orders, [(name.to_owned(), value.to_owned())], "{text}");
        assert!(shell.unknown.is_empty());
    }
}

#[test]
fn several_settings_are_set_in_their_order_and_unknown_ones_are_counted() {
    let (status, notes, shell) = run("sysctl a.b=1 c.elephant=2 e.f=3\nsysctl g.elephant=1");
    assert_eq!(status, Ok(0));
    let names: Vec<&str> = notes.orders.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a.b", "e.f"]);
    assert_eq!(shell.unknown, ["c.elephant=2", "g.elephant=1"]);
}

#[test]
fn the_exit_status_is_that_of_the_last_command() {
    let table = [
        ("", 0),
        ("true; false", 1),
        ("false; true", 0),
        ("false && true", 1),
        ("false || true", 0),
        ("! false", 0),
        ("exit 3; true", 3),
        ("sockstat -4 -P tcp | grep -q TIME_WAIT", 0),
        ("sockstat -4 -P tcp | grep -q ESTABLISHED", 1),
        ("sockstat | grep 8080 | grep LISTEN", 1),
        ("netstat -an | grep 192.168.0.1.8080 | grep TIME_WAIT", 0),
        ("! netstat -an | grep -q ESTABLISHED", 0),
        ("ss -tan | grep TIME-WAIT", 0),
        ("ss -tn | grep TIME-WAIT", 1),
        ("ss -tn state time-wait | grep -q 8080", 0),
        ("sockstat | awk '{print $7}' | grep -x -q TIME_WAIT || sockstat | awk '{print $NF}'", -1),
        ("sockstat | awk '{ print $8 }' | grep -q ^TIME_WAIT", 0),
        ("route -n flush; arp -d -a", 0),
        ("test `true` = 1", -1),
        ("test $(sockstat | grep -c TIME_WAIT) -eq 1", 0),
        ("[ \"$(sockstat | wc -l)\" = \"1\" ]", 0),
        ("sysctl -w a.b=5; test $(sysctl -n a.b) -eq 5", 0),
        ("sysctl -w a.b=5; sysctl a.b | grep -q 'a.b: 6'", 1),
        ("../../common/defaults.sh; cat /proc/sys/net/ipv4/tcp_ecn | grep 0", 0),
    ];
    for (text, expected) in table {
        let (status, ..) = run(text);
        if expected < 0 {
            assert!(matches!(status, Err(Halt::NotSupported(_))), "{text}");
        } else {
            assert_eq!(status, Ok(expected), "{text}");
        }
    }
}

#[test]
fn sleeping_takes_time_dropping_drops_and_flushing_forgets() {
    assert_eq!(run("sleep 1.5; sleep 2m").1.slept, 121_500_000);
    assert_eq!(run("usleep 20").1.slept, 20);
    assert_eq!(run("tcpdrop 192.168.0.1 8080 192.0.2.1 40001").1.dropped, 1);
    assert_eq!(run("tcpdrop -l -a | sh").1.dropped, 1);
    assert_eq!(run("ip tcp_metrics flush all > /dev/null 2>&1").1.forgot, 1);
}

#[test]
fn what_is_not_understood_is_not_supported_and_nothing_is_run() {
    let table = [
        ("rm -rf /tmp/x", "rm -rf /tmp/x"),
        ("sleep for ever", "sleep for ever"),
        ("sysctl -n net.ipv4.tcp_mem", "sysctl -n net.ipv4.tcp_mem"),
        (
            "sysctl net.inet.tcp.functions_default=rack",
            "sysctl net.inet.tcp.functions_default=rack",
        ),
        ("if true; then false; fi", "if true; then false; fi"),
        ("echo 1 > /etc/passwd", "> /etc/passwd"),
        ("./other.sh", "./other.sh"),
        ("echo \"open", "\"open"),
        ("cat /etc/passwd", "cat /etc/passwd"),
        ("(true)", "(true)"),
    ];
    for (text, what) in table {
        let (status, notes, _) = run(text);
        assert_eq!(status, Err(Halt::NotSupported(what.to_owned())), "{text}");
        assert!(notes.orders.is_empty());
    }
}

#[test]
fn garbage_ends() {
    let deep = format!("{}true{}", "$(".repeat(5_000), ")".repeat(5_000));
    assert!(run(&deep).0.is_err());
    let _ = run(&"$(".repeat(50_000));
    let _ = run(&"|".repeat(50_000));
    let _ = run("\u{0}\u{1}\\");
    let doubled = format!("X=aaaaaaaa;{}", "X=$X$X;".repeat(60));
    assert!(run(&doubled).0.is_err());
    let kept = format!("X={};{}", "a".repeat(50_000), "Y=$X;".repeat(2_000));
    assert!(run(&kept).0.is_err());
    let said = format!("X={};{}", "a".repeat(50_000), "echo $X;".repeat(1_000));
    assert!(run(&said).0.is_err());
    assert!(run(&format!("test {}", "! ".repeat(30_000))).0.is_err());
    assert!(run(&format!("echo a | grep {}", "a".repeat(60_000))).0.is_err());
    let stars = format!("echo {} | grep '{}b'", "a".repeat(200), "a*".repeat(60));
    assert!(run(&stars).0.is_err());
    assert!(run(&"sudo ".repeat(2_000)).0.is_ok());
    assert!(run("X='sh -c \"$X\"'; sh -c \"$X\"").0.is_err());
}
