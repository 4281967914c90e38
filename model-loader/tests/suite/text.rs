use model_loader::tokenizer::{END, MASK, UNKNOWN};
use model_loader::{Tokenizer, Unknown};

use crate::fixture::tokenizer_json;

const WORDS: [&str; 26] = [
    "[MASK]", "[UNK]", "[EOS]", "the", "dog", "ran", ".", ",", "!", "?", "\"", "'s", "Anna", "said", "I",
    "Rose", "rose", "red", "hot", "not", "...", "come", "here", "and", ";", "o'clock",
];

fn tokenizer() -> Tokenizer {
    Tokenizer::from_json(&tokenizer_json(&WORDS), WORDS.len()).unwrap()
}

/// Encodes what a visitor may type and compares the tokens with words in corpus form.
fn check(typed: &str, corpus_form: &str) {
    let encoding = tokenizer().encode(typed);
    let expected: Vec<u32> = corpus_form
        .split_whitespace()
        .map(|word| WORDS.iter().position(|known| *known == word).unwrap() as u32)
        .collect();
    assert_eq!(encoding.tokens, expected, "{typed}");
}

#[test]
fn text_as_people_type_it() {
    check("The dog ran.", "the dog ran .");
    check("  the\tdog\n ran   . ", "the dog ran .");
    check("THE DOG RAN!", "the dog ran !");
    check("The dog's red, hot rose", "the dog 's red , hot rose");
    check("\"Come here,\" said Anna.", "\" come here , \" said Anna .");
    check("“Come here!” said anna…", "\" come here ! \" said Anna ...");
    check("come here... I ran", "come here ... I ran");
    check("come here?!", "come here ? !");
    check("the dog ran;the dog ran", "the dog ran ; the dog ran");
    check("red-hot", "red hot");
    check("o’clock", "o'clock");
    check("", "");
}

#[test]
fn spelling_is_exact_where_it_can_be() {
    check("Rose rose", "Rose rose");
    check("ROSE", "rose");
    check("i ran", "I ran");
}

#[test]
fn hidden_slots() {
    check("The _ ran.", "the [MASK] ran .");
    check("the [MASK] [mask].", "the [MASK] [MASK] .");
    check("___", "[MASK] [MASK] [MASK]");
    check("\"_,\" said _", "\" [MASK] , \" said [MASK]");
    check("the dog ran. [EOS]", "the dog ran . [EOS]");
}

#[test]
fn unknown_words_are_named_with_their_places() {
    let encoding = tokenizer().encode("The Wug's dog-house ran, 7 times… [UNK]");
    let unknown = |word: &str, position| Unknown { word: word.into(), position };
    assert_eq!(
        encoding.unknown,
        [
            unknown("Wug's", 1),
            unknown("dog-house", 2),
            unknown("7", 5),
            unknown("times", 6),
            unknown("[UNK]", 8)
        ]
    );
    for unknown in &encoding.unknown {
        assert_eq!(encoding.tokens[unknown.position], UNKNOWN);
    }
    assert_eq!(encoding.tokens.len(), 9);
}

/// Every mark could begin a word of the vocabulary; looking up all that follows it would take minutes here.
#[test]
fn a_long_paste_without_spaces_is_cut_quickly() {
    let began = std::time::Instant::now();
    let encoding = tokenizer().encode(&"!".repeat(1_000_000));
    assert_eq!((encoding.tokens.len(), encoding.unknown.len()), (1_000_000, 0));
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

/// Decodes tokens in corpus form.
fn pretty(corpus_form: &str) -> String {
    let tokenizer = tokenizer();
    let tokens: Vec<u32> =
        corpus_form.split_whitespace().map(|word| tokenizer.token(word).unwrap()).collect();
    tokenizer.decode(&tokens)
}

#[test]
fn decoded_text_is_set_as_in_a_book() {
    assert_eq!(
        pretty("the dog ran . the red dog , said Anna , ran !"),
        "The dog ran. The red dog, said Anna, ran!"
    );
    assert_eq!(pretty("\" come here , \" said Anna ."), "\"Come here,\" said Anna.");
    assert_eq!(
        pretty("Anna said , \" come here . \" the dog ran ."),
        "Anna said, \"Come here.\" The dog ran."
    );
    assert_eq!(pretty("\" come here ! \" said Anna ."), "\"Come here!\" said Anna.");
    assert_eq!(
        pretty("Anna said , \" come here ! \" the dog ran ."),
        "Anna said, \"Come here!\" The dog ran."
    );
    assert_eq!(pretty("\" the dog ran . \" the dog ran ."), "\"The dog ran.\" The dog ran.");
    assert_eq!(pretty("the dog 's rose"), "The dog's rose");
    assert_eq!(pretty("[MASK] dog [MASK] ."), "_ dog _.");
    assert_eq!(pretty("the dog . [EOS] [EOS] dog"), "The dog.");
    assert_eq!(pretty("[EOS]"), "");
}

#[test]
fn decoded_text_reads_back_as_the_same_tokens() {
    let tokenizer = tokenizer();
    for text in ["The dog's rose.", "\"Come here,\" said Anna. \"I ran!\"", "_ dog _; the red Rose...", "?!"]
    {
        let tokens = tokenizer.encode(text).tokens;
        assert_eq!(tokenizer.encode(&tokenizer.decode(&tokens)).tokens, tokens, "{text}");
    }
}

#[test]
fn there_is_one_piece_per_token() {
    let tokenizer = tokenizer();
    let mut tokens = tokenizer.encode("\"Come,\" said _.").tokens;
    tokens.extend([END, END, UNKNOWN, MASK, 999]);
    let pieces = tokenizer.pieces(&tokens);
    let texts: Vec<&str> = pieces.iter().map(|piece| piece.text.as_str()).collect();
    assert_eq!(texts, ["\"", "Come", ",", "\"", "said", "_", ".", "", "", "[UNK]", "_", "[UNK]"]);
    assert!(!pieces[1].space_before && pieces[4].space_before && !pieces[6].space_before);
}

/// Text in corpus form means the same to the whole pipeline of the `tokenizers` crate as to this reader.
#[test]
fn corpus_form_is_read_as_the_tokenizer_file_says() {
    let json = tokenizer_json(&WORDS);
    let pipeline = tokenizers::Tokenizer::from_bytes(json.as_bytes()).unwrap();
    for text in ["the dog ran .", "\" come here , \" said Anna ...", "[MASK] 's red rose [EOS]"] {
        let expected = pipeline.encode(text, false).unwrap().get_ids().to_vec();
        assert_eq!(tokenizer().encode(text).tokens, expected, "{text}");
    }
}
