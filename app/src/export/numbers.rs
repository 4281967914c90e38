//! The numbers behind a run as tables: one row per call, per slot, per candidate.

use diffusion::decode::{Commit, Step, Trajectory};
use model_loader::Tokenizer;
use serde_json::{Value, json};

use super::table::Table;
use crate::gauges::Curves;
use crate::view::{Cell, Mark, columns};

/// One row per call: what it predicted and what was done with it.
pub fn steps(trajectory: &Trajectory, latencies_ms: &[f64]) -> Table {
    let after = columns(trajectory);
    let row = |(index, step): (usize, &Step)| {
        let (sum, asked) = (sum_entropy_nats(step), step.predictions.len());
        let count = |mark: Mark| after[index + 1].iter().filter(|cell| cell.mark == mark).count();
        let before = &after[index];
        let is_revision = |commit: &Commit| {
            before.get(commit.slot as usize).is_some_and(|cell| {
                matches!(cell.mark, Mark::Fresh | Mark::Committed) && cell.token != commit.token
            })
        };
        vec![
            json!(index + 1),
            json!(asked),
            json!(step.commits.len()),
            json!(step.commits.iter().filter(|commit| is_revision(commit)).count()),
            json!(step.noisy.len()),
            json!(step.remasks.len()),
            json!(count(Mark::Masked)),
            json!(count(Mark::Noisy)),
            if asked > 0 { json!(sum / asked as f64) } else { Value::Null },
            json!(sum / std::f64::consts::LN_2),
            // A run from a file has no times.
            latencies_ms.get(index).map_or(Value::Null, |ms| json!(ms)),
        ]
    };
    Table {
        columns: &[
            "call",
            "slots_asked",
            "slots_committed",
            "slots_revised",
            "slots_changed",
            "slots_remasked",
            "slots_masked_after",
            "slots_noisy_after",
            "mean_entropy_nats",
            "sum_entropy_bits",
            "latency_ms",
        ],
        rows: trajectory.steps.iter().enumerate().map(row).collect(),
    }
}

fn sum_entropy_nats(step: &Step) -> f64 {
    step.predictions.iter().map(|p| f64::from(p.prediction.entropy_nats)).sum()
}

/// One row per slot: how it stands after the last stored step.
pub fn slots(trajectory: &Trajectory, words: Option<&Tokenizer>) -> Table {
    let last = columns(trajectory).pop().unwrap_or_default();
    let row = |(index, cell): (usize, &Cell)| {
        vec![
            json!(index + 1),
            json!(cell.token.0),
            word(words, cell.token.0),
            json!(cell.mark.name()),
            json!(cell.call),
            json!(cell.confidence),
            json!(cell.entropy_nats),
        ]
    };
    Table {
        columns: &["slot", "token", "word", "state", "call_of_commit", "probability", "entropy_nats"],
        rows: last.iter().enumerate().map(row).collect(),
    }
}

/// One row per candidate: the best tokens of every slot in every call that asked about it, and the drawn one.
pub fn candidates(trajectory: &Trajectory, words: Option<&Tokenizer>) -> Table {
    let rows = trajectory.steps.iter().enumerate().flat_map(|(index, step)| {
        step.predictions.iter().flat_map(move |p| {
            let drawn = p.prediction.drawn;
            let listed = p.prediction.top.iter().any(|best| best.token == drawn.token);
            let ranked = p.prediction.top.iter().enumerate().map(|(rank, best)| (json!(rank + 1), *best));
            // A drawn token that is not among the best has no known rank.
            ranked.chain((!listed).then_some((Value::Null, drawn))).map(move |(rank, candidate)| {
                vec![
                    json!(index + 1),
                    json!(p.slot + 1),
                    rank,
                    json!(candidate.token.0),
                    word(words, candidate.token.0),
                    json!(candidate.log_probability),
                    json!(u8::from(candidate.token == drawn.token)),
                ]
            })
        })
    });
    Table {
        columns: &["call", "slot", "rank", "token", "word", "log_probability_nats", "drawn"],
        rows: rows.collect(),
    }
}

/// One row per state: what the five gauges read after so many calls; none for a run that contradicts itself.
pub fn gauges(trajectory: &Trajectory) -> Option<Table> {
    let curves = Curves::of(trajectory)?;
    let row = |calls: usize| {
        vec![
            json!(calls),
            // What the next call sees; after the last there is none.
            json!(curves.open_bits.get(calls)),
            json!(curves.gaps.get(calls)),
            json!(curves.revised.get(calls)),
            json!(curves.symbols.get(calls)),
            json!(curves.stake.get(calls)),
        ]
    };
    Some(Table {
        columns: &[
            "calls",
            "d1_open_bits",
            "d2_gap_above_chance",
            "d3_words_revised",
            "l1_symbol_share",
            "l2_bits_at_stake",
        ],
        rows: (0..=trajectory.steps.len()).map(row).collect(),
    })
}

/// All four tables in one JSON value.
pub fn all(trajectory: &Trajectory, words: Option<&Tokenizer>, latencies_ms: &[f64]) -> Value {
    json!({
        "settings": trajectory.settings,
        "steps": steps(trajectory, latencies_ms).to_json(),
        "slots": slots(trajectory, words).to_json(),
        "candidates": candidates(trajectory, words).to_json(),
        "gauges": gauges(trajectory).map(|table| table.to_json()),
    })
}

fn word(words: Option<&Tokenizer>, token: u32) -> Value {
    words.and_then(|words| words.word(token)).map_or(Value::Null, |word| json!(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::start::tests::tokenizer;
    use crate::view::tests::trajectory;

    fn column(table: &Table, name: &str) -> Vec<Value> {
        let at = table.columns.iter().position(|column| *column == name).expect("the column is there");
        table.rows.iter().map(|row| row[at].clone()).collect()
    }

    #[test]
    fn every_call_has_a_row_with_its_numbers() {
        let run = trajectory();
        let table = steps(&run, &[4.0, 5.0]);
        assert_eq!(table.rows.len(), run.steps.len());
        assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
        assert_eq!(column(&table, "slots_masked_after"), [2, 1, 0]);
        assert_eq!(column(&table, "latency_ms"), [json!(4.0), json!(5.0), Value::Null]);
        // Slots 0, 2 and 3 are asked about at first; their entropies in the test's denoiser are 1, 3 and 4 nats.
        assert_eq!(column(&table, "mean_entropy_nats")[0], json!(8.0 / 3.0));
        let bits = column(&table, "sum_entropy_bits")[0].as_f64().expect("a number");
        assert!((bits - 8.0 / std::f64::consts::LN_2).abs() < 1e-9, "{bits}");
    }

    #[test]
    fn every_slot_has_a_row_with_its_word() {
        let table = slots(&trajectory(), Some(&tokenizer()));
        assert_eq!(column(&table, "word")[1], json!("mat"));
        assert_eq!(column(&table, "state"), ["committed", "given", "committed", "fresh"]);
        assert_eq!(column(&table, "call_of_commit"), [json!(1), Value::Null, json!(2), json!(3)]);
    }

    #[test]
    fn every_state_has_a_row_with_its_gauges() {
        let run = trajectory();
        let table = gauges(&run).expect("the run is sound");
        assert_eq!(table.rows.len(), run.steps.len() + 1);
        let open = column(&table, "d1_open_bits");
        assert!(
            (open[0].as_f64().expect("a number") - 8.0 / std::f64::consts::LN_2).abs() < 1e-4,
            "{open:?}"
        );
        assert_eq!(open[3], Value::Null, "no call asks after the last");
        assert_eq!(column(&table, "d3_words_revised"), [0.0; 4].map(|none| json!(none)));
        assert_eq!(column(&table, "l1_symbol_share")[0], json!(1.0));
    }

    #[test]
    fn the_drawn_token_is_always_among_the_candidates() {
        let run = trajectory();
        let table = candidates(&run, None);
        let asked: usize = run.steps.iter().map(|step| step.predictions.len()).sum();
        let drawn = column(&table, "drawn").iter().filter(|drawn| **drawn == json!(1)).count();
        assert!(drawn >= asked, "{drawn} drawn, {asked} asked");
        assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
    }
}
