//! A scenario's question and answer, for whoever reads the picture between them.

use twomsl::scenario::Story;

/// Lines longer than this are hard to read, however wide the terminal is.
const MAX_COLUMNS: usize = 100;

/// The question, above the run.
pub(crate) fn question(story: &Story, columns: Option<usize>) -> String {
    paragraph("Question", &story.question, columns)
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

/// A text of several lines, broken between words, with an empty line behind it.
fn paragraph(heading: &str, text: &str, columns: Option<usize>) -> String {
    let width = columns.unwrap_or(MAX_COLUMNS).min(MAX_COLUMNS);
    let mut out = format!("{heading}:");
    let mut used = out.chars().count();
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if used + 1 + length > width {
            out.push_str("\n ");
            used = 1;
        }
        out.push(' ');
        out.push_str(word);
        used += 1 + length;
    }
    out.push('\n');
    out
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
