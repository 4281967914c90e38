//! What is said between the page and a worker with an engine.

use diffusion::{Prediction, Query};
use engine::{BackendChoice, BackendReport, Error as EngineError, Progress};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What the page asks. Each but the last is answered before the next is heard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    /// Open the model that comes as freight.
    Open {
        /// On which back end.
        choice: BackendChoice,
    },
    /// Open a back end anew.
    Reopen {
        /// Which.
        choice: BackendChoice,
    },
    /// Get ready for calls of this shape.
    Prepare {
        /// Sequences.
        batch: usize,
        /// Slots of each.
        length: usize,
    },
    /// A call.
    Predict(Query),
    /// A call whose whole distributions are wanted.
    Distributions(Query),
    /// Destroy the graphics device. Not answered.
    LoseDevice,
}

/// What the worker says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// It has started and hears.
    Ready,
    /// How far it is; the answer follows.
    Told(Progress),
    /// The model is open; its embeddings come as freight, where slots hold vectors.
    Opened {
        /// On which back end.
        report: BackendReport,
        /// Whether there is freight.
        has_embeddings: bool,
    },
    /// The file is no model.
    NoModel {
        /// What is wrong with it.
        reason: String,
    },
    /// Another back end is open.
    Reopened(BackendReport),
    /// It is ready for calls.
    Prepared,
    /// One prediction per row.
    Predictions(Vec<Prediction>),
    /// The distributions come as freight. `// f32, (rows, vocabulary)`
    Distributions,
    /// There is no answer.
    Failed(EngineError),
}

/// A message as bytes.
pub fn pack(message: &impl Serialize) -> Vec<u8> {
    // Fails only for types that do not know their length, and none of these is one.
    postcard::to_allocvec(message).unwrap_or_default()
}

/// A message from its bytes.
///
/// # Errors
/// If they are no such message: a fault of the code, because both ends are of one build.
pub fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, EngineError> {
    postcard::from_bytes(bytes).map_err(|error| EngineError::Ended { reason: error.to_string() })
}

/// Numbers from their bytes, as the machine keeps them.
pub fn floats(bytes: &[u8]) -> Vec<f32> {
    bytemuck::pod_collect_to_vec(bytes)
}

#[cfg(test)]
mod tests {
    use diffusion::{Candidate, Mixture, Row, TOP_CANDIDATES, TokenId};

    use super::*;

    fn asked() -> Vec<Ask> {
        let query = Query {
            length: 2,
            tokens: vec![TokenId(0), TokenId(799)],
            times: vec![0.25],
            mixtures: vec![Mixture::of_best(0, 1, &[-0.1, f32::NEG_INFINITY])],
            vectors: vec![1.5, -0.0],
            rows: vec![Row::measured(0, 1, 2, TokenId(700))],
        };
        let choice = BackendChoice::WebGpu;
        vec![
            Ask::Open { choice },
            Ask::Reopen { choice },
            Ask::Prepare { batch: 16, length: 64 },
            Ask::Predict(query.clone()),
            Ask::Distributions(query),
            Ask::LoseDevice,
        ]
    }

    #[test]
    fn whatever_is_asked_arrives() {
        for ask in asked() {
            assert_eq!(unpack(&pack(&ask)), Ok(ask));
        }
    }

    #[test]
    fn answers_arrive_with_their_infinities_and_faults_with_their_kind() {
        let never = Candidate { token: TokenId(3), log_probability: f32::NEG_INFINITY };
        let prediction = Prediction {
            drawn: never,
            entropy_nats: 0.0,
            log_sum_exp: f32::MAX,
            target_log_probability: f32::NEG_INFINITY,
            top: [never; TOP_CANDIDATES],
            drift_nats: None,
            tempered_log_probability: Some(-0.5),
        };
        let fallback = Some(EngineError::SoftwareAdapter { adapter: "soft".into() });
        let report = BackendReport { name: "cpu".into(), adapter: None, fallback };
        for answer in [
            Answer::Ready,
            Answer::Told(Progress::Testing { backend: "cpu".into() }),
            Answer::Opened { report, has_embeddings: true },
            Answer::NoModel { reason: "short".into() },
            Answer::Predictions(vec![prediction; 3]),
            Answer::Failed(EngineError::DeviceLost { reason: "gone".into() }),
        ] {
            assert_eq!(unpack(&pack(&answer)), Ok(answer));
        }
        assert!(matches!(unpack::<Answer>(&[255]), Err(EngineError::Ended { .. })));
    }

    #[test]
    fn numbers_come_back_from_any_place_in_memory() {
        let values = [1.5_f32, f32::NEG_INFINITY, -0.0];
        let mut bytes = vec![0_u8];
        bytes.extend_from_slice(bytemuck::cast_slice(&values));
        assert_eq!(floats(&bytes[1..]), values);
    }
}
