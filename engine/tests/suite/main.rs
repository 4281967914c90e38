//! The engine on a real device: the same tests natively (any Vulkan, Metal or Direct3D 12 adapter) and on
//! WebGPU in a browser. A missing adapter is a failure. One commented `mod` line per theme.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "the lint knows test functions, not the bodies they share"
)]

/// Runs an async test body under the harness of the target.
macro_rules! on_every_target {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[cfg(target_arch = "wasm32")]
        #[wasm_bindgen_test::wasm_bindgen_test]
        async fn $name() {
            bodies::$name().await;
        }
        $(#[$doc])*
        #[cfg(not(target_arch = "wasm32"))]
        #[test]
        fn $name() {
            pollster::block_on(bodies::$name());
        }
    )*};
}

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// What a call costs: dispatches, submits, bytes.
mod cost;
/// The engine as a decoder sees it: back ends alike, bad queries, lost devices.
mod engine;
/// Every family's predictions against PyTorch's posteriors.
mod families;
/// The whole forward pass against PyTorch's tensors.
mod forward;
/// The golden files.
mod golden;
/// Every kernel of the catalogue against its reference.
mod kernels;
/// Shipped models: predictions against PyTorch, and KLASS.
#[cfg(not(target_arch = "wasm32"))]
mod shipped;
/// Whole runs on every back end.
mod trajectory;
