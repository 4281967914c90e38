//! What can be wrong with a model file, one variant per kind of fault.

use crate::tensor::Shape;

/// Why bytes are not a checkpoint.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The first four bytes are not `GGUF`.
    #[error("file is not a GGUF model: found first bytes \"{found}\", expected \"GGUF\"")]
    NotGguf {
        /// The first bytes, escaped as in a Rust byte string.
        found: String,
    },
    /// The file ends before something it announces.
    #[error("file is truncated: found {found} bytes, expected at least {expected} for {subject}")]
    Truncated {
        /// What the missing bytes belong to.
        subject: String,
        /// Length of the file in bytes.
        found: u64,
        /// Bytes that the file would have to hold.
        expected: u64,
    },
    /// A GGUF version that this reader does not know.
    #[error("GGUF version is not supported: found {found}, expected 2 or 3")]
    GgufVersion {
        /// The version in the file.
        found: u32,
    },
    /// `unmask.format_version` is one that this reader does not know.
    #[error("model format version is not supported: found {found}, expected {expected}")]
    FormatVersion {
        /// The version in the file.
        found: u64,
        /// The version that this reader knows.
        expected: u64,
    },
    /// A count or size so large that the file cannot be honest, or that this reader does not accept.
    #[error("{subject} is out of range: found {found}, expected {expected}")]
    OutOfRange {
        /// Which number.
        subject: String,
        /// Its value in the file.
        found: u64,
        /// Which values are accepted.
        expected: String,
    },
    /// Text that is not UTF-8.
    #[error("{subject} is not text: found a wrong byte at position {position}, expected UTF-8")]
    NotText {
        /// Which text.
        subject: String,
        /// Bytes of it that are valid.
        position: u64,
    },
    /// A metadata value of a type that GGUF does not define.
    #[error("value type of key {key} is unknown: found {found}, expected 0 to 12")]
    ValueType {
        /// The key.
        key: String,
        /// The type number in the file.
        found: u32,
    },
    /// A key or tensor name occurs twice.
    #[error("{subject} {name} is not unique: found it twice, expected it once")]
    Duplicate {
        /// `key` or `tensor`.
        subject: &'static str,
        /// Its name.
        name: String,
    },
    /// A key that every model file must have is absent.
    #[error("key {key} is missing: found none, expected {expected}")]
    MissingKey {
        /// The key.
        key: String,
        /// Type of its value.
        expected: &'static str,
    },
    /// A key has a value of the wrong type.
    #[error("key {key} has the wrong type: found {found}, expected {expected}")]
    KeyType {
        /// The key.
        key: String,
        /// Type in the file.
        found: &'static str,
        /// Type that the key must have.
        expected: &'static str,
    },
    /// A key has a value that no model can have, or that this reader does not know.
    #[error("key {key} has an unsupported value: found {found}, expected {expected}")]
    KeyValue {
        /// The key.
        key: String,
        /// The value in the file.
        found: String,
        /// Which values are accepted.
        expected: String,
    },
    /// A tensor of a type that this reader does not know.
    #[error(
        "tensor {tensor} has an unknown type: found {found}, expected 0 (F32), 1 (F16), 2 (Q4_0) or 8 (Q8_0)"
    )]
    TensorFormat {
        /// Name of the tensor.
        tensor: String,
        /// The GGML type number in the file.
        found: u32,
    },
    /// A tensor whose shape does not follow from the configuration.
    #[error("tensor {tensor} has the wrong shape: found {found}, expected {expected}")]
    TensorShape {
        /// Name of the tensor.
        tensor: String,
        /// Shape in the file.
        found: Shape,
        /// Shape that the configuration implies.
        expected: Shape,
    },
    /// A tensor whose number of dimensions or inputs its format cannot have.
    #[error("tensor {tensor} has an impossible layout: found {found}, expected {expected}")]
    TensorLayout {
        /// Name of the tensor.
        tensor: String,
        /// What the file says.
        found: String,
        /// What would be possible.
        expected: String,
    },
    /// A tensor that the backbone needs is absent.
    #[error("tensor {tensor} is missing: found none, expected shape {expected}")]
    MissingTensor {
        /// Name of the tensor.
        tensor: String,
        /// Shape that the configuration implies.
        expected: Shape,
    },
    /// A tensor that the backbone has no place for: ignoring it would compute something else.
    #[error("tensor {tensor} is not part of the model: found shape {found}, expected no such tensor")]
    UnexpectedTensor {
        /// Name of the tensor.
        tensor: String,
        /// Its shape.
        found: Shape,
    },
    /// Tensor data that starts off the file's alignment.
    #[error("tensor {tensor} is misaligned: found offset {found}, expected a multiple of {expected}")]
    Misaligned {
        /// Name of the tensor.
        tensor: String,
        /// Offset of its data within the data section, in bytes.
        found: u64,
        /// The file's alignment in bytes.
        expected: u64,
    },
    /// Two tensors that share bytes.
    #[error("tensor {tensor} overlaps tensor {other}: found offset {found}, expected at least {expected}")]
    Overlap {
        /// Name of the later tensor.
        tensor: String,
        /// Name of the tensor before it.
        other: String,
        /// Offset of the later tensor's data, in bytes.
        found: u64,
        /// Where the earlier tensor's data end, in bytes.
        expected: u64,
    },
    /// A weight or a block's scale that is infinite or not a number.
    #[error(
        "tensor {tensor} is not finite: found an infinity or NaN in block {block}, expected finite values"
    )]
    NotFinite {
        /// Name of the tensor.
        tensor: String,
        /// Index of the block (of the value for float formats).
        block: u64,
    },
    /// The tokenizer text is not one that this reader can use.
    #[error("tokenizer is not usable: found {found}, expected {expected}")]
    Tokenizer {
        /// What is wrong with it.
        found: String,
        /// What would be right.
        expected: String,
    },
}
