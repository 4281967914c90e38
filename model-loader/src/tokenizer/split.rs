//! Cuts text as people type it into the words and punctuation marks of a vocabulary.

use std::borrow::Cow;

use super::vocabulary::Vocabulary;

/// The parts of a text in reading order, each a candidate for one token.
///
/// Whatever stands between spaces and is in the vocabulary as it is stays whole; everything else is cut into
/// runs of letters and single marks, and a run that is still unknown is cut at apostrophes and hyphens if
/// that leaves known parts only. A `_` becomes `[MASK]`.
pub(super) fn split<'a>(text: &'a str, vocabulary: &Vocabulary) -> Vec<Cow<'a, str>> {
    let mut parts = Vec::new();
    for chunk in text.split_whitespace() {
        for run in runs(chunk, vocabulary) {
            push_run(plain(run), vocabulary, &mut parts);
        }
    }
    parts
}

/// Cuts a chunk without spaces into words and single marks.
fn runs<'a>(chunk: &'a str, vocabulary: &Vocabulary) -> Vec<&'a str> {
    let mut runs = Vec::new();
    let mut rest = chunk;
    while let Some(first) = rest.chars().next() {
        let length = match special(rest) {
            Some(length) => length,
            None if !vocabulary.exceeds(rest) && vocabulary.token(&plain(rest)).is_some() => rest.len(),
            None if is_word(first) => word_length(rest),
            None => first.len_utf8(),
        };
        let (run, after) = rest.split_at(length);
        runs.push(run);
        rest = after;
    }
    runs
}

/// Length of a special token spelled out at the start of the text, `[MASK]` or `[EOS]`.
fn special(text: &str) -> Option<usize> {
    ["[MASK]", "[EOS]"]
        .into_iter()
        .find(|name| text.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name)))
        .map(str::len)
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric()
}

/// Length in bytes of the word at the start: letters and digits, with apostrophes and hyphens between them.
fn word_length(text: &str) -> usize {
    let mut characters = text.char_indices().peekable();
    while let Some((position, character)) = characters.next() {
        let joins = is_joiner(character) && characters.peek().is_some_and(|&(_, next)| is_word(next));
        if !is_word(character) && !joins {
            return position;
        }
    }
    text.len()
}

fn is_joiner(character: char) -> bool {
    matches!(character, '\'' | '’' | '-')
}

/// Typographic marks as the plain ones of a vocabulary, and `_` as the mask.
fn plain(text: &str) -> Cow<'_, str> {
    if text == "_" {
        return Cow::Borrowed("[MASK]");
    }
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let replaced = text.replace(['“', '”', '„', '«', '»'], "\"").replace(['‘', '’'], "'").replace('…', "...");
    Cow::Owned(replaced.replace(['–', '—'], "-"))
}

/// Adds a run: whole if it is known or cannot be cut into known parts.
fn push_run<'a>(run: Cow<'a, str>, vocabulary: &Vocabulary, parts: &mut Vec<Cow<'a, str>>) {
    if vocabulary.token(&run).is_some() {
        return parts.push(run);
    }
    for cut in [at_apostrophe(&run), at_hyphens(&run)] {
        if cut.len() > 1 && cut.iter().all(|part| vocabulary.token(part).is_some()) {
            parts.extend(cut.into_iter().map(|part| Cow::Owned(part.to_owned())));
            return;
        }
    }
    parts.push(run);
}

/// `dog's` as `dog` and `'s`.
fn at_apostrophe(run: &str) -> Vec<&str> {
    run.find('\'').map_or_else(Vec::new, |position| {
        let (word, suffix) = run.split_at(position);
        vec![word, suffix]
    })
}

/// `red-hot` as `red`, `hot`.
fn at_hyphens(run: &str) -> Vec<&str> {
    run.split('-').collect()
}
