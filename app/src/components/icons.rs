//! Line icons, drawn on a grid of 20.

use leptos::prelude::*;

/// An icon from one path. It says nothing to screen readers: the button beside it has a name.
#[component]
pub fn Icon(
    /// The path, in the coordinates of a 20 x 20 box.
    #[prop(into)]
    path: Signal<&'static str>,
) -> impl IntoView {
    view! {
        <svg viewBox="0 0 20 20" aria-hidden="true" focusable="false">
            <path d=move || path.get() />
        </svg>
    }
}

/// A triangle.
pub const PLAY: &str = "M6 4.2v11.6L15.5 10z";
/// Two bars.
pub const PAUSE: &str = "M7 4.5v11M13 4.5v11";
/// A bar and an arrow to it.
pub const TO_START: &str = "M5 4.5v11M15 5l-6.5 5L15 15z";
/// One step back.
pub const BACK: &str = "M12.5 5 7 10l5.5 5";
/// One step on.
pub const FORWARD: &str = "M7.5 5 13 10l-5.5 5";
/// An arrow and a bar.
pub const TO_END: &str = "M15 4.5v11M5 5l6.5 5L5 15z";
/// A die that shows five.
pub const DIE: &str = "M4.5 3h11A1.5 1.5 0 0 1 17 4.5v11a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 3 15.5v-11A1.5 1.5 0 0 1 4.5 3zM7 7h.01M13 7h.01M10 10h.01M7 13h.01M13 13h.01";
/// An arrow into a tray.
pub const KEEP: &str = "M10 3v9.2M6.2 8.6 10 12.4l3.8-3.8M3.5 13.5V16h13v-2.5";
/// A disc, half of it dark.
pub const THEME: &str = "M10 3a7 7 0 1 0 0 14zM10 3a7 7 0 0 1 0 14";
/// A cross.
pub const CLOSE: &str = "M5.5 5.5l9 9M14.5 5.5l-9 9";
