//! A chart's files: its picture and its numbers.

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::chart::Plot;
use crate::platform::{files, svg};
use crate::texts::say;

/// Pixels of a PNG to one CSS pixel: sharp on a projector and in print.
const PNG_SCALE: usize = 3;

/// Three small buttons below a chart.
#[component]
pub fn ChartFiles(
    /// The chart's numbers.
    plot: Signal<Plot>,
    /// The chart.
    figure: NodeRef<html::Figure>,
) -> impl IntoView {
    let name = move |ending: &str| format!("{}.{ending}", plot.with(|plot| file_name(&plot.title)));
    let drawing = move || figure.get_untracked().and_then(|figure| svg::draw(&figure));
    let save_svg = move |_| {
        if let Some(drawing) = drawing() {
            files::save(&name("svg"), "image/svg+xml", drawing.text.as_bytes());
        }
    };
    let save_png = move |_| {
        if let Some(drawing) = drawing() {
            let name = name("png");
            spawn_local(async move {
                let size = (drawing.width, drawing.height);
                files::save_as_png(&name, &drawing.text, size, PNG_SCALE).await;
            });
        }
    };
    let save_csv = move |_| files::save(&name("csv"), "text/csv", plot.with(Plot::csv).as_bytes());
    view! {
        <div class="chart-files" role="group" aria-label=say("chart.files")>
            <button class="link" data-testid="chart-svg" on:click=save_svg>"SVG"</button>
            <button class="link" data-testid="chart-png" on:click=save_png>"PNG"</button>
            <button class="link" data-testid="chart-csv" on:click=save_csv>"CSV"</button>
        </div>
    }
}

/// A title as the name of a file: its letters and digits.
fn file_name(title: &str) -> String {
    let words = title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.map(str::to_lowercase).collect::<Vec<_>>().join("-");
    let short: String = name.chars().take(60).collect();
    format!("unmask-{}", short.trim_end_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_names_a_file() {
        assert_eq!(file_name("Bits left, at time t: 3.5?"), "unmask-bits-left-at-time-t-3-5");
        assert_eq!(file_name(&"long ".repeat(30)).len(), "unmask-".len() + 59);
    }
}
