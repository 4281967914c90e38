//! Measurement: one file per instrument. Each says its formula, unit, cost in calls and blind spot.
//!
//! | property | instrument | extra calls |
//! |---|---|---|
//! | D1 smooth corruption | [`information`]: open bits along a run, and their jumps | 0 |
//! | D1 smooth corruption | [`surprisal`]: what each word tells, and what is left of it at time t | 1 per word |
//! | D1 smooth corruption | [`smoothness`]: bits left at every t, on one axis for token processes and Gaussian noise | those of the bound |
//! | D1 smooth corruption | [`hidden`]: bits open at every t under any process that hides, asked of a mask model | 1 sequence per draw |
//! | D1 smooth corruption | [`heterogeneity`]: how unequal hidden slots are at one and the same t | 1 per draw |
//! | D2 tractable states | [`agreement`]: chain against direct draw | 0 |
//! | D2 tractable states | [`tractability`]: on-path gap of a decoder's states | 0 |
//! | D2 tractable states | [`path_surprise`]: the same of vectors, by what the network makes of them | those of two runs |
//! | D3 refinement | [`refinement`]: slots finished per call, closeness to reading order | 0 |
//! | D3 refinement | [`quality`]: change of bits per token and of entropy per doubling of the calls | 0 |
//! | D3 refinement | [`revision`]: what a run takes back; repair and damage of a corrector | 0; those of the correction |
//! | L1 discreteness | [`discreteness`]: share of symbols, rounding gap | 0 |
//! | L2 dependency | [`dependency`]: bits at stake in what was committed together | 0 |
//! | L2 dependency | [`correlation`]: pointwise total correlation of what was committed together, gap between orders | 1 batched; 2 |
//! | frequency collapse | [`collapse`]: entropy and common words by distance | 0 |
//! | frequency collapse | [`decay`]: KL to the unigram by distance, e-folding distance | 1 |
//! | frequency collapse | [`prospect`]: entropy, KL and best candidates slot by slot, of a model or of counted texts | 1 or 0 |
//! | frequency collapse | [`unigram`]: shares of tokens, and the commonest | 0 |
//! | repetition, diversity | [`surface`]: duplicates, distinct and unseen n-grams | 0 |
//! | generative perplexity | [`judge`]: bits per token under an AR model, with entropy and distinct n-grams | 1 of the judge |
//! | all five | [`scorecard`]: readings of finished runs beside the paper's marks | 0 |
//! | likelihood | [`bound`]: NELBO in bits per token, for every family | one to four sequences per draw |

pub mod agreement;
pub mod bound;
pub mod collapse;
pub mod correlation;
pub mod decay;
pub mod dependency;
pub mod discreteness;
pub mod estimate;
pub mod heterogeneity;
pub mod hidden;
pub mod information;
pub mod judge;
pub mod noisy_word;
pub mod path_surprise;
pub mod prospect;
pub mod quality;
pub mod refinement;
pub mod revision;
pub mod scorecard;
pub mod smoothness;
pub mod surface;
pub mod surprisal;
pub mod tractability;
pub mod unigram;

pub use bound::{
    Bound, BoundError, BoundSettings, TextBound, embedding_noise_bound, exact_bits, text_bound,
    token_noise_bound, token_schedules_bound,
};
pub use estimate::{Estimate, Moments, median};
