//! Exact probabilities against what is known: small grammars by enumeration, the whole language by frequencies.

#![allow(clippy::expect_used, reason = "a helper of tests fails by panicking")]

use std::collections::HashMap;

use storyworld::{
    Continuations, Grammar, PosteriorError, StoryOptions, WordId, entropy, generate, log_probability,
    next_words, posterior,
};

const LEXICON: &str = "
verb run runs ran
verb see sees saw
noun ox oxen
class tense tense
plural 2: past
plural 1: present
class person living
f 1: Ann; Eve
m 2: Bob
class herd living
both 1: dog; ox
class color property
singular 1: red; odd
slot tense tense
slot hero person
slot friend person
slot herd herd
slot color color
";

/// Ambiguous on purpose: \"the dogs\" has two derivations, and the limit of words changes what may be chosen.
const RULES: &str = "
rule story
- 2: +$hero +tense ~see/hero +$friend [.4: and $friend.his +$herd ] .
- 3: +tense { the +$herd | 2: the +$herd | +color a/color $color ox } <does> .
rule does
- ~run/it
- 2: ~sleep/it { here | 3: there } [.5: today ]
";

fn small() -> Grammar {
    Grammar::parse(LEXICON, RULES).expect("the small grammar is well formed")
}

/// All texts of a grammar with their probabilities, by trying every word.
fn enumerate(grammar: &Grammar, options: StoryOptions) -> Vec<(Vec<WordId>, f64)> {
    let words: Vec<WordId> = (0..grammar.vocabulary().len()).map(|id| WordId(id as u16)).collect();
    let mut found = Vec::new();
    for length in 0..=options.max_words {
        // Every text of this length that has a probability agrees with an all-hidden page.
        let hidden = vec![None; usize::from(length)];
        let Ok(page) = posterior(grammar, options, &hidden, 10_000) else { continue };
        let mut open: Vec<Vec<WordId>> = vec![Vec::new()];
        for position in 0..usize::from(length) {
            let likely = |word: &&WordId| page.words[position].iter().any(|(known, _)| known == *word);
            let grow = |text: Vec<WordId>| {
                words.iter().filter(likely).map(move |word| [&text[..], &[*word]].concat())
            };
            open = open
                .into_iter()
                .flat_map(grow)
                .filter(|text| viable(grammar, options, text, length))
                .collect();
        }
        found.extend(
            open.into_iter().map(|text| (text.clone(), log_probability(grammar, options, &text).exp())),
        );
    }
    found
}

/// Limits that leave whole texts, or only short, only long or only middling ones.
fn limits(least_and_most: &[(u16, u16)]) -> impl Iterator<Item = StoryOptions> {
    let limited = |&(min_words, max_words)| StoryOptions { min_words, max_words, ..StoryOptions::UNLIMITED };
    least_and_most.iter().map(limited)
}

fn viable(grammar: &Grammar, options: StoryOptions, text: &[WordId], length: u16) -> bool {
    let rest = usize::from(length) - text.len();
    let page: Vec<_> = text.iter().copied().map(Some).chain(std::iter::repeat_n(None, rest)).collect();
    posterior(grammar, options, &page, 10_000).is_ok()
}

#[test]
fn probabilities_of_all_texts_sum_to_one_under_every_limit() {
    let grammar = small();
    let is_word = |word: &&WordId| grammar.word(**word) != ".";
    for options in limits(&[(0, 4), (0, 5), (0, 6), (0, 7), (0, 20), (4, 20), (5, 20), (4, 7)]) {
        let texts = enumerate(&grammar, options);
        let total: f64 = texts.iter().map(|(_, probability)| probability).sum();
        assert!((total - 1.0).abs() < 1e-12, "{options:?}: {} texts sum to {total}", texts.len());
        let shortest = texts.iter().map(|(text, _)| text.iter().filter(is_word).count()).min();
        assert_eq!(shortest, Some(usize::from(options.min_words.max(3))), "{options:?}");
    }
}

/// Four to six tokens exclude what each limit alone allows: the generator says so as often as probability is missing.
#[test]
fn limits_that_exclude_each_other_give_none_as_often_as_probability_is_missing() {
    let grammar = small();
    let options = StoryOptions { min_words: 4, max_words: 6, ..StoryOptions::UNLIMITED };
    let total: f64 = enumerate(&grammar, options).iter().map(|(_, probability)| probability).sum();
    let draws = 20_000u32;
    let told = (0..u64::from(draws)).filter(|seed| generate(&grammar, options, *seed).is_some()).count();
    let deviation =
        (told as f64 / f64::from(draws) - total) / (total * (1.0 - total) / f64::from(draws)).sqrt();
    assert!(total < 0.99 && deviation.abs() < 4.5, "{total} in all, {told} of {draws} told");
}

/// A rule that calls itself has no longest text: the least length must neither shut it up nor keep it going.
#[test]
fn rules_that_call_themselves_keep_to_the_limits() {
    let rules = "rule story\n- very <more> good <more>\nrule more\n- 3: .\n- and very <more>\n";
    let grammar = Grammar::parse(LEXICON, rules).expect("the rules are well formed");
    for options in limits(&[(0, 12), (3, 12), (6, 20)]) {
        let texts = enumerate(&grammar, options);
        let total: f64 = texts.iter().map(|(_, probability)| probability).sum();
        assert!((total - 1.0).abs() < 1e-12, "{options:?}: {} texts sum to {total}", texts.len());
        let repeated = |text: &[WordId]| text.iter().filter(|word| grammar.word(**word) == "and").count();
        assert!(texts.iter().any(|(text, _)| repeated(text) > 2), "{options:?}");
    }
}

/// Pearson's statistic over all texts of the small grammar: with k cells it is k - 1 plus or minus sqrt(2k).
#[test]
fn frequencies_of_stories_agree_with_their_probabilities() {
    let grammar = small();
    for options in limits(&[(0, 5), (0, 20), (5, 20), (4, 7)]) {
        let draws = 200_000u32;
        let mut counts: HashMap<Vec<WordId>, f64> = HashMap::new();
        for seed in 0..u64::from(draws) {
            *counts.entry(generate(&grammar, options, seed).expect("a story fits").words).or_default() += 1.0;
        }
        let texts = enumerate(&grammar, options);
        let statistic: f64 = texts
            .iter()
            .map(|(text, probability)| {
                let expected = probability * f64::from(draws);
                (counts.remove(text).unwrap_or(0.0) - expected).powi(2) / expected
            })
            .sum();
        assert!(counts.is_empty(), "written but not in the language: {counts:?}");
        let cells = texts.len() as f64;
        let deviation = (statistic - (cells - 1.0)) / (2.0 * cells).sqrt();
        assert!(deviation.abs() < 4.5, "{options:?}: {cells} cells, statistic {statistic}");
    }
}

#[test]
fn a_text_with_two_derivations_has_the_sum_of_their_probabilities() {
    let grammar = small();
    let text: Vec<_> = "the dog ran .".split(' ').map(|word| grammar.word_id(word).expect("known")).collect();
    let log_p = log_probability(&grammar, StoryOptions { max_words: 20, ..StoryOptions::UNLIMITED }, &text);
    // The rule 3/5, past 2/3, the two alternatives with a herd 3/4, and one third for the verb. By Zipf's law
    // (1/2 : 1/3) a dog is drawn 3/5 of the time, and of 1 + 1/3 the singular is 1.
    let dog = 0.6 / (1.0 + 1.0 / 3.0);
    let expected: f64 = 3.0 / 5.0 * 2.0 / 3.0 * 3.0 / 4.0 * dog / 3.0;
    assert!((log_p - expected.ln()).abs() < 1e-12, "{} but expected {expected}", log_p.exp());
}

/// The posterior by Bayes' rule over all texts of the small grammar, for every set of hidden words of some texts.
#[test]
fn posteriors_agree_with_enumeration() {
    let grammar = small();
    for options in limits(&[(0, 20), (5, 20)]) {
        agree_with_enumeration(&grammar, options);
    }
}

fn agree_with_enumeration(grammar: &Grammar, options: StoryOptions) {
    let texts = enumerate(grammar, options);
    for (text, _) in texts.iter().step_by(7) {
        for hidden in 1u32..1 << text.len() {
            let page: Vec<_> = (0..text.len()).map(|i| (hidden >> i & 1 == 0).then_some(text[i])).collect();
            let agrees = |other: &&(Vec<WordId>, f64)| {
                other.0.len() == page.len()
                    && other.0.iter().zip(&page).all(|(a, b)| b.is_none_or(|b| b == *a))
            };
            let evidence: f64 = texts.iter().filter(agrees).map(|(_, p)| p).sum();
            let found = posterior(grammar, options, &page, 10_000).expect("the text itself agrees");
            assert!((found.log_evidence - evidence.ln()).abs() < 1e-9);
            for (position, words) in found.words.iter().enumerate() {
                for (word, probability) in words {
                    let joint: f64 = texts
                        .iter()
                        .filter(agrees)
                        .filter(|(t, _)| t[position] == *word)
                        .map(|(_, p)| p)
                        .sum();
                    assert!((probability - joint / evidence).abs() < 1e-9, "{page:?} at {position}");
                }
            }
        }
    }
}

#[test]
fn a_posterior_says_why_it_is_not_there() {
    let grammar = Grammar::storyworld();
    let options = StoryOptions::default();
    let never = [grammar.word_id("."), grammar.word_id(".")];
    assert_eq!(posterior(grammar, options, &never, 100), Err(PosteriorError::Impossible));
    let empty_page = [None; 40];
    assert!(matches!(
        posterior(grammar, options, &empty_page, 100),
        Err(PosteriorError::TooManyStates { .. })
    ));
}

/// The whole language: the first words of stories against their frequencies.
#[test]
fn first_words_of_stories_have_their_exact_frequencies() {
    let grammar = Grammar::storyworld();
    let options = StoryOptions::default();
    let draws = 100_000u64;
    let mut counts: HashMap<WordId, f64> = HashMap::new();
    for seed in 0..draws {
        let words = generate(grammar, options, seed).expect("a story fits").words;
        *counts.entry(words[0]).or_default() += 1.0;
    }
    let probability = next_words(grammar, options, &[]);
    let total: f64 = probability.iter().map(|(_, p)| p).sum();
    assert!((total - 1.0).abs() < 1e-12, "first words sum to {total}");
    let statistic: f64 = probability
        .iter()
        .map(|(word, p)| {
            let expected = p * draws as f64;
            (counts.remove(word).unwrap_or(0.0) - expected).powi(2) / expected
        })
        .sum();
    assert!(counts.is_empty(), "{counts:?}");
    let cells = probability.len() as f64;
    assert!(
        (statistic - (cells - 1.0)).abs() < 4.5 * (2.0 * cells).sqrt(),
        "{cells} cells, statistic {statistic}"
    );
}

/// The whole language: hiding one word, the posterior is Bayes' rule over the words of the vocabulary.
#[test]
fn one_hidden_word_has_the_posterior_of_bayes_rule() {
    let grammar = Grammar::storyworld();
    let options = StoryOptions::default();
    for seed in 0..12 {
        let mut text = generate(grammar, options, seed).expect("a story fits").words;
        let position = (seed as usize * 7) % text.len();
        let mut page: Vec<_> = text.iter().copied().map(Some).collect();
        page[position] = None;
        let found = posterior(grammar, options, &page, 100_000).expect("the story itself agrees");
        let mut joint = vec![0.0; grammar.vocabulary().len()];
        for (id, joint) in joint.iter_mut().enumerate() {
            text[position] = WordId(id as u16);
            *joint = log_probability(grammar, options, &text).exp();
        }
        let evidence: f64 = joint.iter().sum();
        assert!((found.log_evidence - evidence.ln()).abs() < 1e-9, "seed {seed}");
        assert_eq!(found.words[position].len(), joint.iter().filter(|p| **p > 0.0).count(), "seed {seed}");
        for (word, probability) in &found.words[position] {
            assert!(
                (probability - joint[usize::from(word.0)] / evidence).abs() < 1e-9,
                "seed {seed}: {word:?}"
            );
        }
    }
}

/// The chain rule: word by word, the exact next-word distributions multiply to the probability of the prefix.
#[test]
fn next_words_multiply_to_the_probability_of_the_story() {
    let grammar = Grammar::storyworld();
    let options = StoryOptions::default();
    for seed in 0..6 {
        let text = generate(grammar, options, seed).expect("a story fits").words;
        let mut log_p = 0.0;
        for position in 0..text.len() {
            let next = next_words(grammar, options, &text[..position]);
            let chance = next.iter().find(|(word, _)| *word == text[position]).map_or(0.0, |(_, p)| *p);
            log_p += chance.ln();
        }
        let goes_on: f64 = next_words(grammar, options, &text).iter().map(|(_, p)| p).sum();
        log_p += (1.0 - goes_on).ln();
        assert!((log_p - log_probability(grammar, options, &text)).abs() < 1e-8, "seed {seed}: {log_p}");
    }
}

#[test]
fn the_entropy_has_an_error_that_shrinks() {
    let grammar = Grammar::storyworld();
    let options = StoryOptions::default();
    let few = entropy(grammar, options, 0, 200).expect("stories fit");
    let many = entropy(grammar, options, 1_000_000, 3200).expect("stories fit");
    assert!((few.bits_per_word - many.bits_per_word).abs() < 5.0 * few.bits_per_word_error);
    let shrink = few.bits_per_word_error / many.bits_per_word_error;
    assert!((2.5..6.0).contains(&shrink), "sixteen times the stories, {shrink} times less error");
    assert_eq!(entropy(grammar, options, 0, 1), None);
}

#[test]
fn continuations_are_drawn_as_their_probabilities_say() {
    let grammar = Grammar::storyworld();
    let options = StoryOptions::default();
    let opening = grammar.word_ids(["one", "day", ",", "Ivy"]).expect("words of storyworld");
    let continuations = Continuations::of(grammar, options, &opening).expect("stories begin so");
    let draws = 20_000;
    let mut counts: HashMap<WordId, f64> = HashMap::new();
    for seed in 0..draws {
        let rest = continuations.draw(seed).expect("no dead end");
        let story = [&opening[..], &rest].concat();
        if seed < 20 {
            assert!(log_probability(grammar, options, &story).is_finite(), "seed {seed} left the language");
        }
        *counts.entry(rest[0]).or_default() += 1.0;
    }
    let exact = next_words(grammar, options, &opening);
    assert!(exact.len() > 5, "the next word is a real choice");
    let n = draws as f64;
    for (word, p) in exact {
        let z = (counts.get(&word).copied().unwrap_or(0.0) - n * p) / (n * p * (1.0 - p)).sqrt();
        assert!(z.abs() < 4.5, "{}: z = {z}, p = {p}", grammar.word(word));
    }
    assert!(Continuations::of(grammar, options, &grammar.word_ids([".", "day"]).expect("words")).is_none());
}
