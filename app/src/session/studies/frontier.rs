//! Quality against calls: the same model over a grid of parallelism, temperature and order.

use diffusion::decode::{Decoder, Order, run_batch};
use diffusion::measure::judge::judge;
use diffusion::measure::{Estimate, Moments};
use diffusion::{Denoiser, SpecialTokens};
use model_loader::{ModelConfig, Process};

use super::runs::{Trouble, decoder, state_at, text};
use crate::failure::Failure;
use crate::session::language::Language;
use crate::settings::Settings;

/// Slots per call of the grid.
const SLOTS: [u32; 7] = [64, 32, 16, 8, 4, 2, 1];
/// Temperatures of the grid, besides the visitor's.
const TEMPERATURES: [f32; 2] = [0.5, 1.0];
/// Orders of the grid, besides the visitor's.
const ORDERS: [Order; 2] = [Order::Random, Order::Confidence];

/// One setting of the grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Slots per call.
    pub slots: u32,
    /// Softmax temperature.
    pub temperature: f32,
    /// Decoding order.
    pub order: Order,
    /// Whether it is the visitor's present setting.
    pub is_visitors: bool,
}

/// What was measured at a setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The setting.
    pub place: Place,
    /// Calls per text, a mean over texts.
    pub calls: f64,
    /// Broken rules per text, where the language is known.
    pub broken: Option<Estimate>,
    /// Bits per token under the autoregressive model of the language.
    pub surprise: Option<Estimate>,
    /// Entropy in bits of each text's own words.
    pub entropy: Option<Estimate>,
    /// Distinct 2-grams over all 2-grams of the texts.
    pub distinct: Option<f64>,
}

/// The sweep as far as it has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frontier {
    /// What is measured.
    pub points: Vec<Point>,
}

/// The grid around the visitor's setting: cheap settings first, so that the curve shows its shape early. Only masks can go in
/// any order.
pub fn grid(settings: &Settings, length: usize, process: &Process) -> Vec<Place> {
    let mut slots: Vec<u32> = SLOTS.into_iter().filter(|slots| *slots as usize <= length).collect();
    let mut temperatures = TEMPERATURES.to_vec();
    let mut orders = if *process == Process::Mask { ORDERS.to_vec() } else { Vec::new() };
    add(&mut slots, settings.slots);
    add(&mut temperatures, settings.temperature);
    add(&mut orders, settings.order);
    slots.sort_unstable_by(|a, b| b.cmp(a));
    temperatures.sort_by(f32::total_cmp);
    let all =
        slots.iter().flat_map(|slots| temperatures.iter().map(move |temperature| (*slots, *temperature)));
    let all =
        all.flat_map(|(slots, temperature)| orders.iter().map(move |order| (slots, temperature, *order)));
    all.map(|(slots, temperature, order)| Place {
        slots,
        temperature,
        order,
        is_visitors: (slots, temperature, order) == (settings.slots, settings.temperature, settings.order),
    })
    .collect()
}

fn add<T: PartialEq>(list: &mut Vec<T>, value: T) {
    if !list.contains(&value) {
        list.push(value);
    }
}

/// Sequences that the sweep will ask about: every call of every text, and one judgement each.
pub fn planned(grid: &[Place], stories: u32, open: usize) -> usize {
    let calls = |place: &Place| open.div_ceil(place.slots.max(1) as usize) + 1;
    grid.iter().map(calls).sum::<usize>() * stories as usize
}

/// Decoders of all texts at a setting; seeds are the same at every setting.
///
/// # Errors
/// If the visitor's words do not fit.
pub fn decoders(
    settings: &Settings,
    place: Place,
    language: &Language,
    config: &ModelConfig,
) -> Result<Vec<Decoder>, Failure> {
    let one = |story: u32| {
        let Place { temperature, order, slots, .. } = place;
        let seed = settings.seed.wrapping_add(story);
        let settings = Settings { seed, temperature, order, ..settings.clone() };
        Ok(decoder(&settings, language, config, slots)?.0)
    };
    (0..settings.stories).map(one).collect()
}

/// Writes all texts at a setting, checks them and has them judged. Between two texts `give_way` may pause.
///
/// # Errors
/// If a denoiser fails or is overtaken.
pub async fn measure<D: Denoiser, J: Denoiser<Error = D::Error>>(
    denoiser: &mut D,
    judging: &mut J,
    language: &Language,
    place: Place,
    decoders: Vec<Decoder>,
    give_way: impl AsyncFnMut(),
) -> Result<Point, Trouble<D::Error>> {
    let runs = run_batch(denoiser, decoders).await.map_err(Trouble::of)?;
    let ends = runs.iter().map(|run| state_at(run, run.steps.len())).collect::<Result<Vec<_>, _>>();
    let ends = ends.map_err(Trouble::Other)?;
    let judgement = judge(judging, &ends, SpecialTokens::default()).await.map_err(Trouble::Denoiser)?;
    let texts: Vec<_> = ends.iter().map(text).collect();
    let broken = language.violations_of_all(&texts, give_way).await;
    let broken = broken.iter().map(|list| list.len() as f64);
    Ok(Point {
        place,
        calls: runs.iter().map(|run| run.steps.len() as f64).sum::<f64>() / runs.len().max(1) as f64,
        broken: broken.collect::<Moments>().estimate(),
        surprise: judgement.map(|judgement| judgement.bits_per_token),
        entropy: judgement.map(|judgement| judgement.entropy_bits),
        distinct: judgement.map(|judgement| judgement.distinct_share),
    })
}

#[cfg(test)]
mod tests {
    use diffusion::Sequence;
    use diffusion::decode::{DecodeSettings, Parallelism};
    use diffusion::exact::two_sentences;

    use super::*;
    use crate::session::decode::tests::now;
    use crate::session::language::tests::storyworld;

    #[test]
    fn the_grid_has_the_visitors_setting_once_and_no_setting_twice() {
        let settings = Settings { slots: 5, temperature: 0.8, order: Order::Entropy, ..Settings::default() };
        let grid = grid(&settings, 64, &Process::Mask);
        assert_eq!(grid.len(), 8 * 3 * 3);
        assert_eq!(grid.iter().filter(|place| place.is_visitors).count(), 1);
        assert!((1..grid.len()).all(|i| !grid[..i].contains(&grid[i])));
        assert!(grid[0].slots == 64 && grid[grid.len() - 1].slots == 1, "cheap settings come first");
        let narrow = Settings { slots: 1, ..settings };
        assert_eq!(super::grid(&narrow, 8, &Process::Mask).len(), 4 * 3 * 3);
        assert_eq!(super::grid(&narrow, 8, &Process::Uniform).len(), 4 * 3);
    }

    #[test]
    fn the_plan_counts_calls_and_judgements() {
        let settings = Settings { temperature: 0.5, order: Order::Random, ..Settings::default() };
        let grid = grid(&settings, 64, &Process::Mask);
        assert_eq!(planned(&grid, 2, 64), 2 * 2 * 2 * (127 + 7));
    }

    #[test]
    fn a_point_is_read_off_its_texts() {
        let special = SpecialTokens::default();
        let decoder = |seed| {
            let settings = DecodeSettings {
                seed,
                parallelism: Parallelism::SlotsPerCall { slots: 3 },
                ..Default::default()
            };
            Decoder::new(settings, Sequence::masked(3, special.mask), special).unwrap()
        };
        let place = Place { slots: 3, temperature: 1.0, order: Order::Random, is_visitors: false };
        let [mut writer, mut judge] = [(); 2].map(|()| two_sentences::corpus(0.5).unwrap());
        let point = now(measure(
            &mut writer,
            &mut judge,
            &storyworld(),
            place,
            (0..8).map(decoder).collect(),
            async || {},
        ));
        let point = point.unwrap();
        assert_eq!(point.calls, 1.0);
        assert!(point.broken.is_some() && point.surprise.is_some() && point.entropy.is_some());
        assert!(point.distinct.unwrap() <= 1.0);
    }
}
