//! The page is built in three pieces, because to build it in one would hold the browser up: the head, then what the tab shows,
//! and after the first frame what is looked at last.

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
    /// Everything.
    All,
}

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
            time::sleep_ms(0).await;
            built.set(Built::All);
        });
        Self(built)
    }

    /// Whether everything may be built; views hear of it.
    pub fn is_over(self) -> bool {
        self.0.get() == Built::All
    }
}

/// Builds its content when its turn has come. What stands below must not move then.
#[component]
pub fn Later(
    /// Its turn.
    #[prop(default = Built::All)]
    turn: Built,
    /// The content.
    children: ChildrenFn,
) -> impl IntoView {
    let Building(built) = expect_context();
    view! { <Show when=move || { built.get() >= turn }>{children()}</Show> }
}
