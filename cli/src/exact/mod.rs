//! `unmask exact`: what is known exactly about small systems, computed anew each time.

mod lists;
mod markov;
mod two_sentences;

use anyhow::anyhow;
use serde::Serialize;

use crate::arguments::{Exact, System};
use crate::failure::Failure;
use crate::output;

/// The systems, for who names none.
const SYSTEMS: &str = "\
two-sentences  two sentences of three words, weights w and 1 - w
markov         the symmetric chain of two words that flips with probability f
lists          a list copied, with one element replaced, shuffled
disjoint       equally likely sentences that share no word
";

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
    let Some(system) = arguments.system else { return output::result(SYSTEMS) };
    let open = |name: &str, found: f64| match found > 0.0 && found < 1.0 {
        true => Ok(found),
        false => Err(Failure::Input(anyhow!("{name}: found {found}, expected a number above 0 and below 1"))),
    };
    let tables = match system {
        System::TwoSentences => two_sentences::tables(open("weight", arguments.weight)?)?,
        System::Markov => markov::tables(open("flip", arguments.flip)?),
        System::Lists => lists::tables(arguments.length)?,
        System::Disjoint => lists::disjoint_tables(arguments.count, arguments.length)?,
    };
    if arguments.json { output::json(&tables) } else { output::result(&page(&tables)) }
}

fn page(tables: &[Table]) -> String {
    let mut page = String::new();
    for Table { quantity, over, points } in tables {
        let values: Vec<String> = points.iter().map(|(at, value)| format!("{at}: {value:.4}")).collect();
        page += &format!("{quantity}\n  by {over}  {}\n", values.join("  "));
    }
    page
}
