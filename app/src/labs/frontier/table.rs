//! The numbers of the charts in rows.

use diffusion::measure::Estimate;
use leptos::prelude::*;

use super::curves::order_name;
use crate::components::table_file::TableFile;
use crate::session::studies::frontier::{Place, Point};
use crate::texts::say;

/// The same numbers in rows.
pub fn table(points: &[Point], yours: Place) -> impl IntoView + use<> {
    let says = |estimate: Option<Estimate>| {
        estimate.map_or("–".into(), |e| format!("{:.2} ± {:.2}", e.value, e.standard_error))
    };
    let row = |point: &Point| {
        view! {
            <tr data-yours=(point.place == yours).then_some("")>
                <th scope="row">{order_name(point.place.order)}</th>
                <td>{point.place.slots}</td>
                <td>{format!("{:.1}", point.calls)}</td>
                <td>{says(point.broken)}</td>
                <td>{says(point.surprise)}</td>
                <td>{says(point.entropy)}</td>
                <td>{says(point.distinct)}</td>
            </tr>
        }
    };
    (!points.is_empty()).then(|| {
        view! {
            <details>
                <summary>{say("frontier.table")}</summary>
                <div class="scroll-x">
                    <table class="numbers" data-testid="frontier-table">
                        <thead>
                            <tr>
                                <th scope="col">{say("frontier.order")}</th>
                                <th scope="col">{say("families.slots")}</th>
                                <th scope="col">{say("frontier.axis.calls")}</th>
                                <th scope="col">{say("frontier.broken")}</th>
                                <th scope="col">{say("frontier.surprise")}</th>
                                <th scope="col">{say("frontier.axis.entropy")}</th>
                                <th scope="col">{say("frontier.distinct")}</th>
                            </tr>
                        </thead>
                        <tbody>{points.iter().map(row).collect_view()}</tbody>
                    </table>
                    <TableFile name="frontier" />
                </div>
            </details>
        }
    })
}
