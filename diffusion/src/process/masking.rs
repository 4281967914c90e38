//! Processes under which a slot is in sight or hidden: what a network that was trained on masks can be asked about.

use super::{
    BlockSlot, Candi, CandiState, Clocked, ForwardProcess, FrequencyMask, GenMd4, Mask, SoftSlot, SoftState,
    Spindle, TokenProcess,
};
use crate::sequence::TokenId;

/// A forward process of which every slot is in sight or hidden.
pub trait Masking: ForwardProcess {
    /// The token in sight; none of a hidden slot.
    fn shown(&self, state: &Self::State) -> Option<TokenId>;

    /// What a hidden slot's own state tells of its token: multiplies p(x_i = v) by q(state | v), up to a factor that is the same for
    /// all v. Nothing, where all tokens are hidden alike. `// (vocabulary)`
    fn weigh(&self, _prediction: &mut [f64], _hidden: &Self::State, _t: f64) {}
}

impl Masking for Mask {
    fn shown(&self, state: &TokenId) -> Option<TokenId> {
        in_sight(self, *state)
    }
}

impl Masking for Spindle {
    fn shown(&self, state: &TokenId) -> Option<TokenId> {
        in_sight(self, *state)
    }
}

impl Masking for BlockSlot {
    fn shown(&self, state: &TokenId) -> Option<TokenId> {
        in_sight(self, *state)
    }
}

impl Masking for FrequencyMask {
    fn shown(&self, state: &TokenId) -> Option<TokenId> {
        in_sight(self, *state)
    }

    fn weigh(&self, prediction: &mut [f64], _: &TokenId, t: f64) {
        weigh_by_masks(self, prediction, t);
    }
}

impl Masking for GenMd4 {
    fn shown(&self, state: &TokenId) -> Option<TokenId> {
        in_sight(self, *state)
    }

    fn weigh(&self, prediction: &mut [f64], _: &TokenId, t: f64) {
        weigh_by_masks(self, prediction, t);
    }
}

impl<P: TokenProcess + Masking> Masking for Clocked<P>
where
    P: ForwardProcess<State = TokenId>,
{
    fn shown(&self, state: &TokenId) -> Option<TokenId> {
        self.process.shown(state)
    }

    fn weigh(&self, prediction: &mut [f64], hidden: &TokenId, t: f64) {
        self.process.weigh(prediction, hidden, self.schedule.lost(t));
    }
}

impl Masking for SoftSlot {
    fn shown(&self, state: &SoftState) -> Option<TokenId> {
        match state {
            SoftState::Kept(token) => Some(*token),
            SoftState::Softened(_) => None,
        }
    }
}

impl Masking for Candi {
    fn shown(&self, state: &CandiState) -> Option<TokenId> {
        match state {
            CandiState::Shown(token) => Some(*token),
            CandiState::Noisy(_) => None,
        }
    }

    /// q(x | v) is proportional to exp(x_v / σ²), because all one-hot vectors have one length.
    fn weigh(&self, prediction: &mut [f64], hidden: &CandiState, t: f64) {
        let CandiState::Noisy(x) = hidden else { return };
        let variance = self.sigma(t).powi(2);
        let largest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        prediction.iter_mut().zip(x).for_each(|(p, x)| *p *= ((x - largest) / variance).exp());
    }
}

fn in_sight(process: &impl TokenProcess, state: TokenId) -> Option<TokenId> {
    (state != process.mask()).then_some(state)
}

fn weigh_by_masks(process: &impl TokenProcess, prediction: &mut [f64], t: f64) {
    (0..).zip(prediction).for_each(|(token, p)| *p *= process.masses_of(TokenId(token), t).masked);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Likelihood;
    use crate::random::{Purpose, Stream};
    use crate::schedule::Schedule;
    use crate::testing::near;

    const MASK: TokenId = TokenId(0);

    /// Weights are Bayes' rule with the likelihood of the very state.
    fn check<P: Masking + Likelihood>(process: &P, t: f64) {
        let draw = |seed| process.sample(TokenId(2), t, &mut Stream::new(seed, 0, 0, Purpose::Sample));
        let hidden = (0..100).map(draw).find(|state| process.shown(state).is_none()).unwrap();
        let prior = [0.0, 0.5, 0.3, 0.2];
        let mut found = prior;
        process.weigh(&mut found, &hidden, t);
        let logs = [0, 1, 2, 3].map(|v| process.log_likelihood(TokenId(v), &hidden, t));
        for v in 1..4 {
            let expected = prior[v] / prior[1] * (logs[v] - logs[1]).exp();
            assert!(near(found[v] / found[1], expected, 1e-9), "{v}: {found:?}, expected {expected}");
        }
    }

    #[test]
    fn a_hidden_slot_tells_what_its_likelihood_says() {
        let schedule = Schedule::Cosine;
        check(&Mask { schedule, mask: MASK }, 0.4);
        check(&Spindle { mask: MASK, strength: 0.3, deviation: 0.5 }, 0.4);
        check(&FrequencyMask::new(MASK, 0.3, &[0, 90, 10, 1]).unwrap(), 0.4);
        let gen_md4 = GenMd4::new(MASK, vec![1.0, 0.5, 2.0, 3.0]).unwrap();
        check(&gen_md4, 0.4);
        check(&Clocked { schedule, process: gen_md4 }, 0.4);
        check(&Candi { schedule, vocabulary: 4, least_rank_error: 0.05, most_rank_error: 0.25 }, 0.4);
    }
}
