//! The text as a grid of slots: what stands in each, how it stands, and how sure the model was.

use std::sync::Arc;

use diffusion::TokenId;
use leptos::ev::KeyboardEvent;
use leptos::html::Div;
use leptos::prelude::*;
use leptos::task::spawn_local;
use model_loader::Tokenizer;
use model_loader::tokenizer::END;
use wasm_bindgen::JsCast;

use super::later::{Building, Built};
use crate::draw::palette::ramp;
use crate::draw::slots::{Scale, share};
use crate::keys::move_in_grid;
use crate::platform::{focus, time};
use crate::run::{Run, RunState};
use crate::settings::query::Named;
use crate::settings::{ColourBy, Settings};
use crate::texts::{fill, say};
use crate::view::{Cell, Mark, visible};

/// Words with more letters are set smaller, so that every slot has the same size.
const LONG_WORD: usize = 8;

/// Which of two texts a grid shows. Both share the chosen slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The run on the stage.
    First,
    /// The one beside it.
    Second,
}

impl Which {
    /// Of the grid, for tests.
    fn id(self) -> &'static str {
        match self {
            Self::First => "grid",
            Self::Second => "second-grid",
        }
    }

    /// Of its slots: what their numbers stand behind.
    pub fn slot(self) -> &'static str {
        match self {
            Self::First => "slot",
            Self::Second => "second-slot",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::First => say("grid.first"),
            Self::Second => say("grid.second"),
        }
    }
}

/// What one slot shows.
#[derive(Clone, Debug, PartialEq)]
struct Face {
    text: String,
    mark: &'static str,
    end: bool,
    unknown: bool,
    after_end: bool,
    fill: Option<(String, String)>,
    label: String,
}

/// The grid.
#[component]
pub fn TextGrid(
    /// The slots at the cursor.
    cells: Memo<Vec<Cell>>,
    /// What full colour means.
    scale: Memo<Scale>,
    /// How many slots stand side by side.
    #[prop(into)]
    columns: Signal<usize>,
    /// Which text it is.
    which: Which,
    /// The slots whose words differ from those of the other text, and what stands there.
    differs: Memo<Vec<(usize, TokenId)>>,
) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let run = expect_context::<Run>();
    let colour = Memo::new(move |_| settings.with(|s| s.colour));
    let faces = Memo::new(move |_| {
        let words = run.state.with(|state| state.words.clone());
        let mut faces = cells.with(|cells| faces(cells, words.as_ref(), colour.get(), scale.get()));
        run.state.with(|state| cells.with(|cells| spell_unknown(&mut faces, cells, state)));
        faces
    });
    let count = Memo::new(move |_| cells.with(Vec::len));
    let building = expect_context::<Building>();
    let rows = move || {
        // Room is kept for what comes after the first frame.
        let count = if building.may(Built::Slots) { count.get() } else { 0 };
        let columns = columns.get();
        (0..count)
            .step_by(columns.max(1))
            .map(|first| (first, columns, (first + columns).min(count)))
            .collect::<Vec<_>>()
    };
    view! {
        <div
            class="text-grid"
            role="grid"
            aria-label=which.label()
            data-testid=which.id()
            data-colour=move || colour.get().name()
            style:--columns=move || columns.get().to_string()
            style:--rows=move || count.get().div_ceil(columns.get().max(1)).to_string()
            on:keydown=move |event| walk(&event, which, columns.get_untracked(), count.get_untracked())
        >
            <For each=rows key=|row| *row let((first, _, end))>
                <div class="text-row" role="row">
                    {(first..end).map(|index| view! { <SlotView index faces which differs /> }).collect_view()}
                </div>
            </For>
        </div>
    }
}

/// One slot.
#[component]
fn SlotView(
    index: usize,
    faces: Memo<Vec<Face>>,
    which: Which,
    differs: Memo<Vec<(usize, TokenId)>>,
) -> impl IntoView {
    let run = expect_context::<Run>();
    let face = Memo::new(move |_| faces.with(|faces| faces.get(index).cloned()));
    let get = move |read: fn(&Face) -> Option<String>| face.with(|face| face.as_ref().and_then(read));
    let other = move || {
        differs.with(|differs| differs.iter().find(|(slot, _)| *slot == index).map(|(_, token)| *token))
    };
    let label = move || {
        let label = get(|face| Some(face.label.clone())).unwrap_or_default();
        let other = other().map(|token| {
            let word = run.state.with(|state| spelled(token, state.words.as_ref()).to_owned());
            fill("grid.differs", &[("word", &word)])
        });
        let slot = format!("{}: {label}", index + 1);
        other.map_or(slot.clone(), |other| format!("{slot}, {other}"))
    };
    let selected = Memo::new(move |_| run.selected.get() == Some(index));
    let stop = move || {
        // One slot is in the order of the Tab key; arrows reach the others.
        let first = index == 0 && run.selected.with(Option::is_none);
        if selected.get() || first { "0" } else { "-1" }
    };
    let element = NodeRef::<Div>::new();
    let select = move || {
        let beside = which == Which::Second;
        let is_chosen =
            run.selected.get_untracked() == Some(index) && run.chosen_beside.get_untracked() == beside;
        run.chosen_beside.set(beside);
        run.selected.set((!is_chosen).then_some(index));
        // Where the inspector opens over the grid, the slot moves out from under it.
        element.get_untracked().into_iter().for_each(|element| show(&element));
    };
    let enter = move || {
        select();
        if run.selected.get_untracked() == Some(index) {
            spawn_local(async {
                time::next_frame().await;
                focus::move_to("[data-testid=close-inspector]");
            });
        }
    };
    view! {
        <div
            class="slot"
            node_ref=element
            role="gridcell"
            data-testid=which.slot()
            id=format!("{}-{index}", which.slot())
            data-index=index
            tabindex=stop
            data-state=move || face.with(|face| face.as_ref().map(|face| face.mark))
            data-end=move || get(|face| face.end.then(String::new))
            data-unknown=move || get(|face| face.unknown.then(String::new))
            data-after-end=move || get(|face| face.after_end.then(String::new))
            data-long=move || get(|face| (face.text.chars().count() > LONG_WORD).then(String::new))
            style:--fill=move || get(|face| face.fill.as_ref().map(|fill| fill.0.clone()))
            style:--on-fill=move || get(|face| face.fill.as_ref().map(|fill| fill.1.clone()))
            aria-selected=move || selected.get().to_string()
            data-differs=move || other().map(|_| "")
            aria-label=label
            on:click=move |_| select()
            on:keydown=move |event| if event.key() == "Enter" { enter() }
        >
            {move || get(|face| Some(face.text.clone()))}
        </div>
    }
}

/// Scrolls as little as it takes to have it in sight.
fn show(element: &web_sys::Element) {
    let options = web_sys::ScrollIntoViewOptions::new();
    options.set_block(web_sys::ScrollLogicalPosition::Nearest);
    element.scroll_into_view_with_scroll_into_view_options(&options);
}

/// What every slot shows.
fn faces(cells: &[Cell], words: Option<&Arc<Tokenizer>>, colour: ColourBy, scale: Scale) -> Vec<Face> {
    let end = cells.iter().position(|cell| cell.token.0 == END).unwrap_or(cells.len());
    cells.iter().enumerate().map(|(index, cell)| face(cell, words, colour, scale, index > end)).collect()
}

fn face(cell: &Cell, words: Option<&Arc<Tokenizer>>, by: ColourBy, scale: Scale, after_end: bool) -> Face {
    let is_end = cell.token.0 == END;
    let text = match cell.mark {
        Mark::Masked => "",
        _ => spelled(cell.token, words),
    };
    let state = match cell.mark {
        Mark::Masked => say("legend.masked").to_owned(),
        Mark::Given => format!("{text}, {}", say("legend.given")),
        Mark::Fresh => format!("{text}, {}", say("legend.fresh")),
        Mark::Committed => format!("{text}, {}", say("legend.committed")),
        Mark::Noisy => format!("{text}, {}", say("legend.noisy")),
    };
    let fill = share(cell, by, scale).map(ramp);
    Face {
        text: visible(text),
        mark: cell.mark.name(),
        end: is_end,
        unknown: false,
        after_end,
        fill: fill.map(|colour| (colour.css(), colour.ink().css())),
        label: state,
    }
}

/// A word that the model does not know stands as it was typed, where the visitor's still stands.
fn spell_unknown(faces: &mut [Face], cells: &[Cell], state: &RunState) {
    for (slot, (face, cell)) in faces.iter_mut().zip(cells).enumerate() {
        if let Some(word) = state.typed(slot, cell.token).filter(|_| cell.mark == Mark::Given) {
            face.label = format!("{word}, {}", say("grid.unknown"));
            word.clone_into(&mut face.text);
            face.unknown = true;
        }
    }
}

/// A token as a slot shows it.
fn spelled(token: TokenId, words: Option<&Arc<Tokenizer>>) -> &str {
    match token.0 {
        END => say("grid.end"),
        token => words.and_then(|words| words.word(token)).unwrap_or("?"),
    }
}

/// Arrow keys walk over the slots.
fn walk(event: &KeyboardEvent, which: Which, columns: usize, count: usize) {
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlElement>().ok());
    let at = target.and_then(|element| element.get_attribute("data-index")?.parse().ok());
    let Some(next) = at.and_then(|at| move_in_grid(&event.key(), at, columns, count)) else { return };
    event.prevent_default();
    focus::move_to(&format!("#{}-{next}", which.slot()));
}

#[cfg(test)]
mod tests {
    use model_loader::tokenizer::UNKNOWN;

    use super::*;
    use crate::session::start::tests::tokenizer;
    use crate::view::columns;
    use crate::view::tests::trajectory;

    const SCALE: Scale = Scale { most_nats: 4.0, calls: 3, revisions: 0 };

    #[test]
    fn slots_say_in_words_what_they_show_in_shape() {
        let words = Arc::new(tokenizer());
        let cells = &columns(&trajectory())[1];
        let faces = faces(cells, Some(&words), ColourBy::State, SCALE);
        let labels: Vec<&str> = faces.iter().map(|face| face.label.as_str()).collect();
        assert_eq!(labels[1..], ["mat, given", "masked", "masked"]);
        assert!(labels[0].ends_with("just committed"), "{labels:?}");
        assert!(faces.iter().all(|face| face.fill.is_none()));
    }

    #[test]
    fn what_stands_behind_the_end_is_set_apart() {
        let mut cells = columns(&trajectory())[3].clone();
        cells[2].token = TokenId(END);
        let faces = faces(&cells, None, ColourBy::Confidence, SCALE);
        let after: Vec<bool> = faces.iter().map(|face| face.after_end).collect();
        assert_eq!(after, [false, false, false, true]);
        assert!(faces[2].end && faces[2].fill.is_some());
    }

    #[test]
    fn an_unknown_word_stands_as_it_was_typed_until_another_takes_its_place() {
        let mut cells = columns(&trajectory())[0].clone();
        cells[1].token = TokenId(UNKNOWN);
        let shown = |cells: &[Cell]| {
            let mut faces = faces(cells, Some(&Arc::new(tokenizer())), ColourBy::State, SCALE);
            let unknown = vec![(1, "zebu".to_owned()), (9, "quark".to_owned())];
            spell_unknown(&mut faces, cells, &RunState { unknown, ..RunState::default() });
            faces.swap_remove(1)
        };
        let face = shown(&cells);
        assert_eq!((face.text.as_str(), face.unknown), ("zebu", true));
        assert!(face.label.starts_with("zebu, "), "{}", face.label);
        cells[1].token = TokenId(4);
        assert_eq!((shown(&cells).text.as_str(), shown(&cells).unknown), ("cat", false));
    }
}
