//! The parts of the page. Each reads the two stores and writes settings, cursor or playback; none knows the engine.

pub mod facts;
pub mod film_strip;
pub mod header;
pub mod icons;
pub mod inspector;
pub mod knobs;
pub mod legend;
pub mod more;
pub mod prompt_box;
pub mod prose;
pub mod stage;
pub mod status;
pub mod text_grid;
pub mod transport;
