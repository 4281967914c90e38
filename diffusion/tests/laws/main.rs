//! The laws that the sources state, held from outside: systems of our own (a chain, parity, a copied word, hidden
//! states, endings) whose joints are computed by hand, closed forms written down anew, and the published rules
//! programmed again, all against the public interface only. `diffusion::exact` appears where it is itself under test.
//! One commented `mod` line per theme.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

/// The laws that samplers should have, computed state by state.
mod computed_laws;
/// Settings drawn at random from all that go together.
mod drawn_settings;
/// A network made of hashes, decoded greedily by a rule of the test.
mod hashed;
/// The systems under uniform noise and GIDD, with their exact posteriors.
mod noisy;
/// Running decoders, and counting what they write.
mod runs;
/// Numbers that agree, counts that fit, draws that repeat.
mod statistics;
/// Joint distributions as tables, and the denoiser that knows them.
mod systems;

/// What holds whatever the settings.
mod any_settings;
/// Bounds and information left, against entropies.
mod bounds;
/// Noise that is a number: schedules, Gaussian noise, CANDI.
mod continuous_processes;
/// Runs changed by hand, and runs continued under other settings.
mod edits;
/// What guides make of a denoiser.
mod guides;
/// Samplers of two models.
mod hybrids;
/// Instruments against counts by hand.
mod instruments;
/// Samplers that write each slot once.
mod mask_laws;
/// Samplers of uniform noise and GIDD.
mod noise_laws;
/// Published decoding rules, step by step on the same logits.
mod references;
/// Samplers that hide written slots again.
mod remasking_laws;
/// Forward processes of tokens.
mod token_processes;
/// Published rules that look at whole distributions, with up to a thousand words.
mod whole_distributions;
