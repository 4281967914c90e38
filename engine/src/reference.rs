//! Replays a [`Program`] in f64 with each kernel's reference: slow, and the truth for tests.

use shaders::{Element, Values};

use crate::error::Error;
use crate::program::{BufferId, BufferSpec, Dispatch, Program, ROW_WORDS, Role, SUMMARY_WORDS};
use crate::weights::Weights;

/// A program and the contents of its buffers, floats in f64.
pub struct ReferenceExecutor {
    program: Program,
    buffers: Vec<Values>,
}

impl ReferenceExecutor {
    /// Fills the weight buffers; all others start as zeros.
    ///
    /// # Errors
    /// If a weight is missing or has another size than the program says.
    pub fn new(program: &Program, weights: &Weights) -> Result<Self, Error> {
        let buffers = program.buffers.iter().map(|spec| initial(spec, weights)).collect::<Result<_, _>>()?;
        Ok(Self { program: program.clone(), buffers })
    }

    /// See [`Executor::write_floats`](crate::Executor::write_floats).
    ///
    /// # Errors
    /// If there are more or fewer than the buffer holds.
    pub fn write_floats(&mut self, role: &Role, values: &[f32]) -> Result<(), Error> {
        if let Some(BufferId(index)) = self.program.writable(role, values.len())? {
            self.buffers[index] = Values::F64(values.iter().map(|&value| f64::from(value)).collect());
        }
        Ok(())
    }

    /// Replays the program; see [`Executor::run`](crate::Executor::run).
    ///
    /// # Errors
    /// If tokens or rows do not fit the program.
    pub fn run(&mut self, tokens: &[u32], rows: &[u32]) -> Result<Vec<u32>, Error> {
        self.program.check_call(tokens, rows)?;
        self.write(&Role::Tokens, tokens);
        self.write(&Role::Rows, rows);
        for dispatch in &self.program.dispatches {
            replay(dispatch, &mut self.buffers);
        }
        let mut summaries = self.summaries();
        summaries.truncate(rows.len() / ROW_WORDS * SUMMARY_WORDS);
        Ok(summaries)
    }

    /// Contents of a buffer by its name, after [`run`](Self::run): for comparing layer by layer.
    pub fn buffer(&self, name: &str) -> Option<&Values> {
        let index = self.program.buffers.iter().position(|spec| spec.name == name)?;
        self.buffers.get(index)
    }

    fn write(&mut self, role: &Role, words: &[u32]) {
        for (spec, buffer) in self.program.buffers.iter().zip(&mut self.buffers) {
            if let (true, Values::U32(target)) = (spec.role == *role, buffer) {
                target.fill(0);
                target[..words.len()].copy_from_slice(words);
            }
        }
    }

    fn summaries(&self) -> Vec<u32> {
        let index = self.program.buffers.iter().position(|spec| spec.role == Role::Summaries);
        match index.map(|index| &self.buffers[index]) {
            Some(Values::U32(words)) => words.clone(),
            Some(Values::F64(values)) => values.iter().map(|&value| (value as f32).to_bits()).collect(),
            None => Vec::new(),
        }
    }
}

fn initial(spec: &BufferSpec, weights: &Weights) -> Result<Values, Error> {
    let words = match &spec.role {
        Role::Weight(key) => weights.sized(key, spec.elements)?.to_vec(),
        _ => vec![0; spec.elements],
    };
    Ok(match spec.element {
        Element::U32 => Values::U32(words),
        Element::F32 => Values::F64(words.into_iter().map(|bits| f64::from(f32::from_bits(bits))).collect()),
    })
}

/// Lends the dispatch its buffers in binding order and takes them back.
fn replay(dispatch: &Dispatch, buffers: &mut [Values]) {
    let mut bound: Vec<Values> = dispatch
        .bindings
        .iter()
        .map(|id| std::mem::replace(&mut buffers[id.0], Values::U32(Vec::new())))
        .collect();
    (dispatch.kernel.reference)(&dispatch.params, &dispatch.overrides, &mut bound);
    for (id, values) in dispatch.bindings.iter().zip(bound) {
        buffers[id.0] = values;
    }
}
