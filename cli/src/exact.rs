//! `unmask exact`: what is known exactly about small systems, computed anew each time.

use anyhow::anyhow;
use diffusion::exact::two_sentences::{corpus, unseen_at_once};
use diffusion::exact::{Ancestral, Markov, StepBack, information_left_bits};
use diffusion::process::{Mask, MaskUniform, TokenProcess, Uniform, Words};
use diffusion::{Schedule, SpecialTokens};
use serde::Serialize;

use crate::arguments::{Exact, System};
use crate::failure::Failure;
use crate::output;

/// Numbers of steps that samplers are compared at.
const STEPS: [u32; 6] = [1, 2, 4, 8, 16, 32];
/// Words of the two sentences.
const WORDS: Words = Words { first: 3, count: 6 };

/// One quantity over a range.
#[derive(Debug, PartialEq, Serialize)]
pub struct Table {
    /// What it is, with its unit.
    quantity: String,
    /// What varies.
    over: &'static str,
    /// Value by value. `// (points)`
    points: Vec<(f64, f64)>,
}

/// Runs the command.
pub fn exact(arguments: &Exact) -> Result<(), Failure> {
    let Some(system) = arguments.system else {
        return output::result(
            "two-sentences  two sentences of three words, weights w and 1 - w\nmarkov         the symmetric chain of two words that flips with probability f\n",
        );
    };
    let open = |name: &str, found: f64| match found > 0.0 && found < 1.0 {
        true => Ok(found),
        false => Err(Failure::Input(anyhow!("{name}: found {found}, expected a number above 0 and below 1"))),
    };
    let tables = match system {
        System::TwoSentences => two_sentences(open("weight", arguments.weight)?)?,
        System::Markov => markov(open("flip", arguments.flip)?),
    };
    if arguments.json { output::json(&tables) } else { output::result(&page(&tables)) }
}

/// P(unseen) by slots per call and by sampler, and the information left under each process.
fn two_sentences(weight: f64) -> Result<Vec<Table>, Failure> {
    let mask = SpecialTokens::default().mask;
    let masked = Mask { schedule: Schedule::Linear, mask };
    let uniform = Uniform { schedule: Schedule::Linear, words: WORDS };
    let mixed = MaskUniform { mask, words: WORDS, uniform_share: 0.1 };
    let mut tables = vec![Table {
        quantity: "P(unseen) when k slots go in the first call, temperature 1".into(),
        over: "k",
        points: (1..=3).map(|k| (f64::from(k), unseen_at_once(weight, 1.0, k))).collect(),
    }];
    tables.push(unseen("mask", &masked, weight, StepBack::PosteriorAveraged)?);
    tables.push(unseen("mask and uniform, share .1", &mixed, weight, StepBack::PosteriorAveraged)?);
    tables.push(unseen("uniform", &uniform, weight, StepBack::PosteriorAveraged)?);
    tables.push(unseen(
        "uniform, posterior wrongly plugged in",
        &uniform,
        weight,
        StepBack::PosteriorPluggedIn,
    )?);
    tables.push(information("mask", &masked, weight)?);
    tables.push(information("mask and uniform, share .1", &mixed, weight)?);
    tables.push(information("uniform", &uniform, weight)?);
    Ok(tables)
}

/// P(unseen) of ancestral sampling.
fn unseen<P: TokenProcess>(
    name: &str,
    process: &P,
    weight: f64,
    step_back: StepBack,
) -> Result<Table, Failure> {
    let corpus = corpus(weight).map_err(Failure::input)?;
    let sampler = Ancestral::new(&corpus, process);
    let points = STEPS.map(|steps| (f64::from(steps), sampler.unseen(steps, step_back)));
    Ok(Table { quantity: format!("P(unseen), ancestral, {name}"), over: "steps", points: points.to_vec() })
}

/// I(x_0; x_t).
fn information<P: TokenProcess>(name: &str, process: &P, weight: f64) -> Result<Table, Failure> {
    let corpus = corpus(weight).map_err(Failure::input)?;
    let times = (0..=10).map(|i| f64::from(i) / 10.0);
    let points = times.map(|t| (t, information_left_bits(&corpus, process, t))).collect();
    Ok(Table { quantity: format!("information left in bits, {name}"), over: "t", points })
}

/// Entropy rate, and how fast the exact denoiser collapses.
fn markov(flip: f64) -> Vec<Table> {
    let chain = Markov::symmetric(flip, 3, SpecialTokens::default().mask);
    let far = |distance: u32| (f64::from(distance), chain.information_at_bits(distance));
    vec![
        Table {
            quantity: "entropy rate in bits per word".into(),
            over: "flip",
            points: vec![(flip, chain.entropy_rate_bits())],
        },
        Table {
            quantity: "KL to the unigram in bits; total correlation of two hidden words".into(),
            over: "distance",
            points: [1, 2, 3, 4, 8, 16].map(far).to_vec(),
        },
    ]
}

fn page(tables: &[Table]) -> String {
    let mut page = String::new();
    for Table { quantity, over, points } in tables {
        let values: Vec<String> = points.iter().map(|(at, value)| format!("{at}: {value:.4}")).collect();
        page += &format!("{quantity}\n  by {over}  {}\n", values.join("  "));
    }
    page
}
