//! Two sentences of three words that share none.

use diffusion::decode::Remasking;
use diffusion::exact::two_sentences::{corpus, unseen_at_once};
use diffusion::exact::{Ancestral, StepBack, information_left_bits};
use diffusion::process::{Mask, MaskUniform, TokenProcess, Uniform, Words};
use diffusion::{Schedule, SpecialTokens};

use super::Table;
use crate::failure::Failure;

/// Numbers of steps that samplers are compared at.
const STEPS: [u32; 6] = [1, 2, 4, 8, 16, 32];
/// Temperatures of draws in the first call.
const TEMPERATURES: [f64; 3] = [1.0, 0.5, 0.2];
/// Caps of remasking: a small one, which helps, and a large one.
const CAPS: [f64; 2] = [0.02, 0.3];
/// Words of the two sentences.
const WORDS: Words = Words { first: 3, count: 6 };

/// P(unseen) by slots per call and temperature and by sampler, and the information left under each process.
pub fn tables(weight: f64) -> Result<Vec<Table>, Failure> {
    let mask = SpecialTokens::default().mask;
    let masked = Mask { schedule: Schedule::Linear, mask };
    let uniform = Uniform { schedule: Schedule::Linear, words: WORDS };
    let mixed = MaskUniform { mask, words: WORDS, uniform_share: 0.1 };
    let mut tables: Vec<Table> = TEMPERATURES.into_iter().map(|t| at_once(weight, t)).collect();
    tables.push(unseen("mask", &masked, weight, StepBack::PosteriorAveraged)?);
    for eta in CAPS {
        tables.push(opened_again(&masked, weight, eta)?);
    }
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

/// P(unseen) by slots of the first call.
fn at_once(weight: f64, temperature: f64) -> Table {
    Table {
        quantity: format!("P(unseen) when k slots go in the first call, temperature {temperature}"),
        over: "k",
        points: (1..=3).map(|k| (f64::from(k), unseen_at_once(weight, temperature, k))).collect(),
    }
}

/// P(unseen) of ReMDM.
fn opened_again(process: &Mask, weight: f64, eta: f64) -> Result<Table, Failure> {
    let corpus = corpus(weight).map_err(Failure::input)?;
    let sampler = Ancestral::new(&corpus, process);
    let remasking = Remasking::Cap { eta };
    let points = STEPS.map(|steps| (f64::from(steps), sampler.unseen_remasking(steps, remasking)));
    let quantity = format!("P(unseen), ReMDM, cap {eta}");
    Ok(Table { quantity, over: "steps", points: points.to_vec() })
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
