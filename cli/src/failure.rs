//! Why a command ended early, and whose fault it is.

use std::fmt;
use std::process::ExitCode;

use anyhow::anyhow;

/// A failed command: one sentence and an exit code.
#[derive(Debug)]
pub enum Failure {
    /// The arguments, a file or a prompt: exit code 2, as for arguments that cannot be parsed.
    Input(anyhow::Error),
    /// The machine: exit code 1.
    Run(anyhow::Error),
    /// A schedule that passed a stated limit: exit code 3.
    Limit(anyhow::Error),
}

impl Failure {
    /// A fault of the input.
    pub fn input(error: impl Into<anyhow::Error>) -> Self {
        Self::Input(error.into())
    }

    /// A failure while running.
    pub fn run(error: impl Into<anyhow::Error>) -> Self {
        Self::Run(error.into())
    }

    /// A failure while running whose type cannot cross threads, with its causes.
    pub fn of_causes(error: &dyn std::error::Error) -> Self {
        let causes = std::iter::successors(Some(error), |error| error.source());
        Self::Run(anyhow!(causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")))
    }

    /// What the process ends with.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Input(_) => ExitCode::from(2),
            Self::Run(_) => ExitCode::from(1),
            Self::Limit(_) => ExitCode::from(3),
        }
    }
}

impl fmt::Display for Failure {
    /// The error and its causes on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Input(error) | Self::Run(error) | Self::Limit(error)) = self;
        write!(f, "{error:#}")
    }
}
