//! The page without a network: what it says to the service worker that keeps it (`static/worker.js`).

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    MessageChannel, MessageEvent, ServiceWorker, ServiceWorkerContainer, ServiceWorkerRegistration,
    ServiceWorkerState,
};

use super::forever;

/// The worker's file, beside the page, so that all of the page is in its scope.
const WORKER: &str = "sw.js";

/// Starts the worker, or finds it running. `new_version` is called when another version of the page has been fetched
/// and waits. Does nothing where there are no workers: over plain http, in private windows, in sandboxed frames.
pub async fn start(new_version: impl Fn() + Clone + 'static) {
    // Without a worker the page is as it was.
    let _ = register(new_version).await;
}

async fn register(new_version: impl Fn() + Clone + 'static) -> Option<()> {
    let container = container()?;
    let registration = JsFuture::from(container.register(WORKER)).await.ok()?;
    let registration: ServiceWorkerRegistration = registration.dyn_into().ok()?;
    if registration.waiting().is_some() {
        new_version();
    }
    let watched = registration.clone();
    let found = Closure::<dyn Fn()>::new(move || {
        // Without a worker before, what is installed now is this very version.
        let (Some(worker), Some(_)) = (watched.installing(), container.controller()) else { return };
        let (new_version, looked_at) = (new_version.clone(), worker.clone());
        let changed = Closure::<dyn Fn()>::new(move || {
            if looked_at.state() == ServiceWorkerState::Installed {
                new_version();
            }
        });
        worker.set_onstatechange(Some(&forever(changed)));
    });
    registration.set_onupdatefound(Some(&forever(found)));
    Some(())
}

/// Has a model's file kept, fetched if it must be, and waits until it is; tells whether page and file are there without
/// a network from now on.
pub async fn keep(path: &str) -> bool {
    ask("keep", &path.into()).await.unwrap_or(false)
}

/// Tells whether every model of the page is kept.
pub async fn has_all() -> bool {
    ask("all", &JsValue::TRUE).await.unwrap_or(false)
}

/// Removes all models that are kept; tells whether there were any. The page itself stays.
pub async fn forget_models() -> bool {
    ask("forget", &JsValue::TRUE).await.unwrap_or(false)
}

async fn ask(wish: &str, value: &JsValue) -> Option<bool> {
    let ready = JsFuture::from(container()?.ready().ok()?).await.ok()?;
    let worker = ready.dyn_into::<ServiceWorkerRegistration>().ok()?.active()?;
    let channel = MessageChannel::new().ok()?;
    let port = channel.port1();
    let answer = Promise::new(&mut |resolve: Function, _reject: Function| port.set_onmessage(Some(&resolve)));
    let ports = Array::of1(&channel.port2());
    worker.post_message_with_transferable(&message(wish, value), &ports).ok()?;
    let event: MessageEvent = JsFuture::from(answer).await.ok()?.dyn_into().ok()?;
    port.close();
    event.data().as_bool()
}

/// Lets the version that waits take over, and opens the page anew once it has.
pub async fn take_new_version() {
    // If none waits any more, it has taken over by itself.
    let _ = take().await;
}

async fn take() -> Option<()> {
    let container = container()?;
    let registration = JsFuture::from(container.ready().ok()?).await.ok()?;
    let waiting: ServiceWorker = registration.dyn_into::<ServiceWorkerRegistration>().ok()?.waiting()?;
    let reload = Closure::<dyn Fn()>::new(|| {
        if let Some(window) = web_sys::window() {
            drop(window.location().reload());
        }
    });
    container.set_oncontrollerchange(Some(&forever(reload)));
    waiting.post_message(&message("take", &JsValue::TRUE)).ok()
}

/// The browser's side; reading it throws in sandboxed frames, and elsewhere it may be undefined.
fn container() -> Option<ServiceWorkerContainer> {
    let navigator = web_sys::window()?.navigator();
    Reflect::get(&navigator, &"serviceWorker".into()).ok()?.dyn_into().ok()
}

fn message(key: &str, value: &JsValue) -> Object {
    let message = Object::new();
    // Fails on frozen objects only, and this one is new.
    drop(Reflect::set(&message, &key.into(), value));
    message
}
