//! Words to a page's text: sentence starts in capitals, punctuation where it belongs.

/// Joins words the way they are printed: `["there", "is", "Tom", "."]` becomes "There is Tom."
///
/// Straight quotes alternate between opening and closing. Any word is accepted, also a damaged one.
pub fn detokenize<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    let (mut capital, mut in_quote, mut glue) = (true, false, true);
    let mut last = "";
    for word in words {
        let closing = in_quote && word == "\"";
        if !(glue || closing || matches!(word, "." | "," | "?" | "!")) {
            text.push(' ');
        }
        if word == "\"" {
            in_quote = !in_quote;
            text.push('"');
            glue = in_quote;
            // A quoted question goes on in its sentence ("Why?" asked Tom), a quoted statement has ended.
            capital = in_quote || last == ".";
        } else {
            push_word(&mut text, word, capital);
            glue = false;
            capital = matches!(word, "." | "?" | "!");
        }
        last = word;
    }
    text
}

fn push_word(text: &mut String, word: &str, capital: bool) {
    let mut letters = word.chars();
    match letters.next() {
        Some(first) if capital => {
            text.extend(first.to_uppercase());
            text.push_str(letters.as_str());
        }
        _ => text.push_str(word),
    }
}
