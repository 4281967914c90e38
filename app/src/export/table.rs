//! A table of numbers, as CSV (RFC 4180) and as JSON.

use serde_json::{Map, Value};

/// Named columns and rows of values. `// (rows, columns)`
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// What stands in each column, units last.
    pub columns: &'static [&'static str],
    /// The values; null where there is none.
    pub rows: Vec<Vec<Value>>,
}

impl Table {
    /// As CSV: one line of names, one line per row, empty where there is no value.
    pub fn to_csv(&self) -> String {
        let names = self.columns.iter().map(|name| (*name).to_owned()).collect();
        let rows = self.rows.iter().map(|row| row.iter().map(plain).collect());
        to_csv(&std::iter::once(names).chain(rows).collect::<Vec<Vec<String>>>())
    }

    /// As JSON: one object per row.
    pub fn to_json(&self) -> Value {
        let names = || self.columns.iter().map(|name| (*name).to_owned());
        let object = |row: &Vec<Value>| names().zip(row.iter().cloned()).collect::<Map<_, _>>().into();
        Value::Array(self.rows.iter().map(object).collect())
    }
}

/// Rows of texts as CSV; those with commas, quotes or line breaks are quoted.
pub fn to_csv(rows: &[Vec<String>]) -> String {
    let field = |text: &String| match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.clone(),
    };
    let line = |row: &Vec<String>| row.iter().map(field).collect::<Vec<_>>().join(",") + "\r\n";
    rows.iter().map(line).collect()
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_with_commas_and_quotes_stay_one_field() {
        let table = Table {
            columns: &["word", "entropy_nats"],
            rows: vec![vec![json!(","), json!(0.5)], vec![json!("\""), Value::Null]],
        };
        assert_eq!(table.to_csv(), "word,entropy_nats\r\n\",\",0.5\r\n\"\"\"\",\r\n");
        assert_eq!(
            table.to_json(),
            json!([{"word": ",", "entropy_nats": 0.5}, {"word": "\"", "entropy_nats": null}])
        );
    }
}
