use std::str::FromStr;

use model_loader::tokenizer::{END, MASK};
use model_loader::{Checkpoint, Gguf, Tokenizer};

/// A shipped model of natural English.
fn file() -> Vec<u8> {
    let path = format!("{}/../static/models/english-mask/model.gguf", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Ours, and the whole pipeline of the library, from the same text.
fn both() -> (Tokenizer, tokenizers::Tokenizer) {
    let file = file();
    let gguf = Gguf::parse(&file).unwrap();
    let json = gguf.metadata.text("tokenizer.huggingface.json").unwrap();
    (Tokenizer::from_json(json, 4096).unwrap(), tokenizers::Tokenizer::from_str(json).unwrap())
}

#[test]
fn text_is_cut_as_the_library_cuts_it() {
    let (ours, theirs) = both();
    let texts = [
        "Once upon a time there was a little girl who wasn't afraid.",
        "\"I'll go,\" said he; \"we've 3 of 12 left!\"  And then--nothing...",
        "she'd they're 'tis don't O'Clock rock'n'roll 'S",
        "a\nb\n\n c\t d   e",
        "café naïve £5 — “quoted” … 你好 🙂",
        "x_y 100% (a+b)=c/d @home #1",
    ];
    for text in texts {
        let expected = theirs.encode(text, false).unwrap();
        let found = ours.encode(text);
        assert_eq!(found.tokens, expected.get_ids(), "{text}");
        assert!(found.unknown.is_empty(), "bytes know every text");
        assert_eq!(ours.decode(&found.tokens), text, "and give it back");
    }
}

#[test]
fn a_gap_is_one_hidden_slot_and_takes_the_space_before_it() {
    let (ours, _) = both();
    let encoding = ours.encode("The _ ran to [MASK].");
    let hidden: Vec<usize> =
        (0..encoding.tokens.len()).filter(|&index| encoding.tokens[index] == MASK).collect();
    assert_eq!(hidden.len(), 2);
    let before = ours.encode("The").tokens.len();
    assert_eq!(hidden[0], before, "no token for the space");
    assert_eq!(ours.decode(&encoding.tokens), "The _ ran to _.");
    assert_eq!(ours.encode("snake_case").tokens.iter().filter(|token| **token == MASK).count(), 0);
}

#[test]
fn pieces_join_to_the_text_and_end_with_it() {
    let (ours, _) = both();
    let mut tokens = ours.encode("The dog ran home.").tokens;
    tokens.extend([END, END]);
    let pieces = ours.pieces(&tokens);
    let join = |text: String, piece: &model_loader::tokenizer::Piece| {
        text + if piece.space_before { " " } else { "" } + &piece.text
    };
    assert_eq!(pieces.iter().fold(String::new(), join), "The dog ran home.");
    assert_eq!(ours.decode(&tokens), "The dog ran home.");
    assert!(ours.word(tokens[1]).unwrap().starts_with(' '), "a token knows its space");
}

#[test]
fn a_model_of_natural_english_is_whole() {
    let checkpoint = Checkpoint::from_bytes(&file()).unwrap();
    assert_eq!((checkpoint.config.vocab_size, checkpoint.config.context_length), (4096, 128));
    assert_eq!(checkpoint.tokenizer.vocab_size(), 4096);
}
