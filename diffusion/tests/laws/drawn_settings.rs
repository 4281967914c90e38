use diffusion::decode::{
    Believed, Correction, DecodeSettings, Noise, Order, Parallelism, Remasking, Sampling, SoftFeedback, Span,
};
use diffusion::process::Words;
use diffusion::{Schedule, Sequence};

use crate::statistics::unit;

/// Numbers for one draw of settings.
struct Dice {
    number: u32,
    rolls: u32,
}

impl Dice {
    fn below(&mut self, limit: u32) -> u32 {
        self.rolls += 1;
        (unit(1000 + self.number, self.rolls) * f64::from(limit)) as u32
    }

    fn is_one_of(&mut self, count: u32) -> bool {
        self.below(count) == 0
    }
}

/// Settings number `number` of a random series over everything that goes together, for windows of four slots.
pub fn any_settings(number: u32) -> DecodeSettings {
    let mut dice = Dice { number, rolls: 0 };
    let mut parallelism = parallelism(&mut dice);
    let (noise, remasking) = noise_and_remasking(&mut dice, parallelism);
    if let (Noise::MaskUniform { .. }, Parallelism::Ancestral { schedule, .. }) = (noise, &mut parallelism) {
        *schedule = Schedule::Linear; // it has a schedule of its own
    }
    let masked = noise == Noise::Mask;
    let waits = matches!(remasking, Remasking::Never | Remasking::RunningConfidence { .. });
    let block_length = if masked && waits { dice.below(5) } else { 0 };
    let has_spans = masked && remasking == Remasking::Never && dice.is_one_of(3);
    let sequential =
        if has_spans { vec![Span { start: dice.below(3), end: 3 + dice.below(2) }] } else { Vec::new() };
    let settings = DecodeSettings {
        seed: number,
        noise,
        order: order(&mut dice, parallelism, noise, remasking),
        parallelism,
        block_length,
        sequential,
        remasking,
        correction: correction(&mut dice, masked),
        soft_feedback: (masked && dice.is_one_of(4)).then(SoftFeedback::default),
        fill_after_end: masked && dice.is_one_of(2),
        sampling: Sampling {
            temperature: [1.0, 1.0, 0.0, 0.5, 2.0][dice.below(5) as usize],
            top_k: dice.below(3),
            top_p: [1.0, 0.7][dice.below(2) as usize],
            suppress_end_of_text: false,
        },
        start_time: [1.0, 1.0, 0.5][dice.below(3) as usize],
        ..DecodeSettings::default()
    };
    let sampled = DecodeSettings { order_temperature: 0.3, ..settings.clone() };
    if dice.is_one_of(2) && sampled.validate().is_ok() { sampled } else { settings }
}

fn parallelism(dice: &mut Dice) -> Parallelism {
    let schedule = Schedule::ALL[dice.below(4) as usize];
    let steps = 1 + dice.below(9);
    match dice.below(12) {
        0 => Parallelism::SlotsPerCall { slots: 1 + dice.below(4) },
        1 => Parallelism::Quota { steps, schedule },
        2 => Parallelism::FirstHitting { schedule },
        3 => Parallelism::Threshold { probability: 0.3 + 0.1 * f64::from(dice.below(7)) },
        4 => Parallelism::Factor { factor: 0.5 + 0.3 * f64::from(dice.below(6)) },
        5 => Parallelism::EntropyBounded { nats: 0.3 * f64::from(dice.below(5)) },
        6 => Parallelism::Stable {
            probability: 0.2 * f64::from(dice.below(5)),
            drift_nats: 0.3,
            calls: 1 + dice.below(2),
            slots: 1 + dice.below(2),
        },
        7 => Parallelism::Rounds,
        _ => Parallelism::Ancestral { steps, schedule },
    }
}

fn noise_and_remasking(dice: &mut Dice, parallelism: Parallelism) -> (Noise, Remasking) {
    let words = Words { first: 3, count: 4 };
    let masks = |remasking| (Noise::Mask, remasking);
    match parallelism {
        Parallelism::Ancestral { .. } => match dice.below(9) {
            0 => (Noise::Uniform { words, greedy_tail: dice.is_one_of(2) }, Remasking::Never),
            1 => {
                let noise = Noise::MaskUniform { words, uniform_share: 0.3, greedy_tail: dice.is_one_of(2) };
                (noise, Remasking::Never)
            }
            2 => masks(Remasking::Cap { eta: 0.4 }),
            3 => masks(Remasking::Rescale { eta: 0.7 }),
            4 => masks(Remasking::Confidence),
            5 => masks(Remasking::Loop { eta: 0.4, on: 0.8, off: 0.3, alpha: 0.5 }),
            6 => masks(Remasking::ForwardBackward { scale: 2.0 }),
            _ => masks(Remasking::Never),
        },
        Parallelism::Quota { .. } if dice.is_one_of(2) => {
            let believed = [Believed::Largest, Believed::Latest][dice.below(2) as usize];
            masks(Remasking::RunningConfidence { believed })
        }
        _ => masks(Remasking::Never),
    }
}

/// Rounds are dilated, other noise draws every slot anew, and what goes by confidence needs no other order.
fn order(dice: &mut Dice, parallelism: Parallelism, noise: Noise, remasking: Remasking) -> Order {
    let by_confidence = matches!(parallelism, Parallelism::Factor { .. })
        || matches!(remasking, Remasking::RunningConfidence { .. });
    if parallelism == Parallelism::Rounds {
        Order::Dilated
    } else if noise != Noise::Mask {
        Order::default()
    } else if by_confidence {
        [Order::default(), Order::Confidence][dice.below(2) as usize]
    } else {
        Order::ALL[dice.below(Order::ALL.len() as u32) as usize]
    }
}

fn correction(dice: &mut Dice, masked: bool) -> Option<Correction> {
    let calls = 1 + dice.below(4);
    match dice.below(6) {
        0 => Some(Correction::OneByOne { temperature: 0.3, time: 0.1, patience: 2, calls }),
        1 if masked => Some(Correction::LeastSure { slots: 1 + dice.below(3), calls }),
        2 if masked => Some(Correction::Gibbs { slots: 1 + dice.below(3), calls }),
        _ => None,
    }
}

/// The fewest and the most calls that the documentation allows.
pub fn calls_allowed(settings: &DecodeSettings, start: &Sequence) -> (usize, usize) {
    let (masked, length) = (start.masked_count(), start.len());
    let corrections = match settings.correction {
        Some(
            Correction::OneByOne { calls, .. }
            | Correction::LeastSure { calls, .. }
            | Correction::Gibbs { calls, .. },
        ) => calls as usize,
        None => 0,
    };
    let clocked = settings.noise != Noise::Mask
        || !matches!(settings.remasking, Remasking::Never | Remasking::RunningConfidence { .. });
    let (block, blocks) = match settings.block_length as usize {
        0 => (length, 1),
        block => (block.min(length), (length - start.open_slots().next().unwrap_or(0)).div_ceil(block)),
    };
    let no_spans = settings.sequential.is_empty();
    let (least, most) = match settings.parallelism {
        _ if masked == 0 => (0, 0),
        Parallelism::Ancestral { steps, .. } if clocked => (steps as usize, steps as usize),
        Parallelism::Quota { steps, .. } | Parallelism::Ancestral { steps, .. } if no_spans => {
            (1, (steps as usize * blocks).min(masked))
        }
        Parallelism::SlotsPerCall { slots }
            if no_spans && settings.block_length == 0 && !settings.fill_after_end =>
        {
            (masked.div_ceil(slots as usize), masked.div_ceil(slots as usize))
        }
        Parallelism::FirstHitting { .. } if !settings.fill_after_end => (masked, masked),
        Parallelism::Rounds if no_spans => (1, block.ilog2().max(1) as usize * blocks),
        _ => (1, masked),
    };
    (least, most + corrections)
}
