//! The language as a whole: it is frozen, its stories keep their promises, its text is well printed.

#![allow(clippy::expect_used, reason = "a helper of tests fails by panicking")]

use std::collections::HashSet;

use storyworld::{Grammar, StoryOptions, check, detokenize, generate, log_probability};

fn lines(seeds: std::ops::Range<u64>) -> Vec<String> {
    let (grammar, options) = (Grammar::storyworld(), StoryOptions::default());
    seeds.map(|seed| generate(grammar, options, seed).expect("a story fits").line(grammar)).collect()
}

/// FNV-1a, 64 bits.
fn digest(lines: &[String]) -> u64 {
    let bytes = lines.iter().flat_map(|line| line.bytes().chain([b'\n']));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The shipped models were trained on exactly this language. Who changes it on purpose trains them anew and
/// writes the new digests here.
#[test]
fn the_language_is_the_one_that_models_were_trained_on() {
    assert_eq!(Grammar::storyworld().vocabulary().len(), 1138);
    assert_eq!(digest(Grammar::storyworld().vocabulary()), VOCABULARY_DIGEST);
    assert_eq!(digest(&lines(0..2000)), CORPUS_DIGEST);
}

const VOCABULARY_DIGEST: u64 = 0x82a3_951c_2670_ed40;
const CORPUS_DIGEST: u64 = 0xf9e6_7b74_473d_1624;

#[test]
fn every_story_checks_clean_and_has_a_probability() {
    let grammar = Grammar::storyworld();
    let unlimited = StoryOptions::UNLIMITED;
    let limits = [25, 40, 63, 120].map(|max_words| StoryOptions { max_words, ..unlimited });
    for options in
        limits.into_iter().chain([StoryOptions::default(), StoryOptions { min_words: 45, ..unlimited }])
    {
        for seed in 0..500 {
            let story = generate(grammar, options, seed).expect("a story fits");
            assert!(story.words.len() <= usize::from(options.max_words));
            assert!(words_of(&story.line(grammar)) >= usize::from(options.min_words));
            let log_p = log_probability(grammar, options, &story.words);
            assert!(log_p.is_finite() && log_p < 0.0, "{log_p}: {}", story.line(grammar));
            let words: Vec<_> = story.words.iter().map(|&word| Some(grammar.word(word))).collect();
            assert_eq!(check(grammar, &words), vec![], "{}", story.line(grammar));
        }
    }
}

#[test]
fn a_limit_below_the_shortest_story_gives_none() {
    let grammar = Grammar::storyworld();
    let options = StoryOptions { max_words: 5, ..StoryOptions::UNLIMITED };
    assert_eq!(generate(grammar, options, 0), None);
    assert_eq!(log_probability(grammar, options, &[]), f64::NEG_INFINITY);
}

/// Words without punctuation.
fn words_of(line: &str) -> usize {
    line.split(' ').filter(|word| word.starts_with(char::is_alphanumeric)).count()
}

/// Marks in quotes end no sentence: what is said is part of the sentence that says who speaks.
fn sentences(line: &str) -> usize {
    let spoken = line.split('"').step_by(2);
    spoken.flat_map(|part| part.split(' ')).filter(|word| matches!(*word, "." | "?" | "!")).count()
}

#[test]
fn stories_are_varied_and_of_two_to_eight_sentences_and_at_least_twenty_words() {
    let lines = lines(10_000..40_000);
    let distinct: HashSet<_> = lines.iter().collect();
    assert!(distinct.len() > 29_950, "{} of 30000 are distinct", distinct.len());
    for line in &lines {
        let words = words_of(line);
        assert!((2..=8).contains(&sentences(line)) && words >= 20, "{words} words: {line}");
    }
}

/// Not only of the stories that were drawn: no derivation has fewer sentences than two.
#[test]
fn no_story_has_one_sentence() {
    let grammar = Grammar::storyworld();
    let limited = |max_sentences| StoryOptions { max_sentences, ..StoryOptions::UNLIMITED };
    assert_eq!(generate(grammar, limited(1), 0), None);
    for seed in 0..200 {
        let story = generate(grammar, limited(2), seed).expect("some plots need only two sentences");
        assert_eq!(sentences(&story.line(grammar)), 2);
    }
}

/// Common words are common and rare words are rare: the counts fall off at least as fast as Zipf's law says.
#[test]
fn every_word_is_used_and_few_words_make_most_of_the_text() {
    let lines = lines(0..200_000);
    let mut counts = std::collections::HashMap::new();
    for word in lines.iter().flat_map(|line| line.split(' ')) {
        *counts.entry(word).or_insert(0u32) += 1;
    }
    let unused: Vec<_> = Grammar::storyworld()
        .vocabulary()
        .iter()
        .filter(|word| !counts.contains_key(word.as_str()))
        .collect();
    assert!(unused.is_empty(), "never used: {unused:?}");
    let mut sorted: Vec<u32> = counts.into_values().collect();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    let share = |n: usize| f64::from(sorted[..n].iter().sum::<u32>()) / f64::from(sorted.iter().sum::<u32>());
    assert!(share(20) > 0.4 && share(100) > 0.65, "{} and {}", share(20), share(100));
    assert!(sorted[0] > 10_000 * sorted[sorted.len() - 1], "{sorted:?}");
}

#[test]
fn text_is_printed_with_capitals_quotes_and_tight_punctuation() {
    let printed = |line: &str| detokenize(line.split(' '));
    assert_eq!(printed("\" is it ready ? \" asked Tom . it was ."), "\"Is it ready?\" asked Tom. It was.");
    assert_eq!(printed("Tom ran . \" oh no ! \" he said ."), "Tom ran. \"Oh no!\" he said.");
    assert_eq!(printed("\" I am here . \" then Mia , too , came !"), "\"I am here.\" Then Mia, too, came!");
    assert_eq!(detokenize([]), "");
}
