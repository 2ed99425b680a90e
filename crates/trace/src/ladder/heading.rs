//! The first lines of a ladder: what was run, and over which paths.

use super::canvas::{Canvas, Tone, width, wrap};
use super::lanes::{Lanes, Side};
use crate::model::{About, HostId, PathInfo};

/// The title line, an empty line, and the names above the rails.
pub(super) fn heading(about: &About, lanes: &Lanes) -> Vec<Canvas> {
    let mut lines = title(about, lanes);
    lines.push(Canvas::new(lanes.width));
    lines.push(names(about, lanes));
    lines
}

/// What does not fit beside the title goes into lines of its own.
fn title(about: &About, lanes: &Lanes) -> Vec<Canvas> {
    let profiles: Vec<_> =
        about.hosts.iter().map(|host| format!("{}: {}", host.name, host.profile)).collect();
    let mut parts = vec![format!("seed {}", about.seed), profiles.join("   ")];
    parts.extend(about.paths.iter().map(|path| path_words(about, path)));
    parts.retain(|part| !part.is_empty());
    let mut lines = Vec::new();
    let mut text = about.title.clone();
    for part in parts {
        if width(&text) + 4 + width(&part) > lanes.width {
            lines.extend(wrap(&std::mem::take(&mut text), lanes.width));
        }
        let separator = if text.is_empty() { "" } else { "    " };
        text = format!("{text}{separator}{part}");
    }
    lines.extend(wrap(&text, lanes.width));
    lines.iter().enumerate().map(|(index, text)| title_line(lanes, index, text, about)).collect()
}

/// The title itself stands out.
fn title_line(lanes: &Lanes, index: usize, text: &str, about: &About) -> Canvas {
    let mut line = Canvas::new(lanes.width);
    line.put(0, text, Tone::Plain);
    if index == 0 && text.starts_with(&about.title) {
        line.put(0, &about.title, Tone::Strong);
    }
    line
}

/// Names stand at their rails, cut if they would reach the next one.
fn names(about: &About, lanes: &Lanes) -> Canvas {
    let mut line = Canvas::new(lanes.width);
    line.put(lanes.time_end() - 4, "time", Tone::Plain);
    for lane in 0..about.hosts.len() {
        let name = about.name(HostId(lane as u16));
        let name = wrap(&name, lanes.room(lane)).swap_remove(0);
        let start = match lanes.side(lane) {
            Side::Left => lanes.rail(lane),
            Side::Right => (lanes.rail(lane) + 1).saturating_sub(width(&name)),
        };
        line.put(start, &name, Tone::Strong);
    }
    line
}

/// `10 ms each way`; which hosts are meant goes without saying when there are only two.
fn path_words(about: &About, path: &PathInfo) -> String {
    let (a, b) = (about.name(path.a), about.name(path.b));
    let (forward, backward) = (impairments(&path.forward), impairments(&path.backward));
    if forward != backward {
        return format!("{a} → {b}: {forward}, {b} → {a}: {backward}");
    }
    let pair = if about.hosts.len() > 2 { format!("{a}–{b}: ") } else { String::new() };
    format!("{pair}{forward} each way")
}

/// A bare delay as a number with its unit, anything else in netem's words.
fn impairments(words: &str) -> String {
    match words.split(' ').collect::<Vec<_>>()[..] {
        [""] => "no delay".to_owned(),
        ["delay", delay] => spaced(delay),
        _ => words.to_owned(),
    }
}

/// `10ms` as `10 ms`
fn spaced(quantity: &str) -> String {
    let unit = quantity.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(quantity.len());
    format!("{} {}", &quantity[..unit], &quantity[unit..])
}
