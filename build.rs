//! Puts the scenarios into the command, so that their names work from any folder, and an index of
//! their questions, so that listing them reads none of them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("scenarios");
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let mut table = String::from("&[\n");
    for file in &files {
        table.push_str(&entry(&root, file)?);
    }
    table.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("library.rs"), table)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "kdl") {
            files.push(path);
        }
    }
    Ok(())
}

/// One `Entry` of `commands/library.rs`, as source.
fn entry(root: &Path, file: &Path) -> io::Result<String> {
    println!("cargo::rerun-if-changed={}", file.display());
    let text = fs::read_to_string(file)?;
    let within = file.strip_prefix(root).unwrap_or(file).display().to_string().replace('\\', "/");
    let (theme, name) = within.trim_end_matches(".kdl").split_once('/').unwrap_or(("", &within));
    let mut entry = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        entry,
        "    Entry {{ theme: {theme:?}, name: {name:?}, path: {:?}, question: {:?}, claim: {:?}, \
         text: include_str!({:?}) }},",
        format!("scenarios/{within}"),
        line(&text, "question").unwrap_or_default(),
        line(&text, "claim"),
        file.display().to_string(),
    );
    Ok(entry)
}

/// What a line of the story says, such as `question "…"`. Only what the library's files use is
/// understood; a test holds every question to what the parser of the language makes of its file.
fn line(text: &str, word: &str) -> Option<String> {
    let of_word =
        |line: &str| line.trim_start().strip_prefix(word)?.strip_prefix(" \"").map(str::to_owned);
    let quoted = text.lines().find_map(of_word)?;
    let (mut said, mut letters) = (String::new(), quoted.chars());
    loop {
        match letters.next()? {
            '"' => return Some(said),
            '\\' => said.push(letters.next()?),
            letter => said.push(letter),
        }
    }
}
