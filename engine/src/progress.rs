//! How far opening an engine has come, for a page that waits.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Reported while an engine is opened or a new shape is prepared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// Shaders are being compiled.
    Compiling {
        /// Pipelines ready.
        done: usize,
        /// Pipelines needed.
        total: usize,
    },
    /// The self-test is running on this back end.
    Testing {
        /// `webgpu` or `cpu`.
        backend: Cow<'static, str>,
    },
}
