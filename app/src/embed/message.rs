//! What an article may say to the page inside it. `static/examples/README.md` describes both directions.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::settings::Settings;

/// A message from the article: `{ unmask: "set", id: 1, settings: { temperature: 1 } }`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Message {
    /// Comes back with the answer.
    #[serde(default)]
    pub id: Value,
    /// What is wanted.
    #[serde(flatten)]
    pub wish: Wish,
}

/// What an article can want. The answer to each is the state after it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "unmask", rename_all = "snake_case")]
pub enum Wish {
    /// Change settings, by the keys of a link.
    Set {
        /// Key and value: text, number or truth; null for what a fresh page has.
        settings: Map<String, Value>,
    },
    /// Go on by itself; at the end, from the beginning again.
    Play,
    /// Stay.
    Pause,
    /// Move over stored steps.
    Step {
        /// How far; backwards if negative.
        #[serde(default = "one")]
        by: i64,
    },
    /// Nothing but the answer.
    State,
}

fn one() -> i64 {
    1
}

impl Message {
    /// Reads a message from its JSON; none if it is of another kind, for other scripts use the same channel.
    pub fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// The settings after a [`Wish::Set`]. As in a link, unknown keys and unreadable values change nothing.
pub fn changed(settings: &Settings, wanted: &Map<String, Value>) -> Settings {
    let plain = |key: &str, value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(u8::from(*truth).to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null => Settings::usual(key),
        Value::Array(_) | Value::Object(_) => None,
    };
    let pairs = wanted.iter().filter_map(|(key, value)| Some((key.as_str(), plain(key, value)?)));
    settings.clone().with(pairs)
}

/// Where a step of `by` leads among `steps` stored ones.
pub fn stepped(cursor: usize, by: i64, steps: usize) -> usize {
    let by = by.clamp(-(steps as i64), steps as i64);
    cursor.saturating_add_signed(by as isize).min(steps)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Option<Message> {
        Message::from_json(&value.to_string())
    }

    #[test]
    fn messages_of_others_are_none_of_ours() {
        assert_eq!(
            read(&json!({ "unmask": "play", "id": 3 })).map(|m| (m.id, m.wish)),
            Some((json!(3), Wish::Play))
        );
        assert_eq!(read(&json!({ "unmask": "step" })).map(|m| m.wish), Some(Wish::Step { by: 1 }));
        for other in
            [json!("hello"), json!({ "type": "resize" }), json!({ "unmask": "explode" }), json!(null)]
        {
            assert_eq!(read(&other), None, "{other}");
        }
    }

    #[test]
    fn settings_are_those_of_a_link() {
        let wanted =
            json!({ "temperature": 1.5, "prompt": "a _", "suppress_end": true, "slots": -3, "nonsense": 1 });
        let Value::Object(wanted) = wanted else { unreachable!("it is an object") };
        let now = changed(&Settings::default(), &wanted);
        let expected =
            Settings { temperature: 1.5, prompt: "a _".into(), suppress_end: true, ..Settings::default() };
        assert_eq!(now, expected);
        let Value::Object(taken_back) = json!({ "temperature": null, "prompt": null, "nonsense": null })
        else {
            unreachable!("it is an object")
        };
        let expected = Settings { suppress_end: true, ..Settings::default() };
        assert_eq!(changed(&now, &taken_back), expected, "as in a fresh page");
    }

    #[test]
    fn steps_stay_within_the_run() {
        assert_eq!([stepped(3, 1, 9), stepped(3, -5, 9), stepped(3, i64::MAX, 9)], [4, 0, 9]);
        assert_eq!(stepped(0, i64::MIN, 0), 0);
    }
}
