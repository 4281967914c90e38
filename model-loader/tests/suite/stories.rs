use model_loader::Tokenizer;
use storyworld::{Grammar, StoryOptions, generate};

use crate::fixture::tokenizer_json;

/// A tokenizer of the shipped models' words.
fn tokenizer() -> Tokenizer {
    let special = ["[MASK]", "[UNK]", "[EOS]"];
    let words = Grammar::storyworld().vocabulary().iter().map(String::as_str);
    let all: Vec<&str> = special.into_iter().chain(words).collect();
    Tokenizer::from_json(&tokenizer_json(&all), all.len()).unwrap()
}

#[test]
fn a_story_is_read_and_printed_as_storyworld_writes_it() {
    let (grammar, tokenizer) = (Grammar::storyworld(), tokenizer());
    for seed in 0..2000 {
        let story = generate(grammar, StoryOptions::default(), seed).unwrap();
        let line = story.line(grammar);
        let from_line = tokenizer.encode(&line);
        let words: Vec<&str> = from_line.tokens.iter().map(|&token| tokenizer.word(token).unwrap()).collect();
        assert_eq!(words.join(" "), line);
        let printed = story.text(grammar);
        assert_eq!(tokenizer.encode(&printed), from_line, "{printed}");
        assert_eq!(tokenizer.decode(&from_line.tokens), printed);
    }
}
