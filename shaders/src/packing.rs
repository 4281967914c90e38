//! How weights lie in GPU memory: packed words and scales, made from GGUF blocks of 32.
//!
//! A weight matrix has shape (N output channels, K inputs), row-major, K a multiple of 32.
//! - int4: word `n * K/8 + k/8` holds the eight codes of k = 8w .. 8w+7, code j in bits 4j..4j+3;
//!   value = (code - 8) * scale.
//! - int8: word `n * K/4 + k/4` holds four signed bytes, byte j in bits 8j..8j+7; value = byte * scale.
//! - scales: f16, one per 32 inputs, flat index s = n * K/32 + k/32; word s/2, low half when s is even.
