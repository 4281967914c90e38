//! `storyworld`: writes corpora, vocabularies and samples, and measures the language.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use storyworld::{Grammar, Story, StoryOptions, check, entropy, generate};

const USAGE: &str = "storyworld COMMAND [--stories N] [--seed S] [--min-words V] [--max-words W] [--max-sentences Z]

corpus       one story per line, words separated by single spaces: seeds S, S + 1, ...
sample       the same stories as a person would print them
vocabulary   all words of the language, one per line, in the order of their identifiers
check        reads texts, one per line, from standard input (a hidden word is _) and lists what is broken
entropy      entropy of the language, from the exact probabilities of the stories

Defaults: 1 story, seed 0, 20 words (without punctuation) to 63 (with it), at most 8 sentences. Disjoint ranges of seeds give independent sets.";

/// What the command line asked for.
struct Request {
    command: String,
    stories: u64,
    seed: u64,
    options: StoryOptions,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = read(&arguments).and_then(|request| run(&request).map_err(|error| error.to_string()));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}\n\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn read(arguments: &[String]) -> Result<Request, String> {
    let (command, rest) = arguments.split_first().ok_or("a command is missing")?;
    let default = StoryOptions::default();
    let mut values = HashMap::from([
        ("--stories", 1),
        ("--seed", 0),
        ("--min-words", default.min_words.into()),
        ("--max-words", default.max_words.into()),
        ("--max-sentences", default.max_sentences.into()),
    ]);
    for pair in rest.chunks(2) {
        let [name, value] = pair else { return Err(format!("{} has no value", pair[0])) };
        let slot = values.get_mut(name.as_str()).ok_or_else(|| format!("unknown option {name}"))?;
        *slot = value.parse::<u64>().map_err(|_| format!("{name} is not a whole number: {value}"))?;
    }
    let small = |name: &str| u16::try_from(values[name]).map_err(|_| format!("{name} is larger than 65535"));
    let options = StoryOptions {
        min_words: small("--min-words")?,
        max_words: small("--max-words")?,
        max_sentences: small("--max-sentences")?,
    };
    Ok(Request { command: command.clone(), stories: values["--stories"], seed: values["--seed"], options })
}

fn run(request: &Request) -> io::Result<()> {
    let grammar = Grammar::storyworld();
    let mut out = BufWriter::new(io::stdout().lock());
    match request.command.as_str() {
        "corpus" => each_story(request, |story| writeln!(out, "{}", story.line(grammar)))?,
        "sample" => each_story(request, |story| writeln!(out, "{}\n", story.text(grammar)))?,
        "vocabulary" => {
            for word in grammar.vocabulary() {
                writeln!(out, "{word}")?;
            }
        }
        "check" => write_checks(&mut out)?,
        "entropy" => write_entropy(request, &mut out)?,
        other => return Err(io::Error::other(format!("unknown command {other}"))),
    }
    out.flush()
}

fn each_story(request: &Request, mut visit: impl FnMut(Story) -> io::Result<()>) -> io::Result<()> {
    let too_short = || io::Error::other("no story keeps to these limits");
    for seed in request.seed..request.seed.saturating_add(request.stories) {
        visit(generate(Grammar::storyworld(), request.options, seed).ok_or_else(too_short)?)?;
    }
    Ok(())
}

fn write_entropy(request: &Request, out: &mut impl Write) -> io::Result<()> {
    let measured = entropy(Grammar::storyworld(), request.options, request.seed, request.stories);
    let measured = measured.ok_or_else(|| io::Error::other("entropy needs at least two stories that fit"))?;
    writeln!(out, "stories         {}", measured.stories)?;
    writeln!(out, "words per story {:.3}", measured.words_per_story)?;
    writeln!(out, "bits per story  {:.3} +- {:.3}", measured.bits_per_story, measured.bits_per_story_error)?;
    writeln!(out, "bits per word   {:.4} +- {:.4}", measured.bits_per_word, measured.bits_per_word_error)?;
    writeln!(
        out,
        "bits per unit   {:.4} +- {:.4} (words and ends)",
        measured.bits_per_unit, measured.bits_per_unit_error
    )
}

fn write_checks(out: &mut impl Write) -> io::Result<()> {
    for line in io::stdin().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let visible: Vec<Option<&str>> =
            words.iter().map(|word| Some(*word).filter(|word| *word != "_")).collect();
        let violations = check(Grammar::storyworld(), &visible);
        writeln!(out, "{}: {line}", if violations.is_empty() { "clean" } else { "broken" })?;
        for violation in violations {
            let named: Vec<String> =
                violation.positions.iter().map(|p| format!("{p} {}", words[*p])).collect();
            writeln!(out, "    {:?} at {}", violation.kind, named.join(", "))?;
        }
    }
    Ok(())
}
