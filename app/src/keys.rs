//! The keyboard of the stage: Space plays, arrows step, Home and End jump.

/// What a key asks of the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Play or pause.
    Toggle,
    /// One step towards the start.
    Back,
    /// One step towards the end.
    Forward,
    /// To the start.
    Start,
    /// To the newest step.
    End,
}

/// What has the focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// Nothing that wants keys for itself.
    Page,
    /// Wants every key: text boxes, menus.
    Text,
    /// Wants arrows, Home and End: sliders, the grid of slots.
    Arrows,
    /// Wants Space: buttons, links, summaries, check boxes.
    Press,
}

impl Focus {
    /// From an element's lower-case tag, the `type` of an input, and its role.
    pub fn of(tag: &str, kind: &str, role: &str) -> Self {
        match (tag, kind, role) {
            (_, _, "gridcell") | ("input", "range", _) => Self::Arrows,
            ("input", "checkbox", _) | ("button" | "a" | "summary", ..) => Self::Press,
            ("input" | "textarea" | "select", ..) => Self::Text,
            _ => Self::Page,
        }
    }
}

/// The command of a key, if it is one here.
pub fn command(key: &str, focus: Focus) -> Option<Command> {
    let command = match key {
        " " => Command::Toggle,
        "ArrowLeft" => Command::Back,
        "ArrowRight" => Command::Forward,
        "Home" => Command::Start,
        "End" => Command::End,
        _ => return None,
    };
    match focus {
        Focus::Text => None,
        Focus::Press if command == Command::Toggle => None,
        Focus::Arrows if command != Command::Toggle => None,
        _ => Some(command),
    }
}

/// Where an arrow key moves in a grid of `count` slots with `columns` side by side.
pub fn move_in_grid(key: &str, at: usize, columns: usize, count: usize) -> Option<usize> {
    let last = count.checked_sub(1)?;
    let target = match key {
        "ArrowLeft" => at.checked_sub(1)?,
        "ArrowRight" => at + 1,
        "ArrowUp" => at.checked_sub(columns)?,
        "ArrowDown" => at + columns,
        "Home" => 0,
        "End" => last,
        _ => return None,
    };
    (target <= last).then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_to_whoever_needs_them_first() {
        let focus = Focus::of("textarea", "", "");
        assert_eq!(command(" ", focus), None, "a space in a text is a space");
        assert_eq!(command(" ", Focus::of("button", "", "")), None, "a button is pressed by it");
        assert_eq!(command("ArrowRight", Focus::of("button", "", "")), Some(Command::Forward));
        assert_eq!(command("ArrowRight", Focus::of("input", "range", "")), None, "a knob moves");
        assert_eq!(command(" ", Focus::of("input", "range", "")), Some(Command::Toggle));
        assert_eq!(command("End", Focus::of("body", "", "")), Some(Command::End));
        assert_eq!(command("a", Focus::Page), None);
    }

    #[test]
    fn the_grid_has_walls() {
        assert_eq!(move_in_grid("ArrowDown", 3, 8, 64), Some(11));
        assert_eq!(move_in_grid("ArrowUp", 3, 8, 64), None);
        assert_eq!(move_in_grid("ArrowRight", 63, 8, 64), None);
        assert_eq!(move_in_grid("End", 3, 8, 64), Some(63));
        assert_eq!(move_in_grid("Home", 3, 8, 0), None);
    }
}
