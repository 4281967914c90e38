//! A table of the page as comma-separated values, as it is shown.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlTableCellElement, HtmlTableElement, HtmlTableRowElement};

/// Cells of every row of the first table in `element`. `// (rows, columns)`
pub fn cells(element: &Element) -> Option<Vec<Vec<String>>> {
    let table: HtmlTableElement = match element.dyn_ref::<HtmlTableElement>() {
        Some(table) => table.clone(),
        None => element.query_selector("table").ok()??.dyn_into().ok()?,
    };
    let rows = table.rows();
    (0..rows.length()).map(|row| row_cells(rows.item(row)?.dyn_into().ok()?)).collect()
}

fn row_cells(row: HtmlTableRowElement) -> Option<Vec<String>> {
    let cells = row.cells();
    let text = |index| {
        let cell: HtmlTableCellElement = cells.item(index)?.dyn_into().ok()?;
        Some(cell.text_content().unwrap_or_default())
    };
    (0..cells.length()).map(text).collect()
}
