//! A trajectory as views see it: one cell per position and stored step.

use diffusion::decode::{GaussianStep, SlotPrediction, Step, Trajectory};
use diffusion::{Prediction, Sequence, SlotState, SpecialTokens, TokenId};

/// How a slot stands at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Hidden.
    Masked,
    /// Part of the prompt, or a survivor of the corruption.
    Given,
    /// Committed by this very call.
    Fresh,
    /// Committed by an earlier call.
    Committed,
    /// Holds a word that may be noise and may still change.
    Noisy,
}

impl Mark {
    /// Name in the page's state, in tests and in style sheets.
    pub fn name(self) -> &'static str {
        match self {
            Self::Masked => "masked",
            Self::Given => "given",
            Self::Fresh => "fresh",
            Self::Committed => "committed",
            Self::Noisy => "noisy",
        }
    }
}

/// One slot at one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// What stands there.
    pub token: TokenId,
    /// How it stands.
    pub mark: Mark,
    /// Probability (temperature 1) of the committed token when it was drawn; of the best candidate while masked.
    pub confidence: Option<f32>,
    /// Entropy of the last distribution predicted here.
    pub entropy_nats: Option<f32>,
    /// The call that committed it, counted from 1.
    pub call: Option<usize>,
    /// How often its word was taken back so far: replaced by another, or hidden again.
    pub revisions: u32,
}

impl Cell {
    fn start(token: TokenId, state: SlotState) -> Self {
        let mark = match state {
            SlotState::Masked => Mark::Masked,
            SlotState::Given => Mark::Given,
            SlotState::Committed => Mark::Committed,
            SlotState::Noisy => Mark::Noisy,
        };
        Self { token, mark, confidence: None, entropy_nats: None, call: None, revisions: 0 }
    }

    fn predicted(&mut self, prediction: &Prediction) {
        self.confidence = Some(prediction.top[0].log_probability.exp());
        self.entropy_nats = Some(prediction.entropy_nats);
    }

    fn committed(&mut self, token: TokenId, call: usize, confidence: Option<f32>) {
        *self = Self { token, mark: Mark::Fresh, confidence, call: Some(call), ..*self };
    }
}

/// All cells of a run: column 0 is the start, column k what stands after k calls and what was changed by hand then.
/// `// (steps + 1, positions)`
pub fn columns(trajectory: &Trajectory) -> Vec<Vec<Cell>> {
    let mut present = first_column(&trajectory.start.sequence);
    edit(&mut present, trajectory, 0);
    let mut columns = vec![present.clone()];
    let mask = SpecialTokens::default().mask;
    for (index, step) in trajectory.steps.iter().enumerate() {
        for cell in present.iter_mut().filter(|cell| cell.mark == Mark::Fresh) {
            cell.mark = Mark::Committed;
        }
        take_back(&mut present, step);
        for SlotPrediction { slot, prediction } in &step.predictions {
            if let Some(cell) = present.get_mut(*slot as usize) {
                cell.predicted(prediction);
            }
        }
        for change in &step.noisy {
            if let Some(cell) = present.get_mut(change.slot as usize) {
                *cell = Cell { token: change.token, mark: Mark::Noisy, call: None, ..*cell };
            }
        }
        for &slot in &step.remasks {
            if let Some(cell) = present.get_mut(slot as usize) {
                *cell = Cell { token: mask, mark: Mark::Masked, call: None, ..*cell };
            }
        }
        for commit in &step.commits {
            let drawn = step.predictions.iter().find(|p| p.slot == commit.slot).map(|p| p.prediction.drawn);
            let confidence = drawn.map(|candidate| candidate.log_probability.exp());
            if let Some(cell) = present.get_mut(commit.slot as usize) {
                cell.committed(commit.token, index + 1, confidence);
            }
        }
        edit(&mut present, trajectory, index + 1);
        columns.push(present.clone());
    }
    columns
}

/// The same of a run on vectors: until the last call reads off the tokens, a slot shows its most probable one.
/// `// (calls + 1, positions)`
pub fn columns_of_vectors(start: &Sequence, steps: &[GaussianStep]) -> Vec<Vec<Cell>> {
    let mut columns = vec![first_column(start)];
    for (index, step) in steps.iter().enumerate() {
        let mark = if index + 1 == steps.len() { Mark::Fresh } else { Mark::Noisy };
        let cell = |(before, &token): (&Cell, &TokenId)| match before.mark {
            Mark::Given => *before,
            _ => {
                let is_other = before.mark != Mark::Masked && before.token != token;
                Cell { token, mark, revisions: before.revisions + u32::from(is_other), ..*before }
            }
        };
        let next = columns[index].iter().zip(&step.tokens).map(cell).collect();
        columns.push(next);
    }
    columns
}

/// Counts what a step takes back of the words that it found, as `diffusion`'s `TakenBack` does.
fn take_back(present: &mut [Cell], step: &Step) {
    let written = |cell: &&mut Cell| cell.mark != Mark::Masked;
    for change in step.commits.iter().chain(&step.noisy) {
        let cell = present.get_mut(change.slot as usize).filter(written);
        cell.into_iter().for_each(|cell| cell.revisions += u32::from(cell.token != change.token));
    }
    for &slot in &step.remasks {
        let cell = present.get_mut(slot as usize).filter(written);
        cell.into_iter().for_each(|cell| cell.revisions += 1);
    }
}

/// Shows what was changed by hand after so many steps.
fn edit(present: &mut [Cell], trajectory: &Trajectory, step: usize) {
    let edits = trajectory.edits_after(step);
    let sequence = if edits.is_empty() { None } else { trajectory.sequence_at(step).ok() };
    for slot in edits.iter().map(|edit| edit.slot as usize) {
        let now = sequence.as_ref().and_then(|sequence| sequence.slots.get(slot));
        if let (Some(now), Some(cell)) = (now, present.get_mut(slot)) {
            *cell = Cell { revisions: cell.revisions, ..Cell::start(now.token, now.state) };
        }
    }
}

fn first_column(sequence: &Sequence) -> Vec<Cell> {
    sequence.slots.iter().map(|slot| Cell::start(slot.token, slot.state)).collect()
}

/// A word of the vocabulary so that every character shows: a space that a byte pair begins with, a line's end.
pub fn visible(word: &str) -> String {
    word.replace(' ', "␣").replace('\n', "↵")
}

/// The last prediction for `slot` among the first `step` calls, and the number of that call, counted from 1.
pub fn last_prediction(trajectory: &Trajectory, step: usize, slot: usize) -> Option<(usize, &Prediction)> {
    let done = trajectory.steps.get(..step.min(trajectory.steps.len()))?;
    let find = |(index, step): (usize, &'_ Step)| -> Option<usize> {
        step.predictions.iter().any(|p| p.slot as usize == slot).then_some(index)
    };
    let index = done.iter().enumerate().rev().find_map(find)?;
    let found = done[index].predictions.iter().find(|p| p.slot as usize == slot)?;
    Some((index + 1, &found.prediction))
}

/// What the back ends measure in nats, in bits, as the page shows it.
pub fn bits(nats: f32) -> f32 {
    nats * std::f32::consts::LOG2_E
}

/// Mean entropy over the slots that a call asked about: how open the text still was.
pub fn mean_entropy_nats(trajectory: &Trajectory, step: usize) -> Option<f32> {
    let predictions = &trajectory.steps.get(step.checked_sub(1)?)?.predictions;
    let sum: f32 = predictions.iter().map(|p| p.prediction.entropy_nats).sum();
    (!predictions.is_empty()).then(|| sum / predictions.len() as f32)
}

#[cfg(test)]
pub(crate) mod tests {
    use diffusion::decode::{DecodeSettings, Decoder, Edit, Order, Parallelism};
    use diffusion::{Candidate, Row, SpecialTokens};

    use super::*;

    /// A prediction whose drawn token tells the slot and whose probability is one half.
    pub(crate) fn prediction(row: &Row) -> Prediction {
        let candidate = |id: u32| Candidate { token: TokenId(id), log_probability: 0.5f32.ln() };
        Prediction {
            drawn: candidate(10 + row.slot),
            entropy_nats: 1.0 + row.slot as f32,
            log_sum_exp: 0.0,
            target_log_probability: 0.0,
            top: [10, 11, 12, 13, 14].map(candidate),
            drift_nats: None,
            tempered_log_probability: None,
        }
    }

    /// A run over four slots of which the second is given; one slot per call from left to right.
    pub(crate) fn trajectory() -> Trajectory {
        let special = SpecialTokens::default();
        let start = Sequence::infill(&[None, Some(TokenId(7)), None, None], special.mask);
        let settings = DecodeSettings {
            order: Order::LeftToRight,
            parallelism: Parallelism::SlotsPerCall { slots: 1 },
            ..DecodeSettings::default()
        };
        let mut decoder = Decoder::new(settings, start, special).unwrap();
        let mut trajectory = Trajectory::begin(&decoder);
        while !decoder.is_finished() {
            let answers: Vec<_> = decoder.rows(0).map(|row| prediction(&row)).collect();
            trajectory.push(decoder.apply(&answers).unwrap());
        }
        trajectory
    }

    #[test]
    fn vectors_show_their_likeliest_words_until_the_last_call_reads_them_off() {
        let mut start = Sequence::masked(2, TokenId(0));
        start.slots[0] = diffusion::Slot::given(TokenId(5));
        let step = |token| GaussianStep {
            time: 0.5,
            tokens: vec![TokenId(5), TokenId(token)],
            entropy_nats: vec![0.0; 2],
            guess: Vec::new(),
        };
        let columns = columns_of_vectors(&start, &[step(7), step(8)]);
        assert_eq!(columns.iter().map(|cells| cells[1].revisions).collect::<Vec<_>>(), [0, 0, 1]);
        let marks: Vec<_> = columns.iter().map(|cells| (cells[1].token.0, cells[1].mark)).collect();
        assert_eq!(marks, [(0, Mark::Masked), (7, Mark::Noisy), (8, Mark::Fresh)]);
        assert!(columns.iter().all(|cells| cells[0].mark == Mark::Given));
    }

    #[test]
    fn a_slot_is_fresh_for_one_column_and_committed_after() {
        let columns = columns(&trajectory());
        let marks: Vec<&str> = columns.iter().map(|column| column[0].mark.name()).collect();
        assert_eq!(marks, ["masked", "fresh", "committed", "committed"]);
        let last: Vec<&str> = columns.iter().map(|column| column[3].mark.name()).collect();
        assert_eq!(last, ["masked", "masked", "masked", "fresh"]);
        assert!(columns.iter().all(|column| column[1].mark == Mark::Given && column[1].confidence.is_none()));
    }

    #[test]
    fn columns_show_what_the_trajectory_says() {
        let trajectory = trajectory();
        for (step, column) in columns(&trajectory).iter().enumerate() {
            let expected: Vec<_> = trajectory.sequence_at(step).unwrap().tokens().collect();
            assert_eq!(column.iter().map(|cell| cell.token).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn changes_by_hand_show_where_they_were_made() {
        let edit = |slot, token: Option<u32>| Edit { slot, token: token.map(TokenId) };
        let mut run = trajectory();
        run.steps[1].edits = vec![edit(0, None), edit(3, Some(5))];
        run.edits = vec![edit(0, Some(6))];
        let columns = columns(&run);
        assert_eq!((columns[0][0].mark, columns[1][0].mark), (Mark::Masked, Mark::Masked));
        assert_eq!((columns[1][3].mark, columns[1][3].token), (Mark::Given, TokenId(5)));
        assert_eq!((columns[3][0].mark, columns[3][0].token), (Mark::Given, TokenId(6)));
        for (step, column) in columns.iter().enumerate() {
            let expected: Vec<_> = run.sequence_at(step).unwrap().tokens().collect();
            assert_eq!(column.iter().map(|cell| cell.token).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn noise_may_change_and_masks_may_come_back() {
        use diffusion::decode::{Commit, Step};
        let mut run = trajectory();
        let step = run.steps[1].clone();
        run.steps.truncate(1);
        let noisy = vec![Commit { slot: 0, token: TokenId(7) }];
        run.steps.push(Step { commits: vec![], noisy, remasks: vec![2], ..step });
        let columns = columns(&run);
        assert_eq!((columns[2][0].mark, columns[2][0].token), (Mark::Noisy, TokenId(7)));
        assert_eq!((columns[2][0].call, columns[2][2].mark), (None, Mark::Masked));
        assert_eq!(
            columns[2].iter().map(|cell| cell.revisions).collect::<Vec<_>>(),
            [1, 0, 0, 0],
            "slot 2 held no word yet"
        );
    }

    #[test]
    fn cells_keep_the_numbers_of_their_last_prediction() {
        let columns = columns(&trajectory());
        let cell = columns[3][2];
        assert_eq!((cell.call, cell.entropy_nats), (Some(2), Some(3.0)));
        assert!((cell.confidence.unwrap() - 0.5).abs() < 1e-6);
        assert_eq!(columns[0][2].entropy_nats, None, "nothing is predicted before the first call");
    }

    #[test]
    fn the_inspector_finds_the_last_call_that_asked() {
        let trajectory = trajectory();
        assert!(last_prediction(&trajectory, 0, 2).is_none());
        assert_eq!(last_prediction(&trajectory, 1, 2).unwrap().0, 1);
        assert_eq!(last_prediction(&trajectory, 3, 2).unwrap().0, 2);
        assert!(last_prediction(&trajectory, 3, 1).is_none(), "given slots are never asked about");
    }

    #[test]
    fn no_character_of_a_word_is_invisible() {
        assert_eq!([visible(" cat"), visible("s"), visible("\n")], ["␣cat", "s", "↵"]);
    }

    #[test]
    fn mean_entropy_is_over_the_slots_asked() {
        let trajectory = trajectory();
        assert_eq!(mean_entropy_nats(&trajectory, 0), None);
        assert_eq!(mean_entropy_nats(&trajectory, 1), Some((1.0 + 3.0 + 4.0) / 3.0));
        assert_eq!(mean_entropy_nats(&trajectory, 3), Some(4.0));
        assert_eq!(mean_entropy_nats(&trajectory, 4), None);
    }
}
