//! What a kernel is: its text, its bindings and its reference, as plain data.

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
    /// Scalar type.
    pub element: Element,
}

/// A complete compute kernel. Group 0; binding 0 is the uniform `params`, bindings 1.. are `bindings`.
pub struct Kernel {
    /// File name, entry point and catalogue key.
    pub name: &'static str,
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
    /// The same computation in f64 with straight loops: (params, buffers in binding order, overrides).
    pub reference: fn(params: &[u8], overrides: &[(&'static str, u32)], buffers: &mut [Values]),
    /// Cases for the agreement tests; at least one shape that is no multiple of the tile.
    pub cases: fn(seed: u32) -> Vec<Case>,
}

/// The contents of a buffer while the reference runs: floats in f64, words as they are.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Contents of an [`Element::F32`] buffer.
    F64(Vec<f64>),
    /// Contents of an [`Element::U32`] buffer.
    U32(Vec<u32>),
}

/// One dispatch with data: what every executor must agree on.
pub struct Case {
    /// What this case is about.
    pub label: String,
    /// Bytes of the uniform.
    pub params: Vec<u8>,
    /// Values of the overrides that are set.
    pub overrides: Vec<(&'static str, u32)>,
    /// Initial contents of all buffers, in binding order.
    pub buffers: Vec<Values>,
    /// Workgroups in x, y, z.
    pub workgroups: [u32; 3],
    /// Largest absolute difference allowed against the reference, per element.
    pub tolerance: f64,
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
