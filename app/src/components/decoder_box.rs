//! Where a visitor writes any decoder, or takes a well-known one.

use leptos::prelude::*;

use crate::settings::Settings;
use crate::settings::decoder::{PRESETS, checked};
use crate::settings::rests::{Because, Control};
use crate::texts::{fill, say};

/// Stands for the knobs in the menu, and `OWN` for what is none of the well-known ones.
const KNOBS: &str = "";
const OWN: &str = "own";

/// A menu of decoders, and what the chosen one says, to be changed at will.
#[component]
pub fn DecoderBox() -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let fault = RwSignal::new(None::<String>);
    let take = move |json: String| {
        match settings.with_untracked(|s| checked(s.knobs(), &json)) {
            Ok(_) => {
                fault.set(None);
                settings.update(|s| s.decoder = json.trim().to_owned());
            }
            // What was written stays in the box, and the run goes on with what was there before.
            Err(error) => fault.set(Some(fill("decoder.wrong", &[("error", &error)]))),
        }
    };
    // Another decoder from elsewhere (a link, an opened run) is none of that fault's business.
    let decoder = Memo::new(move |_| settings.with(|s| s.decoder.clone()));
    Effect::new(move |_| {
        decoder.track();
        fault.set(None);
    });
    let because = Signal::derive(move || settings.with(|s| s.rests(Control::Decoder)));
    let rests = Signal::derive(move || because.get().is_some());
    let chosen = move || {
        settings.with(|s| match s.decoder.as_str() {
            "" => KNOBS.to_owned(),
            json => {
                PRESETS.iter().position(|(_, preset)| *preset == json).map_or(OWN.into(), |n| n.to_string())
            }
        })
    };
    let choose = move |value: String| match value.parse::<usize>() {
        Ok(number) => PRESETS.get(number).into_iter().for_each(|(_, json)| take((*json).to_owned())),
        Err(_) if value == KNOBS => take(String::new()),
        Err(_) => {}
    };
    let presets = PRESETS.iter().enumerate();
    let presets =
        presets.map(|(number, (name, _))| view! { <option value=number.to_string()>{say(name)}</option> });
    view! {
        <div class="row row-tall">
            <label for="decoder">{say("decoder.name")}</label>
            <select
                id="decoder"
                data-testid="decoder"
                disabled=rests
                prop:value=chosen
                on:change:target=move |event| choose(event.target().value())
            >
                <option value=KNOBS>{say("decoder.knobs")}</option>
                {presets.collect_view()}
                <option value=OWN disabled=true>{say("decoder.own")}</option>
            </select>
        </div>
        <textarea
            class="field code"
            rows="3"
            data-testid="decoder-json"
            disabled=rests
            aria-label=say("decoder.json")
            spellcheck="false"
            placeholder=r#"{"block_length": 8}"#
            prop:value=move || settings.with(|s| s.decoder.clone())
            on:change:target=move |event| take(event.target().value())
        ></textarea>
        <p class="hint">{move || because.get().map_or(say("decoder.hint"), Because::says)}</p>
        <p class="warning" data-testid="decoder-fault" role="status">{fault}</p>
    }
}
