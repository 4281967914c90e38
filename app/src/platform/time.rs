//! Clock and pauses.

use std::cell::Cell;

use js_sys::{Function, Promise};
use wasm_bindgen_futures::JsFuture;

/// Milliseconds since the page was opened.
pub fn now_ms() -> f64 {
    web_sys::window().and_then(|window| window.performance()).map_or(0.0, |clock| clock.now())
}

/// The longest that work goes on without a pause for the browser.
const HOLD_MS: f64 = 8.0;

/// When the browser last had its turn: long work gives way through this.
#[derive(Debug, Default)]
pub struct Turns {
    last_ms: Cell<f64>,
}

impl Turns {
    /// Work begins now.
    pub fn begin() -> Self {
        Self { last_ms: Cell::new(now_ms()) }
    }

    /// Lets the browser paint and listen if it is its turn; tells whether it was.
    pub async fn give_way(&self) -> bool {
        if now_ms() - self.last_ms.get() < HOLD_MS {
            return false;
        }
        sleep_ms(0).await;
        self.last_ms.set(now_ms());
        true
    }
}

/// Waits `duration_ms`, and lets the browser paint and answer meanwhile. 0 still gives way once.
pub async fn sleep_ms(duration_ms: u32) {
    settle(|window, resolve| {
        let duration = i32::try_from(duration_ms).unwrap_or(i32::MAX);
        window.set_timeout_with_callback_and_timeout_and_arguments_0(resolve, duration).is_ok()
    })
    .await;
}

/// Waits for the next animation frame. A hidden page has none: whoever waits here rests with it.
pub async fn next_frame() {
    settle(|window, resolve| window.request_animation_frame(resolve).is_ok()).await;
}

/// Awaits a promise that `arrange` hands to a browser timer; goes on at once if there is none to be had.
async fn settle(arrange: impl Fn(&web_sys::Window, &Function) -> bool) {
    let promise = Promise::new(&mut |resolve: Function, _reject: Function| {
        let arranged = web_sys::window().is_some_and(|window| arrange(&window, &resolve));
        if !arranged {
            // A promise that never settles would hold the caller for ever.
            drop(resolve.call0(&wasm_bindgen::JsValue::NULL));
        }
    });
    drop(JsFuture::from(promise).await);
}
