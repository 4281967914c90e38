//! What must be equal for a file of results to be gone on with.

use std::path::Path;

use anyhow::anyhow;
use diffusion::guide::Guides;
use diffusion::measure::judge::DISTINCT;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::arguments::Compared;
use crate::diagnose::read;
use crate::failure::Failure;
use crate::hybrid::Partner;
use crate::model::{BackendName, Identity};

/// The first line of a file of results: names and values.
pub struct Head(Map<String, Value>);

impl Head {
    /// Of runs of this model on this back end. Model and prompts are told by what is in them, not by their paths; a back end
    /// counts because its last digits are its own.
    pub fn new(
        model: &Identity,
        backend: &BackendName,
        prompts: &[String],
        seeds: u32,
        schedule: Value,
    ) -> Self {
        let entries = [
            ("backend", json!(backend.name)),
            ("model", json!(model.sha256)),
            ("prompts", json!(sha256(prompts.join("\n").as_bytes()))),
            ("schedule", schedule),
            ("seeds", json!(seeds)),
        ];
        Self(entries.map(|(name, value)| (name.to_owned(), value)).into_iter().collect())
    }

    /// The same beside what changes the model's word or writes along with it; a schedule alone names neither.
    pub fn beside(mut self, guides: Option<&Guides>, partner: Option<&Partner>) -> Self {
        let guides = guides.map(|guides| ("guides", json!(guides)));
        let partner = partner.map(|Partner { hybrid, model }| {
            [("hybrid", json!(hybrid)), ("autoregressive", json!(model.identity.sha256))]
        });
        let entries = guides.into_iter().chain(partner.into_iter().flatten());
        self.0.extend(entries.map(|(name, value)| (name.to_owned(), value)));
        self
    }

    /// As one line of JSON.
    pub fn line(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }

    /// The same compared with these texts; what stands for none, and the default number of words, is not named.
    pub fn compared_with(mut self, compared: &Compared) -> Result<Self, Failure> {
        for (name, file) in [("reference", &compared.reference), ("held_out", &compared.held_out)] {
            if let Some(file) = file {
                self.0.insert(name.to_owned(), json!(sha256(read(file)?.as_bytes())));
            }
        }
        if compared.distinct as usize != DISTINCT {
            self.0.insert("distinct".to_owned(), json!(compared.distinct));
        }
        Ok(self)
    }

    /// Refuses a file of `what` that begins with another head, and names what is other.
    pub fn expect(&self, first_line: &str, file: &Path, what: &str) -> Result<(), Failure> {
        let Ok(found) = serde_json::from_str::<Map<String, Value>>(first_line) else {
            return Err(other(file, what, "settings"));
        };
        let names = self.0.keys().chain(found.keys().filter(|name| !self.0.contains_key(*name)));
        let differing = names.filter(|name| self.0.get(*name) != found.get(*name));
        match differing.map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] => Ok(()),
            differing => Err(other(file, what, &differing.join(", "))),
        }
    }
}

/// The sentence about a file that is not of these runs.
pub fn other(file: &Path, what: &str, differing: &str) -> Failure {
    Failure::Input(anyhow!("{} holds another {what}: found other {differing}", file.display()))
}

/// SHA-256, hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(model: &str, backend: &str, prompts: &[&str], seeds: u32, order: &str) -> Head {
        let model = Identity { file: String::new(), name: None, bytes: 0, sha256: model.into() };
        let backend = BackendName { name: backend.into(), adapter: None };
        let prompts: Vec<String> = prompts.iter().map(|&prompt| prompt.into()).collect();
        Head::new(&model, &backend, &prompts, seeds, json!({ "order": order }))
    }

    #[test]
    fn everything_that_makes_a_result_is_compared_by_its_name() {
        let base = head("a", "cpu", &["one", "two"], 3, "random");
        for (name, found) in [
            ("model", head("b", "cpu", &["one", "two"], 3, "random")),
            ("backend", head("a", "webgpu", &["one", "two"], 3, "random")),
            ("prompts", head("a", "cpu", &["one", "three"], 3, "random")),
            ("seeds", head("a", "cpu", &["one", "two"], 4, "random")),
            ("schedule", head("a", "cpu", &["one", "two"], 3, "entropy")),
        ] {
            let refused = base.expect(&found.line(), Path::new("x"), "sweep").unwrap_err().to_string();
            assert_eq!(refused, format!("x holds another sweep: found other {name}"));
        }
        assert!(base.expect(&base.line(), Path::new("x"), "sweep").is_ok());
        let guides = |scale| Guides { scale, ..Guides::default() };
        let guided = || head("a", "cpu", &["one", "two"], 3, "random").beside(Some(&guides(1.0)), None);
        assert!(guided().expect(&guided().line(), Path::new("x"), "sweep").is_ok());
        let stronger = head("a", "cpu", &["one", "two"], 3, "random").beside(Some(&guides(2.0)), None);
        for (one, other) in [(&guided(), &base), (&base, &guided()), (&guided(), &stronger)] {
            let refused = one.expect(&other.line(), Path::new("x"), "sweep").unwrap_err().to_string();
            assert_eq!(refused, "x holds another sweep: found other guides");
        }
        assert!(base.expect("my notes", Path::new("x"), "sweep").is_err());
    }
}
