//! Play, pause, step: by mouse here, by keys anywhere on the page.

use leptos::prelude::*;

use super::icons::{BACK, FORWARD, Icon, PAUSE, PLAY, TO_END, TO_START};
use crate::keys::Command;
use crate::run::Run;
use crate::texts::{fill, say};

/// The buttons of time.
#[component]
pub fn Transport() -> impl IntoView {
    let run = expect_context::<Run>();
    let playing = Memo::new(move |_| run.playback.get().moves());
    let planned = Memo::new(move |_| run.state.with(|state| state.planned));
    let steps = Memo::new(move |_| run.state.with(|state| state.steps()));
    let at_start = Memo::new(move |_| run.cursor.get() == 0);
    let at_end = Memo::new(move |_| run.cursor.get() >= steps.get());
    let button = move |id: &'static str, name: &'static str, icon: &'static str, command, off: Memo<bool>| {
        view! {
            <button
                class="icon-button"
                data-testid=id
                title=name
                aria-disabled=move || off.get().to_string()
                on:click=move |_| run.command(command)
            >
                <Icon path=icon />
                <span class="visually-hidden">{name}</span>
            </button>
        }
    };
    view! {
        <div class="transport" role="group" aria-label=say("transport.name")>
            <button class="button primary" data-testid="play" on:click=move |_| run.command(Command::Toggle)>
                <Icon path=Signal::derive(move || if playing.get() { PAUSE } else { PLAY }) />
                {move || if playing.get() { say("transport.pause") } else { say("transport.play") }}
            </button>
            {button("to-start", say("transport.start"), TO_START, Command::Start, at_start)}
            {button("back", say("transport.back"), BACK, Command::Back, at_start)}
            {button("step", say("transport.on"), FORWARD, Command::Forward, at_end)}
            {button("to-end", say("transport.end"), TO_END, Command::End, at_end)}
            <span class="where number" data-testid="where">
                {move || where_now(run.cursor.get(), planned.get())}
            </span>
        </div>
    }
}

/// The place in the run, as wide at every step: shorter numbers are filled up with figure spaces.
fn where_now(cursor: usize, planned: usize) -> String {
    let (total, now) = (planned.to_string(), cursor.to_string());
    let filling = "\u{2007}".repeat(total.len().saturating_sub(now.len()));
    fill("transport.where", &[("call", &format!("{filling}{now}")), ("planned", &total)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_as_wide_at_every_step() {
        let widths: Vec<usize> = (0..=64).map(|cursor| where_now(cursor, 64).chars().count()).collect();
        assert!(widths.iter().all(|&width| width == widths[64]), "{widths:?}");
    }
}
