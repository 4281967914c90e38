//! The parts of the page. Each reads the two stores and writes settings, cursor or playback; none knows the engine.

pub mod chart;
pub mod chart_files;
pub mod embed_dialog;
pub mod facts;
pub mod film_strip;
pub mod gauges;
pub mod header;
pub mod icons;
pub mod inspector;
pub mod keep;
pub mod knobs;
pub mod legend;
pub mod lesson;
pub mod menu;
pub mod more;
pub mod offline;
pub mod prompt_box;
pub mod prose;
pub mod slot_row;
pub mod stage;
pub mod status;
pub mod study_bar;
pub mod table_file;
pub mod tabs;
pub mod text_grid;
pub mod transport;
