//! Any decoder: what a visitor writes as JSON takes the place of what the knobs say, field by field. It is the same small value that the
//! command line takes (`unmask generate --settings`), so what is tried here can be put under test there.

use diffusion::DecodeSettings;
use serde_json::Value;

use crate::texts::key;

/// Well-known decoders: what visitors call them, and what they write.
pub const PRESETS: [(&str, &str); 9] = [
    (
        key("decoder.threshold"),
        r#"{"order": "confidence", "parallelism": {"rule": "threshold", "probability": 0.9}}"#,
    ),
    (key("decoder.factor"), r#"{"order": "confidence", "parallelism": {"rule": "factor", "factor": 1.0}}"#),
    (
        key("decoder.entropy-bounded"),
        r#"{"order": "entropy", "parallelism": {"rule": "entropy_bounded", "nats": 0.1}}"#,
    ),
    (key("decoder.stable"), r#"{"parallelism": {"rule": "stable"}}"#),
    (key("decoder.first-hitting"), r#"{"parallelism": {"rule": "first_hitting"}}"#),
    (
        key("decoder.remdm"),
        r#"{"parallelism": {"rule": "ancestral", "steps": 64}, "remasking": {"rule": "cap", "eta": 0.1}}"#,
    ),
    (
        key("decoder.rcr"),
        r#"{"order": "confidence", "parallelism": {"rule": "quota", "steps": 32}, "remasking": {"rule": "running_confidence"}}"#,
    ),
    (key("decoder.blocks"), r#"{"order": "confidence", "block_length": 8}"#),
    (key("decoder.correct"), r#"{"correction": {"rule": "least_sure", "slots": 4, "calls": 8}}"#),
];

/// The knobs' settings with what `json` names put in their place; nothing for an empty text. Ranges are not checked.
///
/// # Errors
/// What is wrong with it, in words.
pub fn overlaid(knobs: DecodeSettings, json: &str) -> Result<DecodeSettings, String> {
    if json.trim().is_empty() {
        return Ok(knobs);
    }
    let wrong = |error: serde_json::Error| error.to_string();
    let named: serde_json::Map<String, Value> = serde_json::from_str(json).map_err(wrong)?;
    let mut all = serde_json::to_value(knobs).map_err(wrong)?;
    if let Value::Object(fields) = &mut all {
        for (name, value) in named {
            match (fields.get_mut(&name), value) {
                // Of sampling only what is named is replaced; the other fields are rules, each a whole.
                (Some(Value::Object(before)), Value::Object(parts)) if name == SAMPLING => {
                    before.extend(parts)
                }
                (_, value) => drop(fields.insert(name, value)),
            }
        }
    }
    serde_json::from_value(all).map_err(wrong)
}

/// The field whose parts are settings of their own.
const SAMPLING: &str = "sampling";

/// Whether `json` names a field, or the part of one behind a point.
pub fn names(json: &str, field: &str) -> bool {
    let named = serde_json::from_str::<Value>(json);
    named.is_ok_and(|named| named.pointer(&format!("/{}", field.replace('.', "/"))).is_some())
}

/// The same, with ranges and what goes together checked.
///
/// # Errors
/// What is wrong with it, in words.
pub fn checked(knobs: DecodeSettings, json: &str) -> Result<DecodeSettings, String> {
    let settings = overlaid(knobs, json)?;
    settings.validate().map_err(|error| error.to_string())?;
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use diffusion::Order;
    use model_loader::ModelConfig;

    use super::*;
    use crate::session::models::tests::checkpoint;
    use crate::session::models::{ShippedModel, fitted};
    use crate::settings::{Rule, Settings};

    fn knobs() -> DecodeSettings {
        Settings { seed: 5, temperature: 0.6, slots: 3, ..Settings::default() }.knobs()
    }

    /// Whether a run can begin with these settings under any model.
    fn every_model_follows(name: &str, settings: &Settings) {
        for (model, config) in configs() {
            let decode = Settings { model: *model, ..settings.clone() }.decode();
            let found = fitted(decode, config, 64).validate();
            assert_eq!(found, Ok(()), "{name}, {model:?}");
        }
    }

    fn configs() -> &'static [(ShippedModel, ModelConfig)] {
        static CONFIGS: OnceLock<Vec<(ShippedModel, ModelConfig)>> = OnceLock::new();
        CONFIGS.get_or_init(|| ShippedModel::ALL.map(|model| (model, checkpoint(model).config)).to_vec())
    }

    #[test]
    fn what_is_named_takes_the_place_of_the_knobs_and_nothing_else_does() {
        let found = overlaid(knobs(), r#"{"order": "margin", "block_length": 8}"#).unwrap();
        assert_eq!((found.order, found.block_length), (Order::Margin, 8));
        assert_eq!((found.seed, found.parallelism), (5, knobs().parallelism));
        assert_eq!(overlaid(knobs(), "  "), Ok(knobs()));
    }

    #[test]
    fn what_is_named_is_known_by_its_name() {
        let json = r#"{"block_length": 8}"#;
        assert!(names(json, "block_length") && !names(json, "order") && !names("", "order"));
        let json = r#"{"sampling": {"top_k": 40}}"#;
        assert!(names(json, "sampling.top_k") && !names(json, "sampling.temperature"));
        let found = overlaid(knobs(), json).unwrap().sampling;
        assert_eq!((found.top_k, found.temperature), (40, 0.6), "the rest is the knobs'");
    }

    #[test]
    fn every_preset_is_a_decoder_beside_every_rule_of_the_knobs() {
        let all = Rule::ALL.into_iter().flat_map(|rule| Order::ALL.map(|order| (rule, order)));
        for (rule, order) in all {
            let knobs = Settings { rule, order, ..Settings::default() }.knobs();
            for (name, json) in PRESETS {
                let found = checked(knobs.clone(), json).unwrap_or_else(|error| panic!("{name}: {error}"));
                assert_ne!(found, knobs, "{name}");
                every_model_follows(
                    name,
                    &Settings { rule, order, decoder: json.into(), ..Settings::default() },
                );
            }
        }
    }

    #[test]
    fn what_is_no_decoder_is_said_in_words() {
        for (json, part) in [
            ("{", "EOF"),
            ("[1]", "map"),
            (r#"{"ordre": "margin"}"#, "ordre"),
            (r#"{"parallelism": {"rule": "threshold", "probability": 2}}"#, "probability"),
            (r#"{"remasking": {"rule": "cap", "eta": 0.1}}"#, "remasking"),
        ] {
            let error = checked(knobs(), json).unwrap_err();
            assert!(error.contains(part), "{json}: {error}");
        }
    }
}
