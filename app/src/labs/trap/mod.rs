//! The marginal trap: words that are drawn at once from perfectly right marginals make sentences that nobody wrote.

mod model;
mod pair;
pub mod toy;

use leptos::prelude::*;

use self::model::OnModel;
use self::pair::TwoSentences;
use crate::components::knobs::{Knob, TemperatureKnob};
use crate::components::more::{ModelMenu, Seed};
use crate::components::prompt_box::Prompt;
use crate::settings::{LENGTHS, Settings, TOY_WORDS, WEIGHTS};
use crate::texts::{fill, say};

/// The lab.
#[component]
pub fn Trap(
    /// Writes both texts again.
    again: Callback<()>,
) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let weight = Memo::new(move |_| settings.with(|s| s.weight));
    let together = Memo::new(move |_| settings.with(|s| f64::from(s.together)));
    let jointly = Memo::new(move |_| settings.with(|s| f64::from(s.jointly)));
    view! {
        <section class="lab" aria-label=say("labs.trap") data-testid="trap">
            <div class="lab-controls">
                <Knob
                    id="knob-together"
                    name=say("trap.together")
                    hint=say("trap.together.hint")
                    range=(1.0, f64::from(TOY_WORDS), 1.0)
                    value=together
                    write=Callback::new(move |k: f64| settings.update(|s| s.together = k as u32))
                    says=Signal::derive(move || fill("trap.together.says", &[("count", &together.get().to_string())]))
                />
                <Knob
                    id="knob-weight"
                    name=say("trap.weight")
                    hint=say("trap.weight.hint")
                    range=(*WEIGHTS.start(), *WEIGHTS.end(), 0.05)
                    value=weight
                    write=Callback::new(move |w: f64| settings.update(|s| s.weight = w))
                    says=Signal::derive(move || format!("{:.2}", weight.get()))
                />
                <TemperatureKnob hint=say("trap.temperature.hint") />
                <Seed />
                <div class="group" data-part="on-model">
                    <h2>{say("trap.on-model")}</h2>
                    <Knob
                        id="knob-jointly"
                        name=say("trap.jointly")
                        hint=say("trap.jointly.hint")
                        range=(2.0, *LENGTHS.end() as f64, 1.0)
                        value=jointly
                        write=Callback::new(move |k: f64| settings.update(|s| s.jointly = k as u32))
                        says=Signal::derive(move || fill("trap.jointly.says", &[("count", &jointly.get().to_string())]))
                    />
                    <Prompt />
                    <ModelMenu />
                </div>
            </div>
            <div class="lab-main">
                <h2 class="visually-hidden">{say("labs.trap")}</h2>
                <p class="intro">{say("trap.intro")}</p>
                <TwoSentences />
                <OnModel again />
            </div>
        </section>
    }
}
