//! The forward pass as a value: recorded once per (model, length, batch), replayed by three executors.

use shaders::{Element, Kernel};

use crate::error::Error;

/// Index of a buffer within its [`Program`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BufferId(pub usize);

/// What a buffer is for, and hence who writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Constant words or floats, written once when the program is loaded; the key into [`crate::weights`].
    Weight(String),
    /// Token ids, written before every call. `// (batch, length)`
    Tokens,
    /// The rows to predict, eight words each, written before every call. `// (rows, 8)`
    Rows,
    /// What is added to the embedding of every slot: its position and the noise level, written before every call of a
    /// model that is told the time. `// (batch * length, width)`
    Offsets,
    /// The residual stream as it begins, written before every call of a model whose slots hold vectors.
    /// `// (batch * length, width)`
    Stream,
    /// The model's last guess of every slot's clean embedding, written before every call of such a model.
    /// `// (batch * length, width)`
    Estimates,
    /// Written and read by dispatches only.
    Scratch,
    /// Summaries, sixteen words per row, read back after every call. `// (rows, 16)`
    Summaries,
}

/// One buffer of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BufferSpec {
    /// What it holds.
    pub name: String,
    /// Number of 32-bit scalars.
    pub elements: usize,
    /// Their type.
    pub element: Element,
    /// Who writes it.
    pub role: Role,
}

/// How many workgroups a dispatch needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workgroups {
    /// Always the same.
    Fixed([u32; 3]),
    /// x = ceil(rows asked / `rows_per_group`), known just before the call.
    Rows {
        /// Rows that one workgroup handles.
        rows_per_group: u32,
        /// Workgroups in y.
        y: u32,
    },
}

/// One kernel over named buffers.
#[derive(Clone)]
pub struct Dispatch {
    /// What it computes, for profiles and errors: `layer 3 attention`.
    pub label: String,
    /// The kernel.
    pub kernel: &'static Kernel,
    /// Values of its overrides.
    pub overrides: Vec<(&'static str, u32)>,
    /// Bytes of its uniform.
    pub params: Vec<u8>,
    /// Buffers in binding order.
    pub bindings: Vec<BufferId>,
    /// How many workgroups.
    pub workgroups: Workgroups,
}

/// A forward pass of fixed shape.
#[derive(Clone, Default)]
pub struct Program {
    /// All buffers; [`BufferId`] indexes them.
    pub buffers: Vec<BufferSpec>,
    /// The work, in order.
    pub dispatches: Vec<Dispatch>,
}

/// Words per row: see `ARCHITECTURE.md`, rows and summaries.
pub const ROW_WORDS: usize = 8;
/// Words per summary.
pub const SUMMARY_WORDS: usize = 16;

impl Program {
    /// The buffer with this role, if the program has one.
    pub fn with_role(&self, role: &Role) -> Option<&BufferSpec> {
        self.buffers.iter().find(|spec| spec.role == *role)
    }

    /// The buffer with this role and as many elements as are to be written into it; none if the program has no such
    /// buffer.
    ///
    /// # Errors
    /// [`Error::Query`] with both numbers.
    pub fn writable(&self, role: &Role, values: usize) -> Result<Option<BufferId>, Error> {
        let Some(index) = self.buffers.iter().position(|spec| spec.role == *role) else { return Ok(None) };
        let BufferSpec { name, elements, .. } = &self.buffers[index];
        if *elements == values {
            return Ok(Some(BufferId(index)));
        }
        let quantity = format!("number of values of {name}");
        Err(Error::Query { quantity, found: values.to_string(), expected: elements.to_string() })
    }

    /// Checks that a call's tokens fill the program and that its rows fit: every executor begins with this.
    ///
    /// # Errors
    /// [`Error::Query`] with both numbers.
    pub fn check_call(&self, tokens: &[u32], rows: &[u32]) -> Result<(), Error> {
        let size = |role| self.with_role(&role).map_or(0, |spec| spec.elements);
        let (slots, capacity) = (size(Role::Tokens), size(Role::Rows));
        let wrong = |quantity: &str, found: usize, expected: String| {
            Err(Error::Query { quantity: quantity.to_owned(), found: found.to_string(), expected })
        };
        if tokens.len() != slots {
            return wrong("number of tokens", tokens.len(), format!("{slots}"));
        }
        if rows.len() > capacity || !rows.len().is_multiple_of(ROW_WORDS) {
            return wrong(
                "number of row words",
                rows.len(),
                format!("a multiple of {ROW_WORDS} up to {capacity}"),
            );
        }
        Ok(())
    }
}

impl Workgroups {
    /// Workgroups in x, y, z when `row_count` rows are asked.
    pub fn count(self, row_count: u32) -> [u32; 3] {
        match self {
            Self::Fixed(count) => count,
            Self::Rows { rows_per_group, y } => [row_count.div_ceil(rows_per_group), y, 1],
        }
    }
}
