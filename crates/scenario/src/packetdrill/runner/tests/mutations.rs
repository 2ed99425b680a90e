//! Scripts with something wrong somewhere: whatever it is, there is a verdict.

use super::{open, passes, verdict};

/// How many scripts.
const ROUNDS: usize = 500;

/// Words that are put in place of others.
const WORDS: [&str; 24] = [
    "0",
    "1",
    "-1",
    "4294967295",
    "65535",
    "99999",
    "+0",
    "+1000000",
    "*",
    "0.1~9",
    "0...5",
    "<",
    ">",
    "S",
    "R",
    "F.",
    "ack 0",
    "win 0",
    "<...>",
    "NULL",
    "[0]",
    "3",
    "4",
    "<sack 1:2,TS val 1 ecr 9>",
];

/// A connection on which much happens.
const BUSY: &str = "
+0 write(4, ..., 3000) = 3000
+0 > P. 1:3001(3000) ack 1
+.1 < . 1:1(0) ack 3001 win 257 <nop,nop,TS val 7 ecr 8>
+0...0.2 read(4, ..., 1000) = 500
+.1 < icmp unreachable frag_needed mtu 600 [1:1001(1000)]
+.1 < P. 1:501(500) ack 3001 win 257
* > . 3001:3001(0) ack 501
+0 `sysctl -w net.ipv4.tcp_ecn=1; ss -tan | grep ESTAB`
+0 %{ assert tcpi_state == 1 }%
+0 shutdown(4, SHUT_WR) = 0
+0 > F. 3001:3001(0) ack 501
+.1 < F. 501:501(0) ack 3002 win 257
+0 > . 3002:3002(0) ack 502
+0 close(4) = 0
";

/// A few numbers that look random (Numerical Recipes' generator).
struct Numbers(u32);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % limit
    }
}

/// One change: a word is another, a line is missing, twice there, or elsewhere.
fn mutated(script: &str, numbers: &mut Numbers) -> String {
    let mut lines: Vec<String> = script.lines().map(str::to_owned).collect();
    let at = numbers.below(lines.len());
    match numbers.below(4) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[at].clone()),
        2 => {
            let other = numbers.below(lines.len());
            lines.swap(at, other);
        }
        _ => {
            let mut words: Vec<&str> = lines[at].split(' ').collect();
            let word = numbers.below(words.len());
            words[word] = WORDS[numbers.below(WORDS.len())];
            lines[at] = words.join(" ");
        }
    }
    lines.join("\n")
}

#[test]
fn a_script_with_anything_wrong_has_a_verdict() {
    let script = open(BUSY);
    passes(&script);
    let mut numbers = Numbers(77);
    for _ in 0..ROUNDS {
        let changes = 1 + numbers.below(3);
        let changed = (0..changes).fold(script.clone(), |script, _| mutated(&script, &mut numbers));
        assert!(!verdict(&changed).is_empty(), "{changed}");
    }
}
