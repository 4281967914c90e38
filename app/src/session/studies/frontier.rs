//! Quality against calls: the same model over a grid of parallelism, temperature and order.

use diffusion::decode::{Decoder, Order, run_batch};
use diffusion::measure::judge::{DISTINCT, judge};
use diffusion::measure::{Estimate, Moments};
use diffusion::{Denoiser, FullDenoiser, SpecialTokens};
use model_loader::{ModelConfig, Process};

use super::runs::{Trouble, decoder, state_at, text};
use crate::failure::Failure;
use crate::session::language::Language;
use crate::settings::Settings;

/// Slots per call of the grid.
const SLOTS: [u32; 7] = [64, 32, 16, 8, 4, 2, 1];
/// Those of a quick look, besides the visitor's.
const GLANCE_SLOTS: [u32; 3] = [64, 16, 4];
/// Most texts per setting of a quick look.
pub const GLANCE_STORIES: u32 = 3;
/// Temperatures of the grid, besides the visitor's.
const TEMPERATURES: [f32; 2] = [0.5, 1.0];
/// Orders of the grid, besides the visitor's.
const ORDERS: [Order; 2] = [Order::Random, Order::Confidence];

/// How much is swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// A few settings and texts, in seconds: what the lab opens with.
    Glance,
    /// All of the grid, in minutes.
    Whole,
}

/// One setting of the grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Slots per call.
    pub slots: u32,
    /// Softmax temperature.
    pub temperature: f32,
    /// Decoding order.
    pub order: Order,
}

impl Place {
    /// The visitor's own.
    pub fn of(settings: &Settings) -> Self {
        Self { slots: settings.slots, temperature: settings.temperature, order: settings.order }
    }
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
    pub distinct: Option<Estimate>,
}

/// The sweep as far as it has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Frontier {
    /// How much is swept.
    pub extent: Extent,
    /// What all its texts share.
    pub shared: Settings,
    /// All settings that it measures, cheap ones first.
    pub grid: Vec<Place>,
    /// What is measured, in the order of the grid.
    pub points: Vec<Point>,
}

impl Frontier {
    /// A sweep over a grid. What a sweep before has measured of the same texts is not measured again.
    pub fn begin(extent: Extent, settings: &Settings, grid: Vec<Place>, before: Option<&Self>) -> Self {
        let shared = shared(settings);
        let known = before.filter(|before| before.shared == shared).map_or(&[][..], |before| &before.points);
        let point = |place: &Place| known.iter().find(|point| point.place == *place).copied();
        let points = grid.iter().filter_map(point).collect();
        Self { extent, shared, grid, points }
    }

    /// What is still to be measured.
    pub fn missing(&self) -> Vec<Place> {
        let is_missing = |place: &&Place| self.points.iter().all(|point| point.place != **place);
        self.grid.iter().filter(is_missing).copied().collect()
    }

    /// Takes a point in, at its place in the grid.
    pub fn add(&mut self, point: Point) {
        let place = |wanted: &Place| self.grid.iter().position(|place| place == wanted);
        let before = |other: &&Point| place(&other.place) < place(&point.place);
        let at = self.points.iter().filter(before).count();
        self.points.insert(at, point);
    }

    /// Most calls that one of its texts can take.
    pub fn most_calls(&self) -> usize {
        let fewest = self.grid.iter().map(|place| place.slots).min().unwrap_or(1);
        self.shared.length.div_ceil(fewest.max(1) as usize)
    }
}

/// What all texts of a sweep share: all but what it varies.
pub fn shared(settings: &Settings) -> Settings {
    let Place { slots, temperature, order } = Place::of(&Settings::default());
    Settings { slots, temperature, order, ..settings.clone() }
}

/// The grid around the visitor's setting: cheap settings first, so that the curve shows its shape early. Only masks can go in
/// any order.
pub fn grid(settings: &Settings, extent: Extent, length: usize, process: &Process) -> Vec<Place> {
    let own = Place::of(settings);
    let (mut slots, mut temperatures) = match extent {
        Extent::Glance => (GLANCE_SLOTS.to_vec(), Vec::new()),
        Extent::Whole => (SLOTS.to_vec(), TEMPERATURES.to_vec()),
    };
    let mut orders = if *process == Process::Mask { ORDERS.to_vec() } else { Vec::new() };
    slots.retain(|slots| *slots as usize <= length);
    // One call per slot takes longest: a quick look does without all but the visitor's own.
    let is_one_of_few = extent == Extent::Glance && !slots.contains(&own.slots);
    add(&mut slots, own.slots);
    add(&mut temperatures, own.temperature);
    add(&mut orders, own.order);
    slots.sort_unstable_by(|a, b| b.cmp(a));
    temperatures.sort_by(f32::total_cmp);
    let mut all = Vec::new();
    for slots in slots {
        for &temperature in &temperatures {
            all.extend(orders.iter().map(|&order| Place { slots, temperature, order }));
        }
    }
    all.retain(|place| !is_one_of_few || place.slots != own.slots || *place == own);
    all
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
        let Place { temperature, order, slots } = place;
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
pub async fn measure<D: FullDenoiser, J: Denoiser<Error = D::Error>>(
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
    let judgement =
        judge(judging, &ends, SpecialTokens::default(), DISTINCT).await.map_err(Trouble::Denoiser)?;
    let texts: Vec<_> = ends.iter().map(text).collect();
    let broken = language.violations_of_all(&texts, give_way).await;
    let broken = broken.iter().map(|list| list.len() as f64);
    Ok(Point {
        place,
        calls: runs.iter().map(|run| run.steps.len() as f64).sum::<f64>() / runs.len().max(1) as f64,
        broken: broken.collect::<Moments>().estimate(),
        surprise: judgement.map(|judgement| judgement.bits_per_token),
        entropy: judgement.map(|judgement| judgement.entropy_bits),
        distinct: judgement.and_then(|judgement| judgement.distinct_share),
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
        let grid = grid(&settings, Extent::Whole, 64, &Process::Mask);
        assert_eq!(grid.len(), 8 * 3 * 3);
        assert_eq!(grid.iter().filter(|place| **place == Place::of(&settings)).count(), 1);
        assert!((1..grid.len()).all(|i| !grid[..i].contains(&grid[i])));
        assert!(grid[0].slots == 64 && grid[grid.len() - 1].slots == 1, "cheap settings come first");
        let narrow = Settings { slots: 1, ..settings };
        assert_eq!(super::grid(&narrow, Extent::Whole, 8, &Process::Mask).len(), 4 * 3 * 3);
        assert_eq!(super::grid(&narrow, Extent::Whole, 8, &Process::Uniform).len(), 4 * 3);
    }

    #[test]
    fn a_quick_look_has_few_settings_and_the_visitors_is_one_of_them() {
        let settings = Settings::default();
        let grid = grid(&settings, Extent::Glance, 64, &Process::Mask);
        assert_eq!(grid.len(), 3 * 2 + 1);
        assert!(grid.contains(&Place::of(&settings)));
        assert!(planned(&grid, GLANCE_STORIES, 64) < 350, "it must be over in seconds");
        let among = Settings { slots: 16, ..settings };
        assert_eq!(super::grid(&among, Extent::Glance, 64, &Process::Mask).len(), 3 * 2);
    }

    #[test]
    fn what_was_measured_of_the_same_texts_is_not_measured_again() {
        let settings = Settings::default();
        let begin = |settings: &Settings, before: Option<&Frontier>| {
            let grid = grid(settings, Extent::Glance, 64, &Process::Mask);
            Frontier::begin(Extent::Glance, settings, grid, before)
        };
        let mut before = begin(&settings, None);
        let all = before.missing();
        assert_eq!((all.len(), before.most_calls()), (7, 64));
        for &place in all.iter().rev() {
            before.add(Point {
                place,
                calls: 1.0,
                broken: None,
                surprise: None,
                entropy: None,
                distinct: None,
            });
        }
        assert!(before.points.iter().map(|point| point.place).eq(all), "in the order of the grid");
        let moved = Settings { slots: 2, ..settings.clone() };
        let again = begin(&moved, Some(&before));
        assert_eq!((again.points.len(), again.missing()), (6, vec![Place::of(&moved)]));
        let others = Settings { seed: 4, ..settings };
        assert!(begin(&others, Some(&before)).points.is_empty(), "other texts");
    }

    #[test]
    fn the_plan_counts_calls_and_judgements() {
        let settings = Settings { temperature: 0.5, order: Order::Random, ..Settings::default() };
        let grid = grid(&settings, Extent::Whole, 64, &Process::Mask);
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
        let place = Place { slots: 3, temperature: 1.0, order: Order::Random };
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
        assert!(point.distinct.unwrap().value <= 1.0);
    }
}
