//! Putting an image on a canvas, one pixel per cell.

use wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

use crate::draw::heatmap::Heatmap;

/// Sizes the canvas to the image and paints it. An empty image clears the canvas.
pub fn paint(canvas: &HtmlCanvasElement, image: &Heatmap) {
    // Setting a size clears the canvas, so it is set only when it changes.
    if canvas.width() as usize != image.columns || canvas.height() as usize != image.rows {
        canvas.set_width(image.columns as u32);
        canvas.set_height(image.rows as u32);
    }
    let context = canvas.get_context("2d").ok().flatten();
    let context = context.and_then(|context| context.dyn_into::<CanvasRenderingContext2d>().ok());
    let data = ImageData::new_with_u8_clamped_array(Clamped(&image.rgba), image.columns as u32);
    if let (Some(context), Ok(data)) = (context, data) {
        drop(context.put_image_data(&data, 0.0, 0.0));
    }
}
