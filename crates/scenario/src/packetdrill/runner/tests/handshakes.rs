use super::{passes, verdict};

const LISTENS: &str = "
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
";

const ACCEPTS: &str = "
+0 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <...>
+.1 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4
";

#[test]
fn a_listener_is_reached() {
    passes(&format!("{LISTENS}{ACCEPTS}"));
}

#[test]
fn text_goes_both_ways_in_script_numbers() {
    passes(&format!(
        "{LISTENS}{ACCEPTS}
+0 write(4, ..., 1000) = 1000
+0 > P. 1:1001(1000) ack 1
+.1 < . 1:1(0) ack 1001 win 257
+0 < P. 1:501(500) ack 1001 win 257
+0 > . 1001:1001(0) ack 501
+0 read(4, ..., 1000) = 500
+0 close(4) = 0
+0 > F. 1001:1001(0) ack 501
"
    ));
}

#[test]
fn a_connection_is_made() {
    passes(
        "
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>
+.1 < S. 0:0(0) ack 1 win 5792 <mss 1460,sackOK,TS val 700 ecr 100,nop,wscale 7>
+0 > . 1:1(0) ack 1 <nop,nop,TS val 200 ecr 700>
",
    );
}

#[test]
fn what_differs_is_told() {
    let said = verdict(&format!("{LISTENS}{ACCEPTS}+0 > . 1:1(0) ack 1 win 5"));
    let expected = "FAIL a.pkt:11: expected > . 1:1(0) ack 1 win 5 at 0.100000 ± 0.004000, \
                    got no packet until 120.104000";
    assert_eq!(said, expected);
}

#[test]
fn assertions_are_judged_at_the_end_over_the_variables_of_their_moment() {
    let code = |code: &str| {
        verdict(&format!(
            "{LISTENS}{ACCEPTS}+0 %{{ {code} }}%\n+0 close(4) = 0\n+0 > F. 1:1(0) ack 1"
        ))
    };
    assert_eq!(code("assert tcpi_state == 1"), "ok");
    let failed = code("assert tcpi_state == 2");
    assert_eq!(failed, "FAIL a.pkt:11: expected tcpi_state == 2, got tcpi_state = 1");
}
