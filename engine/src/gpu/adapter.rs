//! What an adapter says about itself. Natively wgpu knows; on the web most of it has to be asked of JavaScript.

/// The adapter's words about itself.
pub(super) struct Adapter {
    /// For people: vendor, architecture, description, as far as known.
    pub description: String,
    /// Runs on the CPU (lavapipe, SwiftShader, WARP), where barriers and workgroup memory are slow.
    pub software: bool,
}

/// Names by which CPU adapters are known on the web, where the adapter's type is not told reliably.
const SOFTWARE_NAMES: [&str; 5] = ["swiftshader", "llvmpipe", "lavapipe", "software", "basic render"];

/// Why there is WebGPU but no adapter, as far as anybody can tell.
#[cfg(target_arch = "wasm32")]
pub(super) const NONE_OFFERED: &str = "the browser offers none (hardware acceleration may be switched off)";
#[cfg(not(target_arch = "wasm32"))]
pub(super) const NONE_OFFERED: &str = "neither Vulkan nor Metal nor Direct3D 12 offers one";

/// Describes the adapter behind `device`.
pub(super) fn describe(info: &wgpu::AdapterInfo, device: &wgpu::Device) -> Adapter {
    let mut words = vec![info.name.clone(), info.driver.clone(), info.driver_info.clone()];
    words.extend(browser_words(device));
    words.retain(|word| !word.is_empty());
    words.dedup();
    let description = if words.is_empty() { "unnamed adapter".to_owned() } else { words.join(", ") };
    let lower = description.to_lowercase();
    let software =
        info.device_type == wgpu::DeviceType::Cpu || SOFTWARE_NAMES.iter().any(|name| lower.contains(name));
    Adapter { description, software }
}

/// `GPUDevice.adapterInfo`: vendor and architecture, which wgpu leaves out.
#[cfg(target_arch = "wasm32")]
fn browser_words(device: &wgpu::Device) -> Vec<String> {
    use js_sys::Reflect;
    let get = |object: &wasm_bindgen::JsValue, key: &str| Reflect::get(object, &key.into()).ok();
    let info = device.as_webgpu().and_then(|device| get(device.as_ref(), "adapterInfo"));
    let word = |key| info.as_ref().and_then(|info| get(info, key)).and_then(|value| value.as_string());
    ["vendor", "architecture"].into_iter().filter_map(word).collect()
}

#[cfg(not(target_arch = "wasm32"))]
fn browser_words(_device: &wgpu::Device) -> Vec<String> {
    Vec::new()
}

/// Says why there is no WebGPU at all, if that is so: `None` where asking for an adapter makes sense.
#[cfg(target_arch = "wasm32")]
pub(super) fn missing_api() -> Option<&'static str> {
    use js_sys::Reflect;
    let get = |object: &wasm_bindgen::JsValue, key: &str| Reflect::get(object, &key.into()).ok();
    let gpu = get(&js_sys::global(), "navigator").and_then(|navigator| get(&navigator, "gpu"));
    match gpu {
        Some(gpu) if !gpu.is_undefined() && !gpu.is_null() => None,
        _ => Some("this browser has no navigator.gpu (or the page is not served from https or localhost)"),
    }
}

#[cfg(not(target_arch = "wasm32"))]
pub(super) fn missing_api() -> Option<&'static str> {
    None
}
