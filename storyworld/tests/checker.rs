//! The checker: every kind of damage is found and named, partial texts are fine, nothing makes it panic.

#![allow(clippy::expect_used, reason = "a helper of tests fails by panicking")]

use storyworld::ViolationKind::{self, *};
use storyworld::{Grammar, StoryOptions, Violation, check, generate, log_probability};

const NO_LIMIT: StoryOptions = StoryOptions::UNLIMITED;

/// Checks a line in which `_` hides a word.
fn violations(line: &str) -> Vec<Violation> {
    let words: Vec<_> = line.split_whitespace().map(|word| Some(word).filter(|word| *word != "_")).collect();
    check(Grammar::storyworld(), &words)
}

/// Expects exactly one violation, and its offending word.
fn expect(kind: ViolationKind, word: &str, line: &str) {
    let found = violations(line);
    let named: Vec<_> =
        found.iter().map(|v| (v.kind, line.split_whitespace().nth(v.positions[0]).unwrap_or("?"))).collect();
    assert_eq!(named, [(kind, word)], "{line}");
}

#[test]
fn verbs_agree_with_their_subject_and_not_with_the_nearest_noun() {
    let story = "today , the dogs near the red boat are brave . Tom watches them .";
    assert_eq!(violations(story), []);
    expect(Agreement, "is", &story.replace(" are ", " is "));
    let story = "today , the dogs that live near the old barn run to the river . Tom watches them .";
    assert_eq!(violations(story), []);
    expect(Agreement, "runs", &story.replace(" run ", " runs "));
    expect(Agreement, "watch", &story.replace(" watches ", " watch "));
    let story = "the dog that the cows followed was shy . Tom saw it .";
    assert_eq!(violations(story), []);
    expect(Agreement, "were", &story.replace(" was ", " were "));
    expect(Agreement, "them", &story.replace(" it ", " them "));
}

#[test]
fn articles_fit_the_next_word() {
    let story = "one day , Mia found an owl under the tree . the owl was hungry . Mia gave it some worms .";
    assert_eq!(violations(story), []);
    expect(Agreement, "a", &story.replace(" an ", " a "));
}

#[test]
fn names_and_pronouns_refer_to_those_who_were_named() {
    let story = "one day , Tom got a red ball . but then the ball was gone ! he looked everywhere . \
                 he looked under the bed and there it was ! Tom was happy .";
    assert_eq!(violations(story), []);
    expect(Reference, "she", &story.replace("! he looked everywhere", "! she looked everywhere"));
    expect(Reference, "Mia", &story.replace("Tom was", "Mia was"));
    let found = violations(&story.replace("Tom was", "Ben was"));
    assert_eq!(found[0].positions, [30, 3], "the wrong name, and where the right one stands");
}

#[test]
fn things_stay_themselves_and_stay_where_they_are() {
    let story = "Lily put her key in the drawer . then she went out to play . \" where is the key ? \" asked her dad . \
                 \" it is in the drawer , \" said Lily . and there it was .";
    assert_eq!(violations(story), []);
    expect(ObjectIdentity, "ring", &story.replace("is the key", "is the ring"));
    expect(Place, "box", &story.replace("is in the drawer", "is in the box"));
    expect(Place, "under", &story.replace("is in the drawer", "is under the drawer"));
    let story = "Leo had a red bike and Lily had a ball . \" let us swap , \" said Leo . \
                 Leo gave Lily the bike and got the ball . who had the bike now ? Lily did .";
    assert_eq!(violations(story), []);
    expect(Reference, "Leo", &story.replace("? Lily did", "? Leo did"));
}

#[test]
fn a_story_keeps_its_tense() {
    let story = "Tom had a shy dog . it slept in the basket all day . it barked loudly . Tom loved the dog .";
    assert_eq!(violations(story), []);
    expect(Tense, "sleeps", &story.replace("slept", "sleeps"));
    expect(Tense, "loves", &story.replace("loved", "loves"));
}

#[test]
fn words_stand_in_order_once_and_exist() {
    let story = "Tom had a shy dog . it slept in the basket all day . it barked loudly . Tom loved the dog .";
    expect(Duplicate, "the", &story.replace("loved the", "loved the the"));
    expect(Duplicate, "dog", &story.replace("the dog .", "the dog dog"));
    expect(WordOrder, "cake", &story.replace("slept in", "slept cake"));
    expect(WordOrder, "basket", &story.replace("the basket", "basket"));
    expect(UnknownForm, "sleeped", &story.replace("slept", "sleeped"));
    expect(UnknownForm, "zebrafish", &story.replace("barked loudly", "barked zebrafish loudly"));
    expect(WordOrder, "dog", story.trim_end_matches(" ."));
}

#[test]
fn hidden_words_agree_with_everything() {
    let story = "_ had a _ dog . it _ in the basket all day . it barked _ . Tom loved _ dog . _ _ _";
    assert_eq!(violations(story), []);
    expect(Tense, "loves", &story.replace("loved", "loves"));
    expect(Reference, "cat", &story.replace("_ dog . _", "the cat . _"));
    assert_eq!(violations("_ _ _"), []);
    assert_eq!(violations(""), []);
    assert_eq!(violations("Tom _"), []);
}

/// A generator of test damage, good enough for positions and words.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// Whatever one does to a story, it checks clean exactly if it is still a story.
#[test]
fn a_text_is_clean_exactly_if_it_has_a_probability() {
    let grammar = Grammar::storyworld();
    let mut dice = Dice(1);
    let (mut clean, mut broken) = (0, 0);
    for seed in 0..1000 {
        let mut words = generate(grammar, StoryOptions::default(), seed).expect("a story fits").words;
        let (a, b) = (dice.below(words.len()), dice.below(words.len()));
        match seed % 5 {
            0 => words[a] = grammar.word_id(&grammar.vocabulary()[dice.below(1138)]).expect("known"),
            1 => words[a] = words[b],
            2 => words.swap(a, b),
            3 => drop(words.remove(a)),
            _ => words.insert(a, words[b]),
        }
        let inside = log_probability(grammar, NO_LIMIT, &words).is_finite();
        let texts: Vec<_> = words.iter().map(|&word| Some(grammar.word(word))).collect();
        let found = check(grammar, &texts);
        assert_eq!(found.is_empty(), inside, "{found:?} in {texts:?}");
        assert!(
            found.iter().all(|violation| violation.positions.iter().all(|position| *position < texts.len()))
        );
        if inside { clean += 1 } else { broken += 1 }
    }
    assert!(clean > 10 && broken > 750, "{clean} clean, {broken} broken");
}

/// Hiding words of a story never makes the checker find a fault in the rest.
#[test]
fn what_can_be_completed_is_clean() {
    let grammar = Grammar::storyworld();
    let mut dice = Dice(4);
    for seed in 0..300 {
        let words = generate(grammar, StoryOptions::default(), seed).expect("a story fits").words;
        let share = dice.below(10);
        let text: Vec<_> =
            words.iter().map(|&word| Some(grammar.word(word)).filter(|_| dice.below(10) >= share)).collect();
        assert_eq!(check(grammar, &text), [], "{text:?}");
    }
}

/// One wrong word is found at its place.
#[test]
fn a_single_wrong_word_is_blamed_itself() {
    let grammar = Grammar::storyworld();
    let mut dice = Dice(2);
    let (mut blamed, mut broken) = (0, 0);
    for seed in 0..400 {
        let mut words = generate(grammar, StoryOptions::default(), seed).expect("a story fits").words;
        let position = dice.below(words.len());
        words[position] = grammar.word_id(&grammar.vocabulary()[dice.below(1138)]).expect("known");
        let texts: Vec<_> = words.iter().map(|&word| Some(grammar.word(word))).collect();
        let found = check(grammar, &texts);
        broken += usize::from(!found.is_empty());
        blamed += usize::from(found.iter().any(|violation| violation.positions.contains(&position)));
    }
    assert!(broken > 360 && blamed * 100 > broken * 95, "{blamed} of {broken} blamed at their place");
}

#[test]
fn nothing_makes_it_panic() {
    let grammar = Grammar::storyworld();
    let mut dice = Dice(3);
    for length in (0..120).step_by(3) {
        let text: Vec<Option<&str>> = (0..length)
            .map(|_| match dice.below(12) {
                0 => None,
                1 => Some("qwerty"),
                2 => Some(""),
                _ => Some(grammar.vocabulary()[dice.below(1138)].as_str()),
            })
            .collect();
        let found = check(grammar, &text);
        assert!(length < 9 || !found.is_empty());
        let known: Vec<_> = text.iter().flatten().filter_map(|word| grammar.word_id(word)).collect();
        assert!(length < 9 || log_probability(grammar, NO_LIMIT, &known) == f64::NEG_INFINITY);
    }
}
