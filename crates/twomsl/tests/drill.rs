//! `twomsl drill` as a black box: its lines, exit codes and messages.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The command, started at the top of the project, without colours.
fn drill(args: &[&str]) -> Output {
    let command = Command::new(env!("CARGO_BIN_EXE_twomsl")).arg("drill").args(args).output();
    command.unwrap_or_else(|error| panic!("cannot start: {error}"))
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// A folder for one test, without what an earlier run left there.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("drill").join(name);
    // It may not be there.
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    path
}

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    path.display().to_string()
}

/// What it wrote to standard output, with the folder taken out, and its exit code.
fn told(folder: &Path, args: &[&str]) -> (String, Option<i32>) {
    let output = drill(args);
    let shown = text(&output.stdout).replace(&folder.display().to_string(), "TMP");
    assert!(!text(&output.stderr).contains("panicked"), "{}", text(&output.stderr));
    (shown, output.status.code())
}

/// A server answers a SYN; the options of the answer are still to be said.
const SYN: &str = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n\
                   +0 bind(3, ..., ...) = 0\n\
                   +0 listen(3, 1) = 0\n\
                   +0 < S 0:0(0) win 32792 <mss 1000>\n";
const ANSWERED: &str = "+0 > S. 0:0(0) ack 1 <mss 1460>\n";

fn holds() -> String {
    format!("{SYN}{ANSWERED}")
}

fn fails() -> String {
    format!("{SYN}+0 > S. 0:0(0) ack 1 win 5 <mss 1460>\n")
}

const NOT_SUPPORTED: &str = "0 < udp (100)\n";
const MISTAKE: &str = "0 close(3 = 0\n";

#[test]
fn every_script_has_a_line_in_the_order_of_the_files() {
    let folder = folder("lines");
    let skips = write(&folder, "skips.pkt", NOT_SUPPORTED);
    let holds = write(&folder, "holds.pkt", holds());
    let (shown, code) = told(&folder, &[&skips, &holds]);
    assert_eq!(code, Some(0), "{shown}");
    let lines: Vec<_> = shown.lines().collect();
    assert!(lines[0].starts_with("skip TMP/skips.pkt:1: not supported: "), "{shown}");
    assert_eq!(lines[1..], ["ok TMP/holds.pkt", "1 passed, 0 failed, 1 skipped"]);
}

#[test]
fn a_failure_shows_both_packets_and_exits_with_1() {
    let folder = folder("failure");
    let fails = write(&folder, "fails.pkt", fails());
    let (shown, code) = told(&folder, &[&fails]);
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.starts_with("FAIL TMP/fails.pkt:5: expected "), "{shown}");
    assert!(shown.contains("> S. 0:0(0) ack 1 win 5 <mss 1460>"), "{shown}");
    assert!(shown.contains("got > S. 0:0(0) ack 1 win 6"), "{shown}");
    assert!(shown.ends_with("\n0 passed, 1 failed, 0 skipped\n"), "{shown}");
}

#[test]
fn a_mistake_is_shown_where_it_is_and_exits_with_2() {
    let folder = folder("mistake");
    let files = [
        write(&folder, "mistake.pkt", MISTAKE),
        write(&folder, "fails.pkt", fails()),
        write(&folder, "typo.pkt", "0 < S 0:0(0) win 5 <mssx 1460>\n"),
    ];
    let output = drill(&files.each_ref().map(String::as_str));
    assert_eq!(output.status.code(), Some(2));
    let shown = text(&output.stdout);
    assert!(shown.contains("mistake.pkt:1:11: expected `,` or `)`"), "{shown}");
    assert!(shown.ends_with("0 passed, 1 failed, 0 skipped, 2 unusable\n"), "{shown}");
    let message = text(&output.stderr);
    assert!(message.contains("typo.pkt:1:21: error: unknown TCP option `mssx`"), "{message}");
    assert!(message.contains("did you mean `mss`?"), "{message}");
}

#[test]
fn folders_are_walked_in_the_order_of_names() {
    let folder = folder("folders");
    std::fs::create_dir_all(folder.join("b")).expect("a folder");
    for name in ["c.pkt", "b/z.pkt", "b/a.pkt", "a.pkt"] {
        write(&folder, name, holds());
    }
    write(&folder, "notes.txt", "no script");
    let expected = "ok TMP/a.pkt\nok TMP/b/a.pkt\nok TMP/b/z.pkt\nok TMP/c.pkt\n\
                    4 passed, 0 failed, 0 skipped\n";
    let name = folder.display().to_string();
    for jobs in ["1", "2", "7"] {
        assert_eq!(told(&folder, &[&name, "--jobs", jobs]), (expected.to_owned(), Some(0)));
    }
}

#[test]
fn what_there_is_to_run_has_to_be_there() {
    let folder = folder("empty");
    let empty = folder.display().to_string();
    let output = drill(&[&empty]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("no *.pkt in this folder"), "{}", text(&output.stderr));
    let output = drill(&["there/is/none.pkt"]);
    assert_eq!(output.status.code(), Some(2));
    let message = text(&output.stderr);
    assert!(message.contains("there is no such file"), "{message}");
    assert!(message.contains("a packetdrill script, such as close.pkt"), "{message}");
    for args in
        [vec![], vec!["--profile", "plan9", "x"], vec!["-D", "7=1", "x"], vec!["-j", "0", "x"]]
    {
        let output = drill(&args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn relaxations_are_counted_where_they_were_needed() {
    let folder = folder("relaxed");
    let files = [write(&folder, "fails.pkt", fails()), write(&folder, "holds.pkt", holds())];
    let [fails, holds] = files.each_ref().map(String::as_str);
    let (shown, code) = told(&folder, &[fails, holds, "--ignore-window", "--ignore-push"]);
    assert_eq!(code, Some(0), "{shown}");
    let counted = "2 passed, 0 failed, 0 skipped, 1 relaxed by --ignore-window, \
                   0 relaxed by --ignore-push\n";
    assert!(shown.ends_with(counted), "{shown}");
}

#[test]
fn names_are_defined_on_the_command_line_and_by_the_profile() {
    let folder = folder("defines");
    let text = "#ifdef FreeBSD\n0 < udp (1)\n#else\n#ifdef ROOM\n0 socket(..., SOCK_STREAM, \
                IPPROTO_TCP) = FD\n#endif\n#endif\n";
    let file = write(&folder, "defines.pkt", text);
    let first = |args: &[&str]| told(&folder, args).0.lines().next().unwrap_or_default().to_owned();
    assert_eq!(first(&[&file, "-D", "ROOM", "-D", "FD=3"]), "ok TMP/defines.pkt");
    assert!(first(&[&file, "-D", "ROOM", "-D", "FD=\"x\""]).starts_with("FAIL"));
    assert!(first(&[&file, "--profile", "freebsd"]).starts_with("skip"));
}

#[test]
fn settings_that_there_are_not_are_counted_and_named() {
    let folder = folder("settings");
    let script = format!("`sysctl -w net.ipv4.tcp_no_such_thing=1`\n{}", holds());
    let file = write(&folder, "settings.pkt", script);
    let output = drill(&[&file]);
    let shown = text(&output.stdout);
    assert!(shown.ends_with("1 passed, 0 failed, 0 skipped, 1 unknown settings\n"), "{shown}");
    assert!(text(&output.stderr).contains("net.ipv4.tcp_no_such_thing"), "{shown}");
}

#[test]
fn no_shell_is_ever_run() {
    let folder = folder("shell");
    let trap = folder.join("trap");
    let script = format!("0 `touch {}`\n+0 `echo x > {}`\n", trap.display(), trap.display());
    let file = write(&folder, "shell.pkt", script);
    let (shown, code) = told(&folder, &[&file]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.starts_with("skip TMP/shell.pkt:1: not supported: "), "{shown}");
    assert!(!trap.exists(), "a command was run");
}

#[test]
fn the_version_of_ip_can_be_chosen() {
    let folder = folder("version");
    let script = holds().replace("mss 1460", "mss 1440");
    let file = write(&folder, "version.pkt", script);
    assert_eq!(told(&folder, &[&file, "--ip-version", "ipv6"]).1, Some(0));
    assert_eq!(told(&folder, &[&file, "--ip-version", "ipv4-mapped-ipv6"]).1, Some(1));
    assert_eq!(told(&folder, &[&file]).1, Some(1));
}

#[test]
fn a_hundred_thousand_lines_are_read_soon() {
    let folder = folder("long");
    let mut script = SYN.to_owned();
    for _ in 0..100_000 {
        // Writing to a String cannot fail.
        let _ = writeln!(script, "+0 fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)");
    }
    let file = write(&folder, "long.pkt", script);
    let (shown, code) = told(&folder, &[&file]);
    assert_eq!(code, Some(0), "{shown}");
}

#[test]
fn what_is_no_script_is_refused_soon() {
    let folder = folder("garbage");
    let files = [
        write(&folder, "octets.pkt", (0..=255).cycle().take(1 << 20).collect::<Vec<u8>>()),
        write(&folder, "nul.pkt", vec![0; 1 << 20]),
        write(&folder, "deep.pkt", format!("0 f({}", "(".repeat(1 << 20))),
        write(&folder, "huge.pkt", vec![b' '; (16 << 20) + 1]),
        "/dev/zero".to_owned(),
    ];
    for file in &files {
        let (shown, code) = told(&folder, &[file]);
        assert_eq!(code, Some(2), "{file}: {shown}");
        assert!(shown.ends_with("0 passed, 0 failed, 0 skipped, 1 unusable\n"), "{file}: {shown}");
    }
}

#[test]
fn the_script_of_the_page_holds() {
    let page = std::fs::read_to_string("docs/packetdrill.md").expect("the page");
    let script = page.split("```\n").nth(1).expect("a script in the page");
    let folder = folder("page");
    let file = write(&folder, "page.pkt", script);
    let (shown, code) = told(&folder, &[&file]);
    assert_eq!(code, Some(0), "{shown}");
}

#[test]
fn help_documents_the_exit_codes() {
    let shown = text(&drill(&["--help"]).stdout);
    for part in ["Exit codes:", "--ignore-window", "--ladder", "docs/packetdrill.md"] {
        assert!(shown.contains(part), "{shown}");
    }
}
