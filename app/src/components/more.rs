//! One level below the knobs: everything else that decides a run.

use diffusion::decode::Order;
use diffusion::schedule::Schedule;
use engine::BackendChoice;
use leptos::prelude::*;

use super::decoder_box::DecoderBox;
use super::icons::{DIE, Icon};
use crate::session::models::ShippedModel;
use crate::settings::query::Named;
use crate::settings::rests::{Because, Control};
use crate::settings::{LENGTHS, Rule, Settings};
use crate::texts::{key, say};

/// The seed, in sight, and the rest behind one click.
#[component]
pub fn More() -> impl IntoView {
    view! {
        <div class="more">
            <ModelMenu />
            <Seed />
            <details>
                <summary>{say("more.title")}</summary>
                <div class="more-body">
                    <OrderMenu />
                    <Menu id="rule" label=say("more.rule") choices=&RULES control=Control::Rule read=|s| s.rule write=|s, rule| s.rule = rule />
                    <Menu id="schedule" label=say("more.schedule") choices=&SCHEDULES control=Control::Schedule read=|s| s.schedule write=|s, schedule| s.schedule = schedule />
                    <Number id="length" label=say("more.length") range=(*LENGTHS.start() as f64, *LENGTHS.end() as f64, 1.0)
                        read=|s| s.length as f64 write=|s, n| s.length = n as usize />
                    <Number id="top-k" label=say("more.top-k") control=Control::TopK range=(0.0, 1000.0, 1.0)
                        read=|s| f64::from(s.top_k) write=|s, n| s.top_k = n as u32 />
                    <Number id="top-p" label=say("more.top-p") control=Control::TopP range=(0.05, 1.0, 0.05)
                        read=|s| f64::from(s.top_p) write=|s, n| s.top_p = n as f32 />
                    <Menu id="backend-choice" label=say("more.backend") choices=&BACKENDS read=|s| s.backend write=|s, backend| s.backend = backend />
                    <SuppressEnd />
                    <DecoderBox />
                </div>
            </details>
        </div>
    }
}

/// Whether the text may end before the window does.
#[component]
fn SuppressEnd() -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let rests = resting(Some(Control::SuppressEnd));
    view! {
        <label class="row-check">
            <input
                type="checkbox"
                data-testid="suppress-end"
                disabled=move || rests.get().is_some()
                prop:checked=move || settings.with(|s| s.suppress_end)
                on:change:target=move |event| {
                    settings.update(|s| s.suppress_end = event.target().checked());
                }
            />
            {say("more.suppress")}
        </label>
        <Reason id="suppress-end" rests />
    }
}

/// What visitors call the rules behind the third knob.
const RULES: [(Rule, &str); 3] = [
    (Rule::SlotsPerCall, key("rule.slots")),
    (Rule::Quota, key("rule.quota")),
    (Rule::Ancestral, key("rule.ancestral")),
];

/// What visitors call the schedules.
const SCHEDULES: [(Schedule, &str); 4] = [
    (Schedule::Linear, key("schedule.linear")),
    (Schedule::Cosine, key("schedule.cosine")),
    (Schedule::LogLinear, key("schedule.log-linear")),
    (Schedule::Geometric, key("schedule.geometric")),
];

/// What visitors call the back ends.
const BACKENDS: [(BackendChoice, &str); 3] = [
    (BackendChoice::Auto, key("backend.auto")),
    (BackendChoice::WebGpu, key("backend.webgpu")),
    (BackendChoice::Cpu, key("backend.cpu")),
];

/// What visitors call the decoding orders.
pub const ORDERS: [(Order, &str); 7] = [
    (Order::Random, key("order.random")),
    (Order::LeftToRight, key("order.left-to-right")),
    (Order::Confidence, key("order.confidence")),
    (Order::Margin, key("order.margin")),
    (Order::Entropy, key("order.entropy")),
    (Order::Halton, key("order.halton")),
    (Order::Dilated, key("order.dilated")),
];

/// Which slots go first.
#[component]
pub fn OrderMenu() -> impl IntoView {
    view! { <Menu id="order" label=say("more.order") choices=&ORDERS control=Control::Order read=|s| s.order write=|s, order| s.order = order /> }
}

/// What visitors call the models.
pub const MODELS: [(ShippedModel, &str); 9] = [
    (ShippedModel::Mask, key("model.mask")),
    (ShippedModel::Autoregressive, key("model.autoregressive")),
    (ShippedModel::MaskUniform, key("model.mask-uniform")),
    (ShippedModel::Uniform, key("model.uniform")),
    (ShippedModel::MaskCart, key("model.mask-cart")),
    (ShippedModel::MaskSalience, key("model.mask-salience")),
    (ShippedModel::EnglishMask, key("model.english-mask")),
    (ShippedModel::EnglishAutoregressive, key("model.english-autoregressive")),
    (ShippedModel::EnglishMaskUniform, key("model.english-mask-uniform")),
];

/// Which model writes, and what it is.
#[component]
pub fn ModelMenu() -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    view! {
        <Menu id="model-choice" label=say("more.model") choices=&MODELS read=|s| s.model write=|s, model| s.model = model />
        <p class="hint">{move || settings.with(|s| about(s.model))}</p>
    }
}

/// What a model is, and what it makes of the other settings.
fn about(model: ShippedModel) -> &'static str {
    match model {
        ShippedModel::Mask => say("model.mask.about"),
        ShippedModel::Autoregressive => say("model.autoregressive.about"),
        ShippedModel::MaskUniform => say("model.mask-uniform.about"),
        ShippedModel::Uniform => say("model.uniform.about"),
        ShippedModel::MaskCart => say("model.mask-cart.about"),
        ShippedModel::EnglishMask
        | ShippedModel::EnglishAutoregressive
        | ShippedModel::EnglishMaskUniform => say("model.english.about"),
        ShippedModel::MaskSalience => say("model.mask-salience.about"),
        ShippedModel::Gaussian => say("model.gaussian.about"),
    }
}

/// The seed and a die.
#[component]
pub fn Seed() -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    view! {
        <div class="row">
            <label for="seed">{say("more.seed")}</label>
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
                        match event.target().value().parse() {
                            Ok(seed) => settings.update(|s| s.seed = seed),
                            Err(_) => event.target().set_value(&settings.with(|s| s.seed.to_string())),
                        }
                    }
                />
                <button
                    class="icon-button"
                    data-testid="dice"
                    title=say("more.dice")
                    on:click=move |_| settings.update(|s| s.seed = another_seed(s.seed))
                >
                    <Icon path=DIE />
                    <span class="visually-hidden">{say("more.dice")}</span>
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
    /// What it is where something else may overrule it.
    #[prop(optional)]
    control: Option<Control>,
    read: fn(&Settings) -> T,
    write: fn(&mut Settings, T),
) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let change = move |name: String| {
        if let Some(value) = T::named(&name) {
            settings.update(|s| write(s, value));
        }
    };
    let rests = resting(control);
    let options =
        choices.iter().map(|(value, says)| view! { <option value=value.name()>{say(says)}</option> });
    view! {
        <div class="row">
            <label for=id>{label}</label>
            <select
                id=id
                data-testid=id
                disabled=move || rests.get().is_some()
                aria-describedby=move || rests.get().map(|_| format!("{id}-rests"))
                prop:value=move || settings.with(|s| read(s).name())
                on:change:target=move |event| change(event.target().value())
            >
                {options.collect_view()}
            </select>
            <Reason id rests />
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
    /// What it is where something else may overrule it.
    #[prop(optional)]
    control: Option<Control>,
    /// Least value, greatest value, smallest change.
    range: (f64, f64, f64),
    /// The number.
    read: fn(&Settings) -> f64,
    /// Sets it.
    write: fn(&mut Settings, f64),
) -> impl IntoView {
    let settings = expect_context::<RwSignal<Settings>>();
    let rests = resting(control);
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
                disabled=move || rests.get().is_some()
                aria-describedby=move || rests.get().map(|_| format!("{id}-rests"))
                prop:value=shown
                on:change:target=move |event| {
                    // What is not a number, or out of range, comes back as the nearest that is.
                    let typed = event.target().value().parse::<f64>().ok().filter(|value| value.is_finite());
                    settings.update(|s| write(s, typed.unwrap_or(read(s)).clamp(low, high)));
                    event.target().set_value(&shown().to_string());
                }
            />
            <Reason id rests />
        </div>
    }
}

/// What decides in place of a control now.
fn resting(control: Option<Control>) -> Signal<Option<Because>> {
    let settings = expect_context::<RwSignal<Settings>>();
    Signal::derive(move || settings.with(|s| s.rests(control?)))
}

/// Why a control has no say, under it.
#[component]
fn Reason(
    /// Of the control.
    id: &'static str,
    /// What decides in its place.
    rests: Signal<Option<Because>>,
) -> impl IntoView {
    view! {
        {move || rests.get().map(|because| view! {
            <p class="hint" id=format!("{id}-rests") data-testid=format!("{id}-rests")>{because.says()}</p>
        })}
    }
}

/// The next seed of the die: scattered, but the same after the same seed, so that a class can follow.
fn another_seed(seed: u32) -> u32 {
    diffusion::random::word(seed, 0, 0, 0) % 100_000
}
