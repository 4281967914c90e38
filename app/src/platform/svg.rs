//! A chart of the page as a file of its own: what style sheets say of it is written out, and its legend drawn below it.

use leptos::prelude::document;
use wasm_bindgen::JsCast;
use web_sys::{CssStyleDeclaration, DomRect, Element};

const NAMESPACE: Option<&str> = Some("http://www.w3.org/2000/svg");
/// What a drawing takes from style sheets.
const PROPERTIES: [&str; 10] = [
    "fill",
    "fill-opacity",
    "stroke",
    "stroke-width",
    "stroke-dasharray",
    "stroke-linecap",
    "opacity",
    "font-family",
    "font-size",
    "font-weight",
];
/// Room around the chart, in CSS pixels.
const MARGIN: f64 = 16.0;

/// A drawing as the text of a file, with its size in CSS pixels.
pub struct Drawing {
    /// SVG.
    pub text: String,
    /// Width.
    pub width: usize,
    /// Height.
    pub height: usize,
}

/// Draws a `<figure>` that holds an `<svg>` and a list of `<li>`, each a small `<svg>` and words: the legend.
pub fn draw(figure: &Element) -> Option<Drawing> {
    let (chart, around) = (figure.query_selector("svg").ok()??, figure.get_bounding_client_rect());
    let size = |length: f64| (length + 2.0 * MARGIN).round();
    let (width, height) = (size(around.width()), size(around.height()));
    let file = element("svg", &[("viewBox", &format!("0 0 {width} {height}"))])?;
    for (name, length) in [("width", width), ("height", height)] {
        file.set_attribute(name, &length.to_string()).ok()?;
    }
    let paper = look_of(&document().document_element()?)?.get_property_value("--paper").ok()?;
    let behind = element("rect", &[("width", "100%"), ("height", "100%"), ("fill", paper.trim())])?;
    file.append_child(&behind).ok()?;
    place(&file, &chart, &around)?;
    let entries = figure.query_selector_all("li").ok()?;
    for index in 0..entries.length() {
        let entry: Element = entries.item(index)?.dyn_into().ok()?;
        place(&file, &entry.query_selector("svg").ok()??, &around)?;
        let words = words(&entry, &around)?;
        file.append_child(&words).ok()?;
    }
    let text = web_sys::XmlSerializer::new().ok()?.serialize_to_string(&file).ok()?;
    Some(Drawing { text, width: width as usize, height: height as usize })
}

/// Copies a drawing into the file, where it stands within the figure.
fn place(file: &Element, drawing: &Element, around: &DomRect) -> Option<()> {
    let copy: Element = drawing.clone_node_with_deep(true).ok()?.dyn_into().ok()?;
    write_out(drawing, &copy)?;
    let at = drawing.get_bounding_client_rect();
    for (name, value) in [
        ("x", at.left() - around.left() + MARGIN),
        ("y", at.top() - around.top() + MARGIN),
        ("width", at.width()),
        ("height", at.height()),
    ] {
        copy.set_attribute(name, &value.to_string()).ok()?;
    }
    file.append_child(&copy).ok().map(drop)
}

/// The words of an entry of the legend, where they stand.
fn words(entry: &Element, around: &DomRect) -> Option<Element> {
    let look = look_of(entry)?;
    let value = |name: &str| look.get_property_value(name).ok();
    let (at, key) =
        (entry.get_bounding_client_rect(), entry.query_selector("svg").ok()??.get_bounding_client_rect());
    let text = element("text", &[("dominant-baseline", "central")])?;
    text.set_attribute("x", &(key.right() - around.left() + MARGIN + 7.0).to_string()).ok()?;
    text.set_attribute("y", &(at.top() + at.height() / 2.0 - around.top() + MARGIN).to_string()).ok()?;
    text.set_attribute("fill", &value("color")?).ok()?;
    text.set_attribute("font-family", &value("font-family")?).ok()?;
    text.set_attribute("font-size", &value("font-size")?).ok()?;
    text.set_text_content(entry.text_content().as_deref());
    Some(text)
}

/// Gives every element of `copy` the look that its original has.
fn write_out(original: &Element, copy: &Element) -> Option<()> {
    let look = look_of(original)?;
    let rule = |name: &&str| {
        let value = look.get_property_value(name).ok().filter(|value| !value.is_empty())?;
        Some(format!("{name}:{value}"))
    };
    let rules: Vec<String> = PROPERTIES.iter().filter_map(rule).collect();
    copy.set_attribute("style", &rules.join(";")).ok()?;
    copy.remove_attribute("class").ok()?;
    let (originals, copies) = (original.children(), copy.children());
    for index in 0..originals.length() {
        write_out(&originals.item(index)?, &copies.item(index)?)?;
    }
    Some(())
}

fn look_of(element: &Element) -> Option<CssStyleDeclaration> {
    web_sys::window()?.get_computed_style(element).ok()?
}

fn element(tag: &str, attributes: &[(&str, &str)]) -> Option<Element> {
    let element = document().create_element_ns(NAMESPACE, tag).ok()?;
    for (name, value) in attributes {
        element.set_attribute(name, value).ok()?;
    }
    Some(element)
}
