use std::collections::BTreeMap;

use diffusion::decode::{Asker, DecodeSettings, Decoder, Edit, Trajectory};
use diffusion::{Sequence, Slot, SlotState, TokenId};
use pollster::block_on;

use crate::drawn_settings::any_settings;
use crate::runs::{decoder, end};
use crate::statistics::unit;
use crate::systems::{MASK, Table, chain, hidden};

/// More calls than any rule needs for four slots, edited and corrected: a run that takes more does not end.
const MOST_CALLS: u32 = 200;

/// What went wrong, how often, and with which settings first.
#[derive(Default)]
struct Faults(BTreeMap<String, (u32, String)>);

impl Faults {
    fn note(&mut self, result: Result<(), String>, json: impl FnOnce() -> String) {
        if let Err(fault) = result {
            self.0.entry(fault).or_insert_with(|| (0, json())).0 += 1;
        }
    }

    fn assert_none(&self) {
        let line =
            |(fault, (count, json)): (&String, &(u32, String))| format!("\n{count} runs: {fault}\n  {json}");
        assert!(self.0.is_empty(), "{}", self.0.iter().map(line).collect::<String>());
    }
}

fn holds(condition: bool, fault: &str) -> Result<(), String> {
    if condition { Ok(()) } else { Err(fault.to_owned()) }
}

fn said(error: impl ToString) -> String {
    error.to_string()
}

/// One call, as if nothing was known of the one before.
fn advance(table: &mut Table, decoder: &mut Decoder) -> Result<diffusion::Step, String> {
    let answers = block_on(Asker::default().ask(table, std::slice::from_ref(decoder))).map_err(said)?;
    decoder.apply(&answers).map_err(said)
}

/// What is changed by hand before call `call`, if anything: a slot opened, or given one of two words.
fn edit(number: u32, call: u32) -> Option<Edit> {
    let draw = |purpose: u32| unit(number, 40 * purpose + call);
    let token = (draw(2) < 0.5).then(|| TokenId(3 + (draw(3) * 2.0) as u32));
    (call < 6 && draw(0) < 0.4).then(|| Edit { slot: (draw(1) * 4.0) as u32, token })
}

/// A run with changes by hand, those after its end included: the trajectory and the decoder at the end.
fn edited_run(number: u32, settings: &DecodeSettings) -> Result<(Trajectory, Decoder), String> {
    let mut table = hidden();
    let mut decoder = decoder(settings, &Sequence::masked(4, MASK));
    let mut run = Trajectory::begin(&decoder);
    for call in 0..MOST_CALLS {
        if let Some(edit) = edit(number, call) {
            decoder.edit(&[edit]).map_err(said)?;
        }
        if decoder.is_finished() {
            run.edits.clone_from(&decoder.checkpoint().edits);
            return Ok((run, decoder));
        }
        run.push(advance(&mut table, &mut decoder)?);
    }
    Err("an edited run does not end".to_owned())
}

/// Goes on from a point of a stored run with the changes that follow there, and compares.
fn repeats_from(run: &Trajectory, begin: usize) -> Result<(), String> {
    let mut table = hidden();
    let mut decoder = run.fork(begin).map_err(said)?;
    for step in begin..run.steps.len() {
        holds(!decoder.is_finished(), "a fork is finished where the run went on")?;
        holds(advance(&mut table, &mut decoder)? == run.steps[step], "a fork took another step")?;
        decoder.edit(run.edits_after(step + 1)).map_err(said)?;
    }
    holds(decoder.is_finished(), "a fork goes on where the run was finished")?;
    holds(decoder.sequence() == &end(run), "a fork wrote another text")
}

fn repeats_itself(number: u32, settings: &DecodeSettings) -> Result<(), String> {
    let (run, decoder) = edited_run(number, settings)?;
    holds(decoder.sequence() == &end(&run), "the stored run shows another text")?;
    let calls = 0..=run.steps.len() as u32;
    let last: BTreeMap<u32, Option<TokenId>> =
        calls.filter_map(|call| edit(number, call)).map(|edit| (edit.slot, edit.token)).collect();
    for (slot, token) in (0..).zip(&decoder.sequence().slots) {
        match last.get(&slot) {
            Some(Some(given)) => holds(*token == Slot::given(*given), "a word given by hand was changed")?,
            _ => holds(token.token.0 >= 2 && token.state == SlotState::Committed, "no word at the end")?,
        }
    }
    run.verify().map_err(|error| format!("verify: {error}"))?;
    (0..=run.steps.len()).try_for_each(|begin| repeats_from(&run, begin))
}

/// Whatever is changed by hand and whenever, a run ends, keeps the words it was given, verifies, and repeats itself from
/// every point, as `Trajectory::fork` promises.
#[test]
fn edited_runs_repeat_themselves_from_every_point() {
    let (mut faults, mut runs, mut edited) = (Faults::default(), 0, 0);
    for number in 0..2000 {
        let settings = any_settings(number);
        if settings.validate().is_ok() {
            runs += 1;
            edited += u32::from(edit(number, 0).or(edit(number, 1)).is_some());
            let result = repeats_itself(number, &settings);
            faults.note(result, || format!("number {number}: {}", serde_json::to_string(&settings).unwrap()));
        }
    }
    assert!(runs > 1800 && edited > 1000, "{edited} of {runs} runs were changed in their first calls");
    faults.assert_none();
}

/// The decoder after some calls under its first settings.
fn begun(settings: &DecodeSettings, calls: u32) -> Result<Decoder, String> {
    let mut decoder = decoder(settings, &Sequence::masked(4, MASK));
    for _ in 0..calls {
        if decoder.is_finished() {
            break;
        }
        advance(&mut chain(), &mut decoder)?;
    }
    Ok(decoder)
}

fn ends(mut decoder: Decoder) -> Result<(), String> {
    let mut run = Trajectory::begin(&decoder);
    while !decoder.is_finished() {
        let (asked, correcting) = (decoder.asked_count(), decoder.checkpoint().correcting.is_some());
        let stuck = || format!("does not end: asks for {asked} slots, correcting: {correcting}");
        holds(run.steps.len() < MOST_CALLS as usize, &stuck())?;
        run.push(advance(&mut chain(), &mut decoder)?);
    }
    run.verify().map_err(|error| format!("verify: {error}"))?;
    let is_word = |slot: &Slot| slot.token.0 >= 2 && slot.state == SlotState::Committed;
    holds(end(&run).slots.iter().all(is_word), "no word at the end")
}

/// Whatever a run was and whatever settings it is continued under (`Decoder::with_settings`), it ends with a text after
/// a bounded number of calls, and verifies, or the settings are refused.
#[test]
fn runs_continued_under_other_settings_end() {
    let (mut faults, mut runs) = (Faults::default(), 0);
    for number in 0..3000 {
        let (first, second) = (any_settings(number), any_settings(number + 50_000));
        if first.validate().is_err() || second.validate().is_err() {
            continue;
        }
        let decoder = begun(&first, number % 7).unwrap();
        let Ok(other) = decoder.with_settings(second.clone()) else { continue };
        runs += 1;
        faults.note(ends(other), || {
            let json = [&first, &second].map(|settings| serde_json::to_string(settings).unwrap());
            format!("number {number}: {}, continued under {}", json[0], json[1])
        });
    }
    assert!(runs > 2000, "only {runs} runs were continued");
    faults.assert_none();
}
