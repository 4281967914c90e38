use std::collections::BTreeMap;

use allocation_counter::measure;
use diffusion::guide::{Causal, Constrained, Guided, Guides, LeaveOneOut, Rule, Spelling};
use diffusion::process::{MaskUniform, Words};
use diffusion::{Denoiser, Query, Row, Sequence, SpecialTokens, TokenId};
use pollster::block_on;

use crate::check;
use crate::table::{Table, WORDS};

/// Guides by name; the benchmark of policy (`engine/benches/policy.rs`) times the same.
fn guides() -> BTreeMap<String, Guides> {
    serde_json::from_str(include_str!("../guides.json")).unwrap()
}

/// The first third is given, the rest asked, drawn from a few best tokens.
fn question(slots: usize) -> (Sequence, Query) {
    let mask = SpecialTokens::default().mask;
    let token = |slot: usize| (slot < slots / 3).then_some(TokenId(3 + slot as u32 % 3));
    let start = Sequence::infill(&(0..slots).map(token).collect::<Vec<_>>(), mask);
    let row = |slot| Row {
        seed: 1,
        temperature: 1.0,
        top_k: 3,
        top_p: 0.9,
        ..Row::measured(0, slot as u32, 2, mask)
    };
    let query = Query {
        length: slots,
        tokens: start.tokens().collect(),
        times: vec![0.5],
        mixtures: Vec::new(),
        vectors: Vec::new(),
        rows: start.open_slots().map(row).collect(),
    };
    (start, query)
}

fn allocations<D: Denoiser>(denoiser: &mut D, query: &Query) -> u64 {
    measure(|| assert_eq!(block_on(denoiser.predict(query)).unwrap().len(), query.rows.len())).count_total
}

#[test]
fn no_guide_allocates_for_each_slot() {
    check("the network alone", |slots| allocations(&mut Table, &question(slots).1));
    let mask = SpecialTokens::default().mask;
    check("causal", |slots| allocations(&mut Causal::new(Table, mask), &question(slots).1));
    let noise = MaskUniform { mask, words: Words { first: 2, count: 7 }, uniform_share: 0.1 };
    check("leave one out", |slots| allocations(&mut LeaveOneOut::new(Table, noise), &question(slots).1));
    for (name, guides) in guides() {
        check(&name, |slots| {
            let (start, query) = question(slots);
            let rules = over_all(guides.clone(), slots as u32);
            let rules = rules.constraints(slots, spelling(&WORDS.map(String::from)), Some(checker)).unwrap();
            let guided = Guided::new(Table, guides.scale, &start, mask).unwrap();
            allocations(&mut Constrained::new(guided, rules), &query)
        });
    }
}

/// The same rules about the whole text, so that every slot has to follow them.
fn over_all(mut guides: Guides, slots: u32) -> Guides {
    for rule in &mut guides.rules {
        let (Rule::AllowedWords { span, .. } | Rule::Pattern { span, .. } | Rule::Checker { span, .. }) =
            rule;
        span.end = slots;
    }
    guides
}

fn spelling(texts: &[String]) -> Spelling<'_> {
    Spelling { texts, between: " ", mask: SpecialTokens::default().mask, first_word: 3 }
}

/// Does not like "it".
fn checker(text: &[TokenId]) -> bool {
    !text.contains(&TokenId(6))
}
