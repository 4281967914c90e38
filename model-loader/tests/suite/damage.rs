use model_loader::{Checkpoint, Error};

use crate::fixture::valid;

#[test]
fn a_file_cut_anywhere_is_refused() {
    let bytes = valid().bytes();
    assert!(Checkpoint::from_bytes(&bytes).is_ok());
    for length in 0..bytes.len() {
        let error = Checkpoint::from_bytes(&bytes[..length]).expect_err("a truncated file was accepted");
        let expected = if length < 4 {
            matches!(error, Error::NotGguf { .. })
        } else {
            matches!(error, Error::Truncated { found, expected, .. } if found == length as u64 && expected > found)
        };
        assert!(expected, "cut at {length}: {error}");
    }
}

#[test]
fn no_flipped_bit_of_the_head_makes_it_panic() {
    let fixture = valid();
    let mut bytes = fixture.bytes();
    let mut refused = 0;
    for position in 0..fixture.head().len() {
        for bit in 0..8 {
            bytes[position] ^= 1 << bit;
            refused += usize::from(Checkpoint::from_bytes(&bytes).is_err());
            bytes[position] ^= 1 << bit;
        }
    }
    assert!(refused > 4 * fixture.head().len(), "most flips are faults, yet only {refused} were refused");
}

#[test]
fn no_random_damage_makes_it_panic() {
    let fixture = valid();
    let (bytes, head) = (fixture.bytes(), fixture.head().len() as u64);
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..20_000 {
        let mut damaged = bytes.clone();
        for _ in 0..1 + random() % 6 {
            damaged[(random() % head) as usize] = random() as u8;
        }
        if let Ok(checkpoint) = Checkpoint::from_bytes(&damaged) {
            checkpoint.tokenizer.decode(&checkpoint.tokenizer.encode("The dog ran.").tokens);
        }
    }
}
