//! The starting state of a run: the prompt as it is, the visitor's text corrupted, the rest of the window too.

use diffusion::process::Mask;
use diffusion::{Sequence, Slot, SpecialTokens, TokenId};
use model_loader::Tokenizer;

use crate::settings::Settings;

/// Where a run begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// The slots.
    pub sequence: Sequence,
    /// Words of the visitor that the model does not know, as typed, each with its slot.
    pub unknown: Vec<(usize, String)>,
    /// Words and marks of the visitor's text that are outside the window.
    pub cut: usize,
}

/// The visitor's words do not fit.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StartError {
    /// More words than slots.
    #[error("prompt is too long: found {found} words and marks, expected at most {expected}")]
    TooLong {
        /// Tokens of the prompt.
        found: usize,
        /// Slots of the window.
        expected: usize,
    },
    /// The prompt leaves no slot of the model's own window, which no knob changes.
    #[error("prompt leaves no slot: found {found} words and marks, expected at most {expected}")]
    NoRoom {
        /// Tokens of the prompt.
        found: usize,
        /// Slots of the model's window, less one.
        expected: usize,
    },
    /// Nothing is hidden, so nothing can be written.
    #[error("starting state has no hidden slot: found {found} visible, expected fewer than {expected}")]
    NothingHidden {
        /// Slots that are visible.
        found: usize,
        /// Slots of the window.
        expected: usize,
    },
    /// A change by hand names a slot outside the window, or no word of the model.
    #[error("change by hand: found slot {slot}, expected one below {length} and a word of the model for it")]
    Edit {
        /// The slot it names.
        slot: u32,
        /// Slots of the window.
        length: usize,
    },
}

/// Builds the starting state. The clean text is the visitor's, ended and filled up with end-of-text; at the time
/// that the knob shows, the mask process has hidden part of it. With pure noise nothing of it is left.
///
/// # Errors
/// [`StartError`], which says how many slots there are.
pub fn start(
    settings: &Settings,
    tokenizer: &Tokenizer,
    special: SpecialTokens,
) -> Result<Start, StartError> {
    let prompt = tokenizer.encode(&settings.prompt);
    let text = tokenizer.encode(&settings.text);
    let expected = settings.length;
    let found = prompt.tokens.len();
    let Some(room) = expected.checked_sub(found) else {
        return Err(StartError::TooLong { found, expected });
    };
    let seen = text.tokens.len().min(room);
    let template = prompt.tokens.iter().map(|&id| match TokenId(id) {
        hidden if hidden == special.mask => Slot::masked(special.mask),
        given => Slot::given(given),
    });
    let sequence = Sequence {
        slots: template.chain(corrupted(settings, &text.tokens[..seen], room, special)).collect(),
    };
    // A text of the visitor's own may stand as it is; a prompt that fills the window leaves nothing to do.
    if sequence.masked_count() == 0 && seen == 0 {
        return Err(StartError::NothingHidden { found: expected, expected });
    }
    // Of pure noise nothing is left, so nothing of the text can be missing.
    let told = if settings.time < 1.0 { seen } else { 0 };
    let of_text = text.unknown.into_iter().filter(|unknown| unknown.position < told);
    let of_text = of_text.map(|unknown| (found + unknown.position, unknown.word));
    let of_prompt = prompt.unknown.into_iter().map(|unknown| (unknown.position, unknown.word));
    let unknown = of_prompt.chain(of_text).collect();
    let cut = if settings.time < 1.0 { text.tokens.len() - seen } else { 0 };
    Ok(Start { sequence, unknown, cut })
}

/// The slots behind the prompt: `room` of them.
fn corrupted(settings: &Settings, text: &[u32], room: usize, special: SpecialTokens) -> Vec<Slot> {
    let filling = std::iter::repeat_n(special.end_of_text, room - text.len());
    let clean: Vec<TokenId> = text.iter().map(|&id| TokenId(id)).chain(filling).collect();
    let process = Mask { schedule: settings.schedule, mask: special.mask };
    let mut slots = process.corrupt(&clean, settings.time, settings.seed).slots;
    // A visitor without a text of their own has said nothing that could survive: all of it is open.
    if text.is_empty() {
        slots.fill(Slot::masked(special.mask));
    }
    slots
}

#[cfg(test)]
pub(crate) mod tests {
    use diffusion::SlotState;

    use super::*;

    /// Six words after the three special tokens.
    pub(crate) fn tokenizer() -> Tokenizer {
        let words = ["[MASK]", "[UNK]", "[EOS]", "the", "cat", "sat", "on", "mat", "."];
        crate::recording::tokenizer(&words.map(String::from)).unwrap()
    }

    fn begin(settings: Settings) -> Result<Start, StartError> {
        start(&settings, &tokenizer(), SpecialTokens::default())
    }

    fn settings() -> Settings {
        Settings { length: 8, ..Settings::default() }
    }

    #[test]
    fn without_words_everything_is_hidden_at_any_time() {
        for time in [0.0, 0.3, 1.0] {
            let text = String::new();
            assert_eq!(begin(Settings { text, time, ..settings() }).unwrap().sequence.masked_count(), 8);
        }
    }

    #[test]
    fn a_prompt_stays_and_its_blanks_are_hidden() {
        let start = begin(Settings { prompt: "the cat _ on".into(), ..settings() }).unwrap();
        let states: Vec<_> = start.sequence.slots.iter().map(|slot| slot.state).collect();
        use SlotState::{Given, Masked};
        assert_eq!(states, [Given, Given, Masked, Given, Masked, Masked, Masked, Masked]);
    }

    #[test]
    fn of_a_text_less_survives_as_time_goes_on() {
        let masked = |time: f64| {
            let text = "the cat sat on the mat .".into();
            begin(Settings { text, time, ..settings() }).map_or(0, |start| start.sequence.masked_count())
        };
        let counts: Vec<usize> = (0..=10).map(|t| masked(f64::from(t) / 10.0)).collect();
        assert_eq!((counts[0], counts[10]), (0, 8));
        assert!(counts.windows(2).all(|pair| pair[0] <= pair[1]), "{counts:?}");
        assert!(counts.iter().any(|count| (1..8).contains(count)), "{counts:?}");
    }

    #[test]
    fn unknown_words_are_told_and_not_swallowed() {
        let start = begin(Settings { prompt: "the xylophone sat".into(), ..settings() }).unwrap();
        assert_eq!(start.unknown, [(1, "xylophone".to_owned())]);
        assert_eq!(start.sequence.slots[1], Slot::given(TokenId(1)));
    }

    #[test]
    fn unknown_words_of_the_text_stand_behind_the_prompt() {
        let (prompt, text) = ("the cat".into(), "sat zebu".into());
        let start = begin(Settings { prompt, text, time: 0.0, ..settings() }).unwrap();
        assert_eq!(start.unknown, [(3, "zebu".to_owned())]);
        assert_eq!(start.sequence.slots[3].token, TokenId(1));
    }

    #[test]
    fn too_many_words_are_refused_with_both_numbers() {
        let prompt = "the cat sat on the mat . the cat".into();
        assert_eq!(
            begin(Settings { prompt, ..settings() }),
            Err(StartError::TooLong { found: 9, expected: 8 })
        );
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_and_told() {
        let text = "the cat sat on the mat . the cat sat".to_owned();
        let start = begin(Settings { text: text.clone(), time: 0.9, ..settings() }).unwrap();
        assert_eq!((start.sequence.len(), start.cut), (8, 2));
        assert_eq!(
            begin(Settings { text, time: 1.0, ..settings() }).unwrap().cut,
            0,
            "nothing of noise is missing"
        );
    }

    #[test]
    fn a_window_full_of_words_has_nothing_to_write() {
        let prompt = "the cat sat on the mat . .".into();
        assert!(matches!(begin(Settings { prompt, ..settings() }), Err(StartError::NothingHidden { .. })));
    }
}
