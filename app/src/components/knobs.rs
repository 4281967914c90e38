//! The three knobs, always in sight. They write settings and know nothing else.

use leptos::prelude::*;

use crate::settings::rests::{Because, Control};
use crate::settings::{HIGHEST_TEMPERATURE, LENGTHS, Rule, Settings};
use crate::texts::{fill, say};

/// Corruption, temperature, parallelism.
#[component]
pub fn Knobs() -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let temperature = Memo::new(move |_| settings.with(|s| f64::from(s.temperature)));
    view! {
        <div class="knobs" role="group" aria-label=say("knobs.name")>
            <Knob
                id="knob-corruption"
                name=say("knobs.corruption")
                hint=say("knobs.corruption.hint")
                range=(0.0, 1.0, 0.01)
                value=Memo::new(move |_| settings.with(|s| s.time))
                write=Callback::new(move |t: f64| settings.update(|s| s.time = t))
                says=Signal::derive(move || says_time(settings.with(|s| s.time)))
            />
            <Knob
                id="knob-temperature"
                name=say("knobs.temperature")
                hint=say("knobs.temperature.hint")
                range=(0.0, f64::from(HIGHEST_TEMPERATURE), 0.05)
                value=temperature
                rests=Signal::derive(move || settings.with(|s| s.rests(Control::Temperature)))
                write=Callback::new(move |t: f64| settings.update(|s| s.temperature = t as f32))
                says=Signal::derive(move || says_temperature(temperature.get()))
            />
            <Knob
                id="knob-parallelism"
                name=say("knobs.parallelism")
                hint=Signal::derive(move || settings.with(parallelism_hint))
                rests=Signal::derive(move || settings.with(|s| s.rests(Control::Parallelism)))
                range=(1.0, *LENGTHS.end() as f64, 1.0)
                value=Memo::new(move |_| settings.with(|s| f64::from(parallelism(s))))
                write=Callback::new(move |n: f64| settings.update(|s| set_parallelism(s, n as u32)))
                says=Signal::derive(move || settings.with(says_parallelism))
            />
        </div>
    }
}

/// Temperature alone, as labs have it.
#[component]
pub fn TemperatureKnob(
    /// What it does in this lab.
    hint: &'static str,
) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let temperature = Memo::new(move |_| settings.with(|s| f64::from(s.temperature)));
    view! {
        <Knob
            id="knob-temperature"
            name=say("trap.temperature")
            hint=hint
            range=(0.0, f64::from(HIGHEST_TEMPERATURE), 0.05)
            value=temperature
            write=Callback::new(move |t: f64| settings.update(|s| s.temperature = t as f32))
            says=Signal::derive(move || format!("{:.2}", temperature.get()))
        />
    }
}

/// Slots per call alone, as labs have it.
#[component]
pub fn SlotsKnob(
    /// What it does in this lab.
    hint: &'static str,
) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let slots = Memo::new(move |_| settings.with(|s| f64::from(s.slots)));
    view! {
        <Knob
            id="knob-slots"
            name=say("families.slots")
            hint=hint
            range=(1.0, *LENGTHS.end() as f64, 1.0)
            value=slots
            write=Callback::new(move |k: f64| settings.update(|s| s.slots = k as u32))
            says=Signal::derive(move || slots.get().to_string())
        />
    }
}

/// One slider with its name, its value in words, and one line that explains it.
#[component]
pub fn Knob(
    /// Of the slider, also for tests.
    id: &'static str,
    /// What it turns.
    name: &'static str,
    /// One line about it.
    #[prop(into)]
    hint: Signal<&'static str>,
    /// What decides in its place now.
    #[prop(into, optional)]
    rests: Signal<Option<Because>>,
    /// Least value, greatest value, smallest change.
    range: (f64, f64, f64),
    /// Where it stands.
    value: Memo<f64>,
    /// Called when it is turned.
    write: Callback<f64>,
    /// Its value in words.
    #[prop(into)]
    says: Signal<String>,
) -> impl IntoView {
    let (low, high, step) = range;
    let share = move || format!("{:.2}%", (value.get() - low) / (high - low) * 100.0);
    let hint_id = format!("{id}-hint");
    let says = Signal::derive(move || match rests.get() {
        Some(_) => say("knobs.by-decoder").into(),
        None => says.get(),
    });
    let hint = move || rests.get().map_or(hint.get(), Because::says);
    view! {
        <div class="knob">
            <label for=id>{name}</label>
            <output for=id>{says}</output>
            <input
                type="range"
                class="slider"
                id=id
                data-testid=id
                min=low
                max=high
                step=step
                style:--share=share
                aria-valuetext=says
                aria-describedby=hint_id.clone()
                disabled=move || rests.get().is_some()
                prop:value=move || value.get()
                on:input:target=move |event| {
                    if let Ok(value) = event.target().value().parse() {
                        write.run(value);
                    }
                }
            />
            <p class="hint" id=hint_id>{hint}</p>
        </div>
    }
}

/// The number under the third knob.
fn parallelism(settings: &Settings) -> u32 {
    match settings.rule {
        Rule::SlotsPerCall => settings.slots,
        Rule::Quota | Rule::Ancestral => settings.steps,
    }
}

fn set_parallelism(settings: &mut Settings, number: u32) {
    match settings.rule {
        Rule::SlotsPerCall => settings.slots = number,
        Rule::Quota | Rule::Ancestral => settings.steps = number,
    }
}

fn parallelism_hint(settings: &Settings) -> &'static str {
    match settings.rule {
        Rule::SlotsPerCall => say("knobs.parallelism.hint"),
        Rule::Quota | Rule::Ancestral => say("knobs.parallelism.steps.hint"),
    }
}

fn says_time(t: f64) -> String {
    if t >= 1.0 { say("knobs.noise").into() } else { format!("t = {t:.2}") }
}

fn says_temperature(temperature: f64) -> String {
    if temperature == 0.0 { say("knobs.best").into() } else { format!("{temperature:.2}") }
}

/// The third knob in words.
pub fn says_parallelism(settings: &Settings) -> String {
    let number = parallelism(settings);
    match (settings.rule, number) {
        _ if settings.rests(Control::Parallelism).is_some() => say("knobs.by-decoder").into(),
        (Rule::SlotsPerCall, 1) => say("knobs.slot").into(),
        (Rule::SlotsPerCall, n) => fill("knobs.slots", &[("count", &n.to_string())]),
        (_, 1) => say("knobs.step").into(),
        (_, n) => fill("knobs.steps", &[("count", &n.to_string())]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_knob_turns_what_its_rule_counts() {
        let mut settings = Settings { slots: 2, steps: 16, ..Settings::default() };
        set_parallelism(&mut settings, 5);
        assert_eq!((settings.slots, settings.steps), (5, 16));
        assert_eq!(says_parallelism(&settings), "5 slots per call");
        settings.rule = Rule::Ancestral;
        set_parallelism(&mut settings, 1);
        assert_eq!((settings.slots, settings.steps), (5, 1));
        assert_eq!(says_parallelism(&settings), "1 step");
    }

    #[test]
    fn ends_of_the_scales_are_said_in_words() {
        assert_eq!(says_time(1.0), "t = 1, noise");
        assert_eq!(says_time(0.5), "t = 0.50");
        assert_eq!(says_temperature(0.0), "0, best only");
    }
}
