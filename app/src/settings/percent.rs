//! Text in a query: percent-encoding as browsers read it, spaces as `+`.

use std::fmt::Write;

/// Encodes text as the value of a query parameter.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            // Writing to a String cannot fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

/// Decodes the value of a query parameter. What is no valid encoding stays as it stands.
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%').then(|| hexadecimal(bytes.get(at + 1..at + 3))).flatten();
        match (bytes[at], escaped) {
            (_, Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (b'+', None) => out.push(b' '),
            (byte, None) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hexadecimal(digits: Option<&[u8]>) -> Option<u8> {
    let digits = std::str::from_utf8(digits?).ok()?;
    // `from_str_radix` would accept a sign.
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u8::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_back_as_written() {
        for text in ["", "the cat _ the mat", "50 % & more = a+b?", "naïve ☃ #1", "%41", "\n\t"] {
            assert_eq!(decode(&encode(text)), text);
        }
    }

    #[test]
    fn encoded_text_holds_nothing_that_a_query_would_cut() {
        assert_eq!(encode("a&b=c d"), "a%26b%3Dc+d");
    }

    #[test]
    fn broken_escapes_stay_as_they_stand() {
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%+1"), "% 1");
        assert_eq!(decode("%zz"), "%zz");
        assert_eq!(decode("%e2%98"), "\u{fffd}");
    }
}
