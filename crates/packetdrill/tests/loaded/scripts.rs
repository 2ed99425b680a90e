//! Every script of `scenarios/packetdrill` on the shared object, through the same runner: it has to
//! say what it says on a machine of this process, to the word.

use std::path::{Path, PathBuf};

use twomsl_scenario::packetdrill::{Drill, Settings, Verdict};

use crate::library::{Machine, SharedObject};

/// Scripts that ask for what the C interface does not have, and for what. They are not compared.
const NOT_IN_THE_INTERFACE: [(&str, &str); 0] = [];

#[test]
fn scripts_say_the_same_of_the_shared_object() {
    let scripts = scripts();
    assert!(scripts.len() > 50, "the search is broken");
    let mut differences = Vec::new();
    let mut unmapped = Vec::new();
    for script in scripts {
        let drill = Drill::load(library().join(&script), &settings(&script)).unwrap();
        let name = script.display().to_string();
        let there = on_shared_object(&drill, &script);
        let here = drill.run().verdict;
        if let Some(call) = there.unmapped {
            unmapped.push((name, call));
        } else if here != there.verdict {
            differences.push(format!("{name}\n  here:  {here:?}\n  there: {:?}", there.verdict));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    let expected = NOT_IN_THE_INTERFACE.map(|(script, call)| (script.into(), call.into()));
    assert_eq!(unmapped, expected, "scripts that cannot be compared");
}

#[test]
fn scripts_that_fail_fail_alike() {
    for line in [
        "+0 accept(3, ..., ...) = 4",
        "+.1 > R 1:1(0)",
        "+0 < S 0:0(0) win 1000 <mss 1000>\n+0 > S. 0:0(0) ack 2 <...>",
        "+0...0.5 accept(3, ..., ...) = 4\n+.1 < S 0:0(0) win 1000 <mss 1000>\n+0 > S. 0:0(0) ack 1 <...>",
        "+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [7], [4]) = 0",
    ] {
        let text = format!(
            "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n\
             +0 listen(3, 1) = 0\n{line}\n+1 close(3) = 0\n"
        );
        let script = Path::new("linux/wrong.pkt");
        let drill = Drill::parse("wrong.pkt", &text, &settings(script)).unwrap();
        let here = drill.run().verdict;
        assert!(matches!(here, Verdict::Failed(_)), "{line}: {here:?}");
        assert_eq!(on_shared_object(&drill, script).verdict, here, "{line}");
    }
}

/// What a script says of the shared object.
struct There {
    verdict: Verdict,
    /// A call that the interface does not have.
    unmapped: Option<String>,
}

fn on_shared_object(drill: &Drill, script: &Path) -> There {
    let flags = format!("profile={},ip={},grace=0,idle=0", profile(script), drill.local_address());
    let mut system = SharedObject::new(Machine::new(&flags).unwrap());
    let verdict = drill.run_on(&mut system).verdict;
    There { verdict, unmapped: system.unmapped().first().cloned() }
}

fn settings(script: &Path) -> Settings {
    Settings { profile: Some(profile(script)), ..Settings::default() }
}

/// The first folder names it.
fn profile(script: &Path) -> String {
    script.iter().next().unwrap().to_string_lossy().into_owned()
}

fn library() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/packetdrill")
}

/// All scripts there are, by their paths in the library.
fn scripts() -> Vec<PathBuf> {
    let mut scripts = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in library().join(&folder).read_dir().unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            if library().join(&path).is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "pkt") {
                scripts.push(path);
            }
        }
    }
    scripts.sort();
    scripts
}
