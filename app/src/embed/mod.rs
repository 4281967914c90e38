//! The page inside another page: what it understands, what it tells, and the snippet that puts it there.
//!
//! The layout is a matter of style sheets alone: `static/prelude.js` writes `embed` and `hide` of the address on the root
//! element before anything is drawn, and `static/styles/embed.css` does the rest.

pub mod link;
pub mod message;
pub mod parts;
pub mod snippet;
