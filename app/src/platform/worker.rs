//! This page's code a second time, on a thread of its own, and the line between the two: bytes there, bytes back.

use std::cell::OnceCell;

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use js_sys::{Array, JsString, Reflect, Uint8Array};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    Blob, BlobPropertyBag, DedicatedWorkerGlobalScope, MessageEvent, Url, WorkerOptions, WorkerType,
};

use super::forever;

#[wasm_bindgen]
extern "C" {
    /// Address of the script that carries this module.
    #[wasm_bindgen(thread_local_v2, js_namespace = ["import", "meta"], js_name = url)]
    static SCRIPT: JsString;
}

/// What goes over the line: a message, and bytes that go with it untouched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parcel {
    /// What is said.
    pub message: Vec<u8>,
    /// What is handed over with it; mostly nothing.
    pub freight: Vec<u8>,
}

impl Parcel {
    /// As JavaScript carries it, with the buffers that change hands.
    fn pack(&self) -> (Array, Array) {
        let parts = [&self.message, &self.freight].map(|bytes| Uint8Array::from(bytes.as_slice()));
        let buffers = parts.iter().map(Uint8Array::buffer).collect();
        (parts.iter().collect(), buffers)
    }

    fn unpack(data: &JsValue) -> Option<Self> {
        let parts: &Array = data.dyn_ref()?;
        let part = |index| parts.get(index).dyn_into::<Uint8Array>().ok().map(|bytes| bytes.to_vec());
        Some(Self { message: part(0)?, freight: part(1)? })
    }
}

/// A worker that runs this very module; it ends when this is dropped.
pub struct Worker {
    worker: web_sys::Worker,
    /// What it says; an error is its last word.
    pub heard: UnboundedReceiver<Result<Parcel, String>>,
    /// What hears it, for as long as it lives.
    _ears: [Closure<dyn Fn(JsValue)>; 2],
}

impl Worker {
    /// Starts one. The compiled module is handed over, so that nothing is fetched or compiled a second time.
    ///
    /// # Errors
    /// What the browser says if it has no workers for modules.
    pub fn start() -> Result<Self, String> {
        let said = |error: JsValue| format!("{error:?}");
        let address = bootstrap().map_err(said)?;
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = web_sys::Worker::new_with_options(&address, &options).map_err(said)?;
        let (tell, heard) = unbounded();
        let _ears = listen(&worker, tell);
        worker.post_message(&wasm_bindgen::module()).map_err(said)?;
        Ok(Self { worker, heard, _ears })
    }

    /// Sends a parcel.
    ///
    /// # Errors
    /// What the browser says if it could not.
    pub fn post(&self, parcel: &Parcel) -> Result<(), String> {
        let (parts, buffers) = parcel.pack();
        self.worker.post_message_with_transfer(&parts, &buffers).map_err(|error| format!("{error:?}"))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // What it said last may still be on its way.
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

/// Address of a few lines that load this module in a worker. From a blob, because such a worker keeps the page's promise (its
/// content security policy) that nothing leaves the machine; one with an address of its own would not.
fn bootstrap() -> Result<String, JsValue> {
    thread_local!(static ADDRESS: OnceCell<String> = const { OnceCell::new() });
    if let Some(address) = ADDRESS.with(|address| address.get().cloned()) {
        return Ok(address);
    }
    let script = String::from(SCRIPT.with(|script| js_sys::JSON::stringify(script))?);
    // A fault in a promise does not reach the page by itself, one that is thrown does.
    let lines = format!(
        "import init from {script};
         const fail = (error) => setTimeout(() => {{ throw error; }});
         onmessage = ({{ data }}) => {{ onmessage = null; init({{ module_or_path: data }}).catch(fail); }};"
    );
    let options = BlobPropertyBag::new();
    options.set_type("text/javascript");
    let parts = Array::of1(&JsValue::from_str(&lines));
    let made = Url::create_object_url_with_blob(&Blob::new_with_str_sequence_and_options(&parts, &options)?)?;
    Ok(ADDRESS.with(|address| address.get_or_init(|| made).clone()))
}

/// Passes on what the worker says, and that it failed.
fn listen(
    worker: &web_sys::Worker,
    tell: UnboundedSender<Result<Parcel, String>>,
) -> [Closure<dyn Fn(JsValue)>; 2] {
    let fails = tell.clone();
    let heard = Closure::<dyn Fn(JsValue)>::new(move |event: JsValue| {
        let parcel = event.dyn_ref::<MessageEvent>().and_then(|event| Parcel::unpack(&event.data()));
        if let Some(parcel) = parcel {
            drop(tell.unbounded_send(Ok(parcel)));
        }
    });
    let failed = Closure::<dyn Fn(JsValue)>::new(move |event: JsValue| {
        let message = Reflect::get(&event, &JsValue::from_str("message")).ok();
        let message = message.and_then(|message| message.as_string());
        drop(fails.unbounded_send(Err(message.unwrap_or_else(|| "the worker did not start".into()))));
    });
    worker.set_onmessage(Some(heard.as_ref().unchecked_ref()));
    worker.set_onerror(Some(failed.as_ref().unchecked_ref()));
    [heard, failed]
}

/// The line to the page, seen from inside a worker.
pub struct Inside {
    scope: DedicatedWorkerGlobalScope,
    /// What the page says.
    pub heard: UnboundedReceiver<Parcel>,
}

impl Inside {
    /// The line to the page; none if this code runs in the page itself.
    pub fn open() -> Option<Self> {
        let scope = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>().ok()?;
        let (tell, heard) = unbounded();
        let handler = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(parcel) = Parcel::unpack(&event.data()) {
                drop(tell.unbounded_send(parcel));
            }
        });
        scope.set_onmessage(Some(&forever(handler)));
        Some(Self { scope, heard })
    }

    /// Sends a parcel.
    pub fn post(&self, parcel: &Parcel) {
        let (parts, buffers) = parcel.pack();
        drop(self.scope.post_message_with_transfer(&parts, &buffers));
    }
}
