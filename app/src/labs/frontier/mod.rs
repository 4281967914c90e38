//! Quality against calls over a grid of settings, with entropy beside it, and the visitor's own setting on the plot. The lab opens with
//! a quick look at few settings; the whole sweep is begun by the visitor.

mod curves;
mod table;

use leptos::prelude::*;

use self::curves::Curves;
use super::ask;
use super::faults::unknown_words;
use super::store::Findings;
use crate::components::knobs::{SlotsKnob, TemperatureKnob};
use crate::components::more::{ModelMenu, Number, OrderMenu, Seed};
use crate::components::prompt_box::Prompt;
use crate::components::study_bar::StudyBar;
use crate::run::Run;
use crate::session::Request;
use crate::session::link::Session;
use crate::session::studies::frontier::{Extent, Frontier, Place, shared};
use crate::session::studies::{Question, StudyEvent};
use crate::settings::{STORIES, Settings};
use crate::texts::{fill, say};

/// The lab.
#[component]
pub fn FrontierLab(
    /// Takes the quick look again.
    again: Callback<()>,
) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let session = expect_context::<Session>();
    let findings = expect_context::<Findings>();
    let sweep = move || {
        let study = settings.with_untracked(ask::sweep);
        // Said at once, so that no knob that is moved before the model is there takes its place.
        findings.receive(StudyEvent::Began(study.question));
        // Where the model itself is missing, that comes first.
        session.post(Request::Retry);
        session.post(Request::Study(study));
    };
    let was_sweep = move || {
        let standing = findings.standing.read_untracked();
        standing.as_ref().is_some_and(|s| s.question == Question::Frontier(Extent::Whole))
    };
    let again = Callback::new(move |()| if was_sweep() { sweep() } else { again.run(()) });
    let words = expect_context::<Run>().state;
    let unknown = move || {
        let words = words.with(|state| state.model_words.clone())?;
        let unknown = settings.with(|s| words.encode(&s.prompt)).unknown;
        unknown_words(&unknown.into_iter().map(|unknown| unknown.word).collect::<Vec<_>>())
    };
    let found = findings.frontier;
    let says = move || settings.with(|s| found.read().as_ref().map(|found| extent(found, s)));
    view! {
        <section class="lab" aria-label=say("labs.frontier") data-testid="frontier">
            <div class="lab-controls">
                <Prompt />
                <ModelMenu />
                <h2>{say("frontier.yours")}</h2>
                <SlotsKnob hint=say("frontier.slots.hint") />
                <TemperatureKnob hint=say("frontier.temperature.hint") />
                <OrderMenu />
                <Seed />
                <Number id="stories" label=say("frontier.stories")
                    range=(f64::from(*STORIES.start()), f64::from(*STORIES.end()), 1.0)
                    read=|s| f64::from(s.stories) write=|s, n| s.stories = n as u32 />
                <button class="button primary" data-testid="sweep" on:click=move |_| sweep()>
                    {say("frontier.begin")}
                </button>
            </div>
            <div class="lab-main">
                <h2 class="visually-hidden">{say("labs.frontier")}</h2>
                <p class="intro">{say("frontier.intro")}</p>
                <StudyBar again />
                <p class="warning" role="status" data-testid="frontier-notice">{unknown}</p>
                <p class="hint frontier-extent" data-testid="frontier-extent">{says}</p>
                <Curves found />
                <p class="hint">{say("frontier.about")}</p>
            </div>
        </section>
    }
}

/// How much was measured, and what of the visitor's wishes it does not hold.
fn extent(found: &Frontier, settings: &Settings) -> String {
    let numbers = [
        ("stories", found.shared.stories.to_string()),
        ("done", found.points.len().to_string()),
        ("all", found.grid.len().to_string()),
    ];
    let numbers = numbers.each_ref().map(|(name, number)| (*name, number.as_str()));
    match found.extent {
        Extent::Glance => {
            format!("{} {}", fill("frontier.glance", &numbers), looked_elsewhere(found, settings))
        }
        Extent::Whole => format!("{} {}", fill("frontier.whole", &numbers), missing(found, settings)),
    }
}

/// Where a link looks at a temperature that only the sweep has.
fn looked_elsewhere(found: &Frontier, settings: &Settings) -> String {
    let has = |wanted: &f32| found.grid.iter().any(|place| place.temperature == *wanted);
    let wanted = settings.looked_at.filter(|wanted| !has(wanted));
    let says = |wanted: f32| fill("frontier.elsewhere", &[("temperature", &format!("{wanted:.2}"))]);
    wanted.map(says).unwrap_or_default()
}

/// What a sweep is silent about since the controls were moved; nothing if it is about them.
fn missing(found: &Frontier, settings: &Settings) -> &'static str {
    let wanted = ask::sweep(settings).settings;
    if shared(&wanted) != found.shared {
        say("frontier.stale")
    } else if !found.grid.contains(&Place::of(settings)) {
        say("frontier.not-yours")
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_says_what_it_does_not_hold() {
        let settings = Settings::default();
        let wanted = ask::sweep(&settings).settings;
        let found = Frontier::begin(Extent::Whole, &wanted, vec![Place::of(&settings)], None);
        assert_eq!(missing(&found, &settings), "");
        assert_eq!(missing(&found, &Settings { slots: 5, ..settings.clone() }), say("frontier.not-yours"));
        assert_eq!(missing(&found, &Settings { seed: 5, ..settings.clone() }), say("frontier.stale"));
        assert!(extent(&found, &settings).contains("0 of 1"));
    }
}
