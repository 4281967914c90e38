//! Regular English inflection for the small set of words that the grammar uses; irregular forms are given by the lexicon.

use std::collections::HashMap;

/// Tense of a finite verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tense {
    /// "went"
    Past,
    /// "goes"
    Present,
}

/// Whom a finite verb agrees with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// "I": differs from the plural only for "be".
    First,
    /// Third person singular.
    Singular,
    /// Plural, and "you".
    Plural,
}

/// The irregular forms of a verb, which is known by its base: third person singular present, past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IrregularVerb {
    /// "goes"
    pub third: String,
    /// "went"
    pub past: String,
}

/// The finite form of a verb.
pub fn finite(
    base: &str,
    tense: Tense,
    agreement: Agreement,
    irregular: &HashMap<String, IrregularVerb>,
) -> String {
    if base == "be" {
        return be(tense, agreement).to_string();
    }
    let known = irregular.get(base);
    match (tense, agreement, known) {
        (Tense::Past, _, Some(verb)) => verb.past.clone(),
        (Tense::Past, _, None) => regular_past(base),
        (Tense::Present, Agreement::Singular, Some(verb)) => verb.third.clone(),
        (Tense::Present, Agreement::Singular, None) => with_s(base),
        (Tense::Present, _, _) => base.to_string(),
    }
}

fn be(tense: Tense, agreement: Agreement) -> &'static str {
    match (tense, agreement) {
        (Tense::Past, Agreement::Plural) => "were",
        (Tense::Past, _) => "was",
        (Tense::Present, Agreement::First) => "am",
        (Tense::Present, Agreement::Singular) => "is",
        (Tense::Present, Agreement::Plural) => "are",
    }
}

fn is_vowel(letter: u8) -> bool {
    b"aeiou".contains(&letter)
}

/// A word of one short syllable doubles its last consonant: "hop", "hopped".
fn doubles(base: &str) -> bool {
    let letters = base.as_bytes();
    let [.., vowel, last] = letters else { return false };
    let one_vowel = letters.iter().filter(|letter| is_vowel(**letter)).count() == 1;
    one_vowel && is_vowel(*vowel) && !is_vowel(*last) && !b"wxy".contains(last)
}

/// The stem of a word that ends in a consonant and "y": "carry" gives "carr".
fn before_y(word: &str) -> Option<&str> {
    let stem = word.strip_suffix('y')?;
    stem.as_bytes().last().filter(|letter| !is_vowel(**letter)).map(|_| stem)
}

fn regular_past(base: &str) -> String {
    if base.ends_with('e') {
        format!("{base}d")
    } else if let Some(stem) = before_y(base) {
        format!("{stem}ied")
    } else if let (true, Some(last)) = (doubles(base), base.chars().last()) {
        format!("{base}{last}ed")
    } else {
        format!("{base}ed")
    }
}

/// The "-s" of nouns and of verbs: "dogs", "watches", "carries".
pub fn with_s(word: &str) -> String {
    if let Some(stem) = before_y(word) {
        format!("{stem}ies")
    } else if ["s", "sh", "ch", "x", "z", "o"].iter().any(|end| word.ends_with(end)) {
        format!("{word}es")
    } else {
        format!("{word}s")
    }
}

/// "an" before a vowel, "a" elsewhere. The lexicon has no word such as "hour" or "unicorn".
pub fn article(next_word: &str) -> &'static str {
    if next_word.as_bytes().first().is_some_and(|letter| is_vowel(letter.to_ascii_lowercase())) {
        "an"
    } else {
        "a"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regular_verbs_follow_the_spelling_rules() {
        let past = |base| finite(base, Tense::Past, Agreement::Singular, &HashMap::new());
        assert_eq!(
            ["hop", "carry", "play", "smile", "open", "fix"].map(past),
            ["hopped", "carried", "played", "smiled", "opened", "fixed"]
        );
        let third = |base| finite(base, Tense::Present, Agreement::Singular, &HashMap::new());
        assert_eq!(
            ["hop", "carry", "play", "watch", "go"].map(third),
            ["hops", "carries", "plays", "watches", "goes"]
        );
    }

    #[test]
    fn be_agrees_with_its_subject() {
        assert_eq!(finite("be", Tense::Past, Agreement::Plural, &HashMap::new()), "were");
        assert_eq!(finite("be", Tense::Past, Agreement::First, &HashMap::new()), "was");
        assert_eq!(finite("be", Tense::Present, Agreement::First, &HashMap::new()), "am");
    }
}
