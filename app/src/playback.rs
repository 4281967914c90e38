//! Time on the stage: how the cursor moves over stored steps. Moving it never runs anything again.

/// Whether the cursor moves by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Playback {
    /// It stays.
    #[default]
    Paused,
    /// It goes on step by step, and waits for steps that are still being computed.
    Playing,
    /// It stays at the newest step: a run without motion, for visitors who asked for less of it.
    Following,
}

impl Playback {
    /// How a run begins to play.
    pub fn at_start(calm: bool) -> Self {
        if calm { Self::Following } else { Self::Playing }
    }

    /// Whether the cursor moves by itself.
    pub fn moves(self) -> bool {
        self != Self::Paused
    }
}

/// Where the cursor is after one tick, and whether it goes on. `steps` are stored; more come while `growing`.
pub fn tick(cursor: usize, playback: Playback, steps: usize, growing: bool) -> (usize, Playback) {
    let next = match playback {
        Playback::Paused => cursor,
        Playback::Playing => (cursor + 1).min(steps),
        Playback::Following => steps,
    };
    let done = next >= steps && !growing;
    (next, if done { Playback::Paused } else { playback })
}

/// Pause between two steps, so that a run takes a few seconds however many calls it has.
pub fn interval_ms(planned: usize) -> u32 {
    (3600 / planned.max(1) as u32).clamp(40, 260)
}

/// Where the cursor starts when the visitor asks to play: at the end, from the beginning again.
pub fn play_from(cursor: usize, steps: usize, growing: bool) -> usize {
    if cursor >= steps && !growing { 0 } else { cursor }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn playing_goes_step_by_step_and_stops_at_the_end() {
        assert_eq!(tick(0, Playback::Playing, 3, false), (1, Playback::Playing));
        assert_eq!(tick(2, Playback::Playing, 3, false), (3, Playback::Paused));
    }

    #[test]
    fn playing_waits_for_a_run_that_grows() {
        assert_eq!(tick(3, Playback::Playing, 3, true), (3, Playback::Playing));
    }

    #[test]
    fn following_jumps_to_the_newest_step() {
        assert_eq!(tick(0, Playback::Following, 5, true), (5, Playback::Following));
        assert_eq!(tick(5, Playback::Following, 9, false), (9, Playback::Paused));
    }

    #[test]
    fn a_pause_is_a_pause() {
        assert_eq!(tick(2, Playback::Paused, 9, true), (2, Playback::Paused));
    }

    #[test]
    fn play_at_the_end_begins_again() {
        assert_eq!(play_from(9, 9, false), 0);
        assert_eq!(play_from(9, 9, true), 9);
        assert_eq!(play_from(4, 9, false), 4);
    }

    #[test]
    fn few_and_many_calls_both_take_seconds() {
        assert_eq!(interval_ms(1), 260);
        assert_eq!(interval_ms(64), 56);
        assert_eq!(interval_ms(0), 260);
    }
}
