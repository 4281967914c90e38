//! What a kernel is: its text, its bindings and its reference, as plain data.

use crate::case::{Case, Values};

/// Type of the scalars in a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// 32-bit float.
    F32,
    /// 32-bit unsigned integer (token ids, rows, packed weights, bit patterns).
    U32,
}

/// How a kernel uses a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// `var<storage, read>`
    Read,
    /// `var<storage, read_write>`
    ReadWrite,
}

/// One buffer binding, named and shaped as in the WGSL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Name of the variable in the WGSL.
    pub name: &'static str,
    /// Read or read-write.
    pub access: Access,
    /// Scalar type; [`Element::U32`] for records that mix words and floats.
    pub element: Element,
    /// Types of the words of one record, if the buffer holds records (see [`crate::records`]); else empty.
    pub record: &'static [Element],
    /// Shape in terms of the kernel's parameters, outermost first.
    pub shape: &'static str,
}

impl Binding {
    /// A buffer that the kernel only reads.
    pub const fn read(name: &'static str, element: Element, shape: &'static str) -> Self {
        Self { name, access: Access::Read, element, record: &[], shape }
    }

    /// A buffer that the kernel writes (and may read).
    pub const fn write(name: &'static str, element: Element, shape: &'static str) -> Self {
        Self { name, access: Access::ReadWrite, element, record: &[], shape }
    }

    /// A buffer of records whose words have the given types.
    pub const fn of_records(mut self, record: &'static [Element]) -> Self {
        self.record = record;
        self
    }

    /// What the word at `index` of the buffer means: in a buffer of records, some words are float bit patterns.
    pub fn meaning(&self, index: usize) -> Element {
        if self.record.is_empty() { self.element } else { self.record[index % self.record.len()] }
    }
}

/// Values of overrides: which, and what.
pub type Overrides = [(&'static str, u32)];

/// A computation in f64 with straight loops: (params, overrides, buffers in binding order).
pub type Reference = fn(params: &[u8], overrides: &Overrides, buffers: &mut [Values]);

/// A complete compute kernel. Group 0; binding 0 is the uniform `params`, bindings 1.. are `bindings`.
pub struct Kernel {
    /// Catalogue key: the file name, and the weight format where there are several (`gemm_tiled_q4`).
    pub name: &'static str,
    /// Entry point: the name of the kernel's file.
    pub entry: &'static str,
    /// Text of the kernel's own file.
    pub source: &'static str,
    /// Shared texts, appended after the kernel's own, never before (so that error lines stay true).
    pub shared: &'static [&'static str],
    /// Buffers in binding order, from binding 1 on.
    pub bindings: &'static [Binding],
    /// Pipeline-overridable constants that a dispatch may set.
    pub overrides: &'static [&'static str],
    /// Size in bytes of the uniform `params`.
    pub params_size: usize,
    /// The same computation in f64.
    pub reference: Reference,
    /// Cases for the agreement tests; at least one shape that is no multiple of the tile.
    pub cases: fn(seed: u32) -> Vec<Case>,
}

impl Kernel {
    /// The complete WGSL text as a browser receives it.
    pub fn wgsl(&self) -> String {
        let mut text = String::from(self.source);
        for part in self.shared {
            text.push('\n');
            text.push_str(part);
        }
        text
    }
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kernel").field("name", &self.name).finish_non_exhaustive()
    }
}
