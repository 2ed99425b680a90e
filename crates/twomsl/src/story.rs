//! A scenario's question and answer, for whoever reads the picture between them.

use twomsl::scenario::Story;

/// Lines longer than this are hard to read, however wide the terminal is.
const MAX_COLUMNS: usize = 100;

/// The question and what is to be known before, above the run.
pub(crate) fn question(story: &Story, columns: Option<usize>) -> String {
    let setting = story.setting.as_ref();
    let setting = setting.map(|text| paragraph("Setting", text, columns)).unwrap_or_default();
    format!("{}{setting}", paragraph("Question", &story.question, columns))
}

/// The answer with its sources, set off from the run above it.
pub(crate) fn answer(story: &Story, columns: Option<usize>) -> String {
    let rfc = if story.rfc.is_empty() {
        String::new()
    } else {
        format!(" (RFC {})", story.rfc.join(", RFC "))
    };
    let paragraph = paragraph("Answer", &format!("{}{rfc}", story.answer), columns);
    format!("\n{paragraph}")
}

/// A text of several lines, broken between words; those behind the first are set off.
fn paragraph(heading: &str, text: &str, columns: Option<usize>) -> String {
    let width = columns.unwrap_or(MAX_COLUMNS).min(MAX_COLUMNS);
    let lines = wrapped(&format!("{heading}: {text}"), width.saturating_sub(2));
    lines.join("\n  ") + "\n"
}

/// A text with the same indent in front of every line.
pub(crate) fn indented(text: &str, indent: &str, columns: usize) -> String {
    let lines = wrapped(text, columns.min(MAX_COLUMNS).saturating_sub(indent.len()));
    let line = |line: &String| format!("{indent}{line}\n");
    lines.iter().map(line).collect()
}

/// Lines of at most so many columns, broken between words; a longer word has a line of its own.
pub(crate) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        match lines.last_mut() {
            Some(line) if used + 1 + length <= columns => {
                line.push(' ');
                line.push_str(word);
                used += 1 + length;
            }
            _ => {
                lines.push(word.to_owned());
                used = length;
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::paragraph;

    #[test]
    fn a_paragraph_is_broken_between_words() {
        let shown = paragraph("Question", "Who repairs a lost FIN?", Some(20));
        assert_eq!(shown, "Question: Who\n  repairs a lost\n  FIN?\n");
    }
}
