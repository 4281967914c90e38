//! Grammar texts: what is wrong is said with its line, and a well-formed text gives what it says.

use storyworld::{Grammar, NotationError, StoryOptions, generate};

const LEXICON: &str = "class pet living\nsingular 1: cat food=milk; owl\nslot pet pet\n";

#[track_caller]
fn refused(lexicon: &str, rules: &str, line: usize, problem: &str) {
    let error = Grammar::parse(lexicon, rules).map(|_| ()).err();
    assert_eq!(error, Some(NotationError { line, problem: problem.to_string() }));
}

#[test]
fn faulty_rules_are_refused_with_their_line() {
    refused(LEXICON, "rule tale\n- hello", 1, "no rule story with 0 slots");
    refused(LEXICON, "hello", 1, "text before the first rule");
    refused(LEXICON, "rule story\nhello", 2, "an alternative begins with a dash");
    refused(LEXICON, "rule story", 1, "rule without alternatives");
    refused(LEXICON, "rule story\n- { a | b", 2, "choice without its closing brace");
    refused(LEXICON, "rule story\n- a }", 2, "unexpected }");
    refused(LEXICON, "rule story\n- <end", 2, "call without its closing angle");
    refused(LEXICON, "rule story\n- -1: a\n", 2, "weight is not a positive number: -1");
    refused(LEXICON, "rule story\n- <end>\nrule end\n- $dog", 3, "no slot dog");
    refused(LEXICON, "rule story\n- +pet $pet.food", 1, "owl has no food");
    refused(LEXICON, "rule story\n- pet=dog", 1, "no such entry: pet=dog");
    refused(LEXICON, "rule story\n- ~run", 1, "verb without a subject: run");
    refused(LEXICON, "rule story\n- a <story>", 1, "a rule has no end");
}

#[test]
fn faulty_lexicons_are_refused_with_their_line() {
    let rules = "rule story\n- hello";
    refused("hello", rules, 1, "not a statement: hello");
    refused("class pet thing", rules, 1, "unknown kind of class: thing");
    refused("class pet living\nsingular: cat", rules, 2, "group without a weight: singular");
    refused("class pet living\ndual 1: cat", rules, 2, "unknown group: dual");
    refused("singular 1: cat", rules, 1, "group before any class");
    refused("class pet living\nsingular 1: cat food", rules, 2, "field is not name=word: food");
    refused("slot pet animal", rules, 1, "slot pet has no known class");
}

#[test]
fn a_small_grammar_writes_what_it_says() {
    let rules = "rule story\n- <see pet> .\nrule see(x)\n- +x a/x $x";
    let grammar = Grammar::parse(LEXICON, rules).expect("well formed");
    assert_eq!(grammar.vocabulary(), [".", "a", "an", "cat", "owl"]);
    let mut stories: Vec<String> = (0..50)
        .filter_map(|seed| generate(&grammar, StoryOptions::UNLIMITED, seed))
        .map(|story| story.text(&grammar))
        .collect();
    stories.sort();
    stories.dedup();
    assert_eq!(stories, ["A cat.", "An owl."]);
}
