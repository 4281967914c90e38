//! One level below the knobs: everything else that decides a run.

use diffusion::decode::Order;
use diffusion::schedule::Schedule;
use engine::BackendChoice;
use leptos::prelude::*;

use super::icons::{DIE, Icon};
use crate::session::models::ShippedModel;
use crate::settings::query::Named;
use crate::settings::{LENGTHS, Rule, Settings};

/// The seed, in sight, and the rest behind one click.
#[component]
pub fn More() -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    view! {
        <div class="more">
            <ModelMenu />
            <Seed />
            <details>
                <summary>"More settings"</summary>
                <div class="more-body">
                    <OrderMenu />
                    <Menu id="rule" label="Knob counts" choices=&[
                        (Rule::SlotsPerCall, "Slots per call"),
                        (Rule::Quota, "Steps, by quota"),
                        (Rule::Ancestral, "Steps, ancestral"),
                    ] read=|s| s.rule write=|s, rule| s.rule = rule />
                    <Menu id="schedule" label="Schedule" choices=&[
                        (Schedule::Linear, "Linear"),
                        (Schedule::Cosine, "Cosine"),
                        (Schedule::LogLinear, "Log-linear"),
                        (Schedule::Geometric, "Geometric"),
                    ] read=|s| s.schedule write=|s, schedule| s.schedule = schedule />
                    <Number id="length" label="Length" range=(*LENGTHS.start() as f64, *LENGTHS.end() as f64, 1.0)
                        read=|s| s.length as f64 write=|s, n| s.length = n as usize />
                    <Number id="top-k" label="Top-k (0: off)" range=(0.0, 1000.0, 1.0)
                        read=|s| f64::from(s.top_k) write=|s, n| s.top_k = n as u32 />
                    <Number id="top-p" label="Top-p (1: off)" range=(0.05, 1.0, 0.05)
                        read=|s| f64::from(s.top_p) write=|s, n| s.top_p = n as f32 />
                    <Menu id="backend-choice" label="Back end" choices=&[
                        (BackendChoice::Auto, "Automatic"),
                        (BackendChoice::WebGpu, "WebGPU"),
                        (BackendChoice::Cpu, "CPU"),
                    ] read=|s| s.backend write=|s, backend| s.backend = backend />
                    <label class="row-check">
                        <input
                            type="checkbox"
                            data-testid="suppress-end"
                            prop:checked=move || settings.with(|s| s.suppress_end)
                            on:change:target=move |event| {
                                settings.update(|s| s.suppress_end = event.target().checked());
                            }
                        />
                        "Never end the text"
                    </label>
                </div>
            </details>
        </div>
    }
}

/// What visitors call the decoding orders.
pub const ORDERS: [(Order, &str); 7] = [
    (Order::Random, "Random"),
    (Order::LeftToRight, "Left to right"),
    (Order::Confidence, "Confidence"),
    (Order::Margin, "Margin"),
    (Order::Entropy, "Entropy"),
    (Order::Halton, "Halton"),
    (Order::Dilated, "Dilated"),
];

/// Which slots go first.
#[component]
pub fn OrderMenu() -> impl IntoView {
    view! { <Menu id="order" label="Order" choices=&ORDERS read=|s| s.order write=|s, order| s.order = order /> }
}

/// What visitors call the models.
pub const MODELS: [(ShippedModel, &str); 9] = [
    (ShippedModel::Mask, "Masked"),
    (ShippedModel::Autoregressive, "Autoregressive"),
    (ShippedModel::MaskUniform, "Masks and random words"),
    (ShippedModel::Uniform, "Random words"),
    (ShippedModel::MaskCart, "Masked, weighted by context"),
    (ShippedModel::MaskSalience, "Masked, rare words first"),
    (ShippedModel::EnglishMask, "English, masked (12 MB)"),
    (ShippedModel::EnglishAutoregressive, "English, autoregressive (12 MB)"),
    (ShippedModel::EnglishMaskUniform, "English, masks and random (12 MB)"),
];

/// Which model writes, and what it is.
#[component]
pub fn ModelMenu() -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    view! {
        <Menu id="model-choice" label="Model" choices=&MODELS read=|s| s.model write=|s, model| s.model = model />
        <p class="hint">{move || settings.with(|s| about(s.model))}</p>
    }
}

/// What a model is, and what it makes of the other settings.
fn about(model: ShippedModel) -> &'static str {
    match model {
        ShippedModel::Mask => "Fills hidden slots in any order. What it writes, it keeps.",
        ShippedModel::Autoregressive => {
            "Writes from left to right, whatever the order says, and sees nothing to the right of a gap."
        }
        ShippedModel::MaskUniform => {
            "Unhides words and doubts them: any word may change until the last call. Order, top-k and top-p have no say."
        }
        ShippedModel::Uniform => {
            "Begins with random words and changes them until the last call. Order, top-k and top-p have no say."
        }
        ShippedModel::MaskCart => "As the masked model; slots near visible words counted more in training.",
        ShippedModel::EnglishMask
        | ShippedModel::EnglishAutoregressive
        | ShippedModel::EnglishMaskUniform => {
            "Natural English in pieces of words, from old children's books. Trained briefly: it stammers."
        }
        ShippedModel::MaskSalience => {
            "As the masked model; trained on texts that lost their rare words first."
        }
    }
}

/// The seed and a die.
#[component]
pub fn Seed() -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    view! {
        <div class="row">
            <label for="seed">"Seed"</label>
            <div class="seed-row">
                <input
                    type="number"
                    class="field number"
                    id="seed"
                    data-testid="seed"
                    min="0"
                    max=u32::MAX
                    prop:value=move || settings.with(|s| s.seed)
                    on:change:target=move |event| {
                        if let Ok(seed) = event.target().value().parse() {
                            settings.update(|s| s.seed = seed);
                        }
                    }
                />
                <button
                    class="icon-button"
                    data-testid="dice"
                    title="Another seed"
                    on:click=move |_| settings.update(|s| s.seed = another_seed(s.seed))
                >
                    <Icon path=DIE />
                    <span class="visually-hidden">"Another seed"</span>
                </button>
            </div>
        </div>
    }
}

/// A menu of named values.
#[component]
fn Menu<T: Named + Send + Sync>(
    id: &'static str,
    label: &'static str,
    /// Values and what visitors call them.
    choices: &'static [(T, &'static str)],
    read: fn(&Settings) -> T,
    write: fn(&mut Settings, T),
) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let change = move |name: String| {
        if let Some(value) = T::named(&name) {
            settings.update(|s| write(s, value));
        }
    };
    let options = choices.iter().map(|(value, says)| view! { <option value=value.name()>{*says}</option> });
    view! {
        <div class="row">
            <label for=id>{label}</label>
            <select
                id=id
                data-testid=id
                prop:value=move || settings.with(|s| read(s).name())
                on:change:target=move |event| change(event.target().value())
            >
                {options.collect_view()}
            </select>
        </div>
    }
}

/// A box for a number.
#[component]
pub fn Number(
    /// Of the box, also for tests.
    id: &'static str,
    /// What it counts.
    label: &'static str,
    /// Least value, greatest value, smallest change.
    range: (f64, f64, f64),
    /// The number.
    read: fn(&Settings) -> f64,
    /// Sets it.
    write: fn(&mut Settings, f64),
) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let (low, high, step) = range;
    // Two decimals: a float such as 0.9 must not show as 0.8999999761581421.
    let shown = move || settings.with(|s| (read(s) * 100.0).round() / 100.0);
    view! {
        <div class="row">
            <label for=id>{label}</label>
            <input
                type="number"
                class="field number"
                id=id
                data-testid=id
                min=low
                max=high
                step=step
                prop:value=shown
                on:change:target=move |event| {
                    // What is not a number, or out of range, comes back as the nearest that is.
                    let typed = event.target().value().parse::<f64>().ok().filter(|value| value.is_finite());
                    settings.update(|s| write(s, typed.unwrap_or(read(s)).clamp(low, high)));
                    event.target().set_value(&shown().to_string());
                }
            />
        </div>
    }
}

/// The next seed of the die: scattered, but the same after the same seed, so that a class can follow.
fn another_seed(seed: u32) -> u32 {
    diffusion::random::word(seed, 0, 0, 0) % 100_000
}
