//! Files in and out: downloads that the page makes itself, and files that the visitor opens or drops.

use js_sys::{Array, Function, Promise, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, BlobPropertyBag, CanvasRenderingContext2d, File, HtmlAnchorElement, HtmlCanvasElement,
    HtmlImageElement, Url,
};

/// Offers bytes as a download.
pub fn save(name: &str, media_type: &str, bytes: &[u8]) {
    let options = BlobPropertyBag::new();
    options.set_type(media_type);
    let parts = Array::of1(&Uint8Array::from(bytes));
    if let Ok(blob) = Blob::new_with_u8_array_sequence_and_options(&parts, &options) {
        let _ = save_blob(name, &blob);
    }
}

fn save_blob(name: &str, blob: &Blob) -> Option<()> {
    let address = Url::create_object_url_with_blob(blob).ok()?;
    let link: HtmlAnchorElement = element("a")?;
    link.set_href(&address);
    link.set_download(name);
    link.click();
    Url::revoke_object_url(&address).ok()
}

/// Offers an SVG picture of this size as a PNG, `scale` pixels to its unit. Tells whether the browser could draw it.
pub async fn save_as_png(name: &str, svg: &str, (width, height): (usize, usize), scale: usize) -> bool {
    draw(svg, (width * scale) as u32, (height * scale) as u32)
        .await
        .and_then(|blob| save_blob(name, &blob))
        .is_some()
}

async fn draw(svg: &str, width: u32, height: u32) -> Option<Blob> {
    let image: HtmlImageElement = element("img")?;
    // The page's rules let pictures come from data addresses, not from blobs.
    image.set_src(&format!("data:image/svg+xml,{}", String::from(js_sys::encode_uri_component(svg))));
    JsFuture::from(image.decode()).await.ok()?;
    let canvas: HtmlCanvasElement = element("canvas")?;
    canvas.set_width(width);
    canvas.set_height(height);
    let context = canvas.get_context("2d").ok()??.dyn_into::<CanvasRenderingContext2d>().ok()?;
    let size = (f64::from(width), f64::from(height));
    context.draw_image_with_html_image_element_and_dw_and_dh(&image, 0.0, 0.0, size.0, size.1).ok()?;
    let made = Promise::new(&mut |resolve: Function, _reject: Function| drop(canvas.to_blob(&resolve)));
    JsFuture::from(made).await.ok()?.dyn_into().ok()
}

/// The content of a file of the visitor's; none if it cannot be read.
pub async fn read(file: &File) -> Option<Vec<u8>> {
    let content = JsFuture::from(file.array_buffer()).await.ok()?;
    Some(Uint8Array::new(&content).to_vec())
}

fn element<T: JsCast>(tag: &str) -> Option<T> {
    web_sys::window()?.document()?.create_element(tag).ok()?.dyn_into().ok()
}
