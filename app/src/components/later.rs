//! The page is built piece by piece, because to build it in one would hold the browser up: the head, then what the tab shows,
//! and after the first frame what is looked at later.

use leptos::children::ChildrenFn;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::platform::time;

/// How much of the page may be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Built {
    /// Header and tabs.
    Head,
    /// What the tab shows.
    Lab,
    /// The slots on the stage.
    Slots,
    /// The inspector and the gauges.
    Gauges,
    /// The knobs that few visitors turn.
    More,
    /// The foot, and with it everything.
    Foot,
}

/// What follows what the tab shows.
const LATER: [Built; 4] = [Built::Slots, Built::Gauges, Built::More, Built::Foot];

/// How far the page is.
#[derive(Clone, Copy)]
pub struct Building(RwSignal<Built>);

impl Building {
    /// Begins with the head; the browser has its turn before each of the other pieces.
    pub fn begin() -> Self {
        let built = RwSignal::new(Built::Head);
        spawn_local(async move {
            time::sleep_ms(0).await;
            built.set(Built::Lab);
            time::next_frame().await;
            for piece in LATER {
                time::sleep_ms(0).await;
                built.set(piece);
            }
        });
        Self(built)
    }

    /// Whether the turn of this piece has come; views hear of it.
    pub fn may(self, piece: Built) -> bool {
        self.0.get() >= piece
    }
}

/// A signal's value one frame later: what is drawn from it does not share a frame with what is drawn from the signal itself.
pub fn a_frame_later<T: Clone + Send + Sync + 'static>(of: RwSignal<T>) -> RwSignal<T> {
    let later = RwSignal::new(of.get_untracked());
    Effect::new(move |_| {
        of.track();
        spawn_local(async move {
            time::next_frame().await;
            time::sleep_ms(0).await;
            // Who waited for it may be gone.
            if let Some(value) = of.try_get_untracked() {
                drop(later.try_set(value));
            }
        });
    });
    later
}

/// Builds its content when its turn has come. What stands below must not move then.
#[component]
pub fn Later(
    /// Its turn.
    turn: Built,
    /// The content.
    children: ChildrenFn,
) -> impl IntoView {
    let building: Building = expect_context();
    view! { <Show when=move || building.may(turn)>{children()}</Show> }
}
