//! What can be asked of `unmask`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use diffusion::decode::{DecodeSettings, Order, Parallelism, Sampling};
use diffusion::measure::BoundSettings;
use diffusion::measure::judge::DISTINCT;
use diffusion::schedule::Schedule;
use engine::BackendChoice;

/// Run and measure small masked diffusion language models.
#[derive(Parser)]
#[command(name = "unmask", version)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Write text with a model.
    Generate(Generate),
    /// Say what is in a model file.
    Info(Info),
    /// Measure what a text file costs under a model, in bits per token, and its gap to storyworld's truth.
    Eval(Eval),
    /// Put a decoding schedule under test, beside one slot per call at the same seeds.
    Diagnose(Diagnose),
    /// Read the five properties off a model with a schedule, the paper's mark beside each.
    Scorecard(Scorecard),
    /// Measure a grid of schedules into a CSV file; goes on where it was cut off.
    Sweep(Sweep),
    /// Say what is known exactly about a small system.
    Exact(Exact),
}

/// Arguments of `unmask generate`.
#[derive(Args)]
pub struct Generate {
    /// Which model, on which back end.
    #[command(flatten)]
    pub model: Model,
    /// Text to go on from; `_` is a slot to fill in.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub prompt: String,
    /// Slots of the whole text, prompt included [default: the model's window].
    #[arg(long, value_name = "SLOTS")]
    pub length: Option<usize>,
    /// How to decode.
    #[command(flatten)]
    pub decoding: Decoding,
    /// What shares the work.
    #[command(flatten)]
    pub company: Company,
    /// Print the whole trajectory as JSON.
    #[arg(long)]
    pub json: bool,
}

/// What changes the model's word, or writes along with it.
#[derive(Args)]
pub struct Company {
    /// Guidance and rules as JSON: a scale, allowed words, patterns, the checker of storyworld. A run that a rule leaves nothing to
    /// write ends in an error, which one slot per call never meets.
    #[arg(long, value_name = "FILE")]
    pub guides: Option<PathBuf>,
    /// How an autoregressive model writes along, as JSON: `{"hybrid": "rerank", "candidates": 4}`.
    #[arg(long, value_name = "FILE", requires = "autoregressive", conflicts_with = "guides")]
    pub hybrid: Option<PathBuf>,
    /// That autoregressive model (GGUF), of the same words.
    #[arg(long = "ar", value_name = "MODEL", requires = "hybrid")]
    pub autoregressive: Option<PathBuf>,
}

/// Which model, on which back end.
#[derive(Args)]
pub struct Model {
    /// Model file (GGUF).
    #[arg(long = "model", value_name = "FILE")]
    pub file: PathBuf,
    /// What computes.
    #[arg(long, value_enum, default_value_t = Backend::Auto)]
    pub backend: Backend,
}

/// How to decode; the defaults add no approximation.
#[derive(Args)]
pub struct Decoding {
    /// All of it as one JSON file instead, as `diagnose` takes it and `--json` prints it.
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "seed", "order", "parallelism", "steps", "schedule", "ancestral", "temperature", "top_k", "top_p", "no_end",
        "corrupt",
    ])]
    pub settings: Option<PathBuf>,
    /// Seed of every random decision.
    #[arg(long, default_value_t = 0)]
    pub seed: u32,
    /// Which slots are committed first.
    #[arg(long, value_enum, default_value_t = OrderName::Random)]
    pub order: OrderName,
    /// Slots committed per call.
    #[arg(long, value_name = "SLOTS", default_value_t = 1, conflicts_with = "steps")]
    pub parallelism: u32,
    /// Commit along a schedule in this many steps instead.
    #[arg(long)]
    pub steps: Option<u32>,
    /// Schedule of the steps, and of the corruption.
    #[arg(long, value_enum, default_value_t = ScheduleName::Linear)]
    pub schedule: ScheduleName,
    /// Reveal every slot with the schedule's probability instead of an even quota per step.
    #[arg(long, requires = "steps")]
    pub ancestral: bool,
    /// Softmax temperature; 0 takes the most probable token.
    #[arg(long, default_value_t = 1.0)]
    pub temperature: f32,
    /// Draw among the most probable tokens only; 0 turns it off.
    #[arg(long, value_name = "TOKENS", default_value_t = 0)]
    pub top_k: u32,
    /// Draw from the most probable tokens that reach this mass; 1 turns it off.
    #[arg(long, value_name = "MASS", default_value_t = 1.0)]
    pub top_p: f32,
    /// Fill all slots with words: never predict the end of the text.
    #[arg(long)]
    pub no_end: bool,
    /// Take the prompt as a whole text and begin from its corruption at this time in (0, 1].
    #[arg(long, value_name = "TIME", requires = "prompt")]
    pub corrupt: Option<f64>,
}

/// Arguments of `unmask info`.
#[derive(Args)]
pub struct Info {
    /// Model file (GGUF).
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `unmask eval`.
#[derive(Args)]
pub struct Eval {
    /// Which model, on which back end.
    #[command(flatten)]
    pub model: Model,
    /// Text file, one passage per line.
    #[arg(long, value_name = "FILE")]
    pub text: PathBuf,
    /// Measure the first passages only.
    #[arg(long, value_name = "PASSAGES")]
    pub limit: Option<usize>,
    /// Draws per passage, at least 2.
    #[arg(long, value_name = "DRAWS", default_value_t = BoundSettings::default().draws,
          value_parser = clap::value_parser!(u32).range(2..))]
    pub samples: u32,
    /// Draws per call.
    #[arg(long, value_name = "DRAWS", default_value_t = BoundSettings::default().batch,
          value_parser = clap::value_parser!(u32).range(1..=256))]
    pub batch: u32,
    /// Seed of the hidden slots.
    #[arg(long, default_value_t = 0)]
    pub seed: u32,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// What texts are compared with, and how.
#[derive(Args)]
pub struct Compared {
    /// Texts of the language, one per line, to take 3-grams and common words from [default: stories, if the model writes storyworld].
    #[arg(long, value_name = "FILE")]
    pub reference: Option<PathBuf>,
    /// Held-out texts, one per line: their share of 3-grams that the reference lacks is taken off that of the runs [default: stories,
    /// if the model writes storyworld].
    #[arg(long, value_name = "FILE")]
    pub held_out: Option<PathBuf>,
    /// Words in the n-grams whose distinct share is measured, 1 to 4.
    #[arg(long, value_name = "WORDS", default_value_t = DISTINCT as u32, value_parser = clap::value_parser!(u32).range(1..=4))]
    pub distinct: u32,
}

/// Arguments of `unmask diagnose`. Limits hold for means over texts; a passed one ends with exit code 3.
#[derive(Args)]
pub struct Diagnose {
    /// Which model, on which back end.
    #[command(flatten)]
    pub model: Model,
    /// The schedule: decoding settings as JSON, as `generate --json` prints them [default with --hybrid: one slot per call].
    #[arg(long, value_name = "FILE", required_unless_present = "hybrid")]
    pub schedule: Option<PathBuf>,
    /// What is tested beside the schedule. The baseline has the same guides; of a hybrid it is the mask model alone.
    #[command(flatten)]
    pub company: Company,
    /// Texts to go on from, one per line [default: none, from nothing].
    #[arg(long, value_name = "FILE")]
    pub prompts: Option<PathBuf>,
    /// Seeds per prompt, at least 2.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(2..))]
    pub seeds: u32,
    /// Runs side by side.
    #[arg(long, value_name = "RUNS", default_value_t = 16, value_parser = batch)]
    pub batch: usize,
    /// Keeps what is measured in this file, and goes on from it where a run was stopped.
    #[arg(long, value_name = "FILE")]
    pub keep: Option<PathBuf>,
    /// What the texts are compared with.
    #[command(flatten)]
    pub compared: Compared,
    /// Most broken rules per story.
    #[arg(long, value_name = "NUMBER")]
    pub max_violations: Option<f64>,
    /// Largest share of unseen 3-grams above that of held-out texts.
    #[arg(long, value_name = "SHARE")]
    pub max_unseen: Option<f64>,
    /// Most words per text that follow themselves.
    #[arg(long, value_name = "NUMBER")]
    pub max_duplicates: Option<f64>,
    /// Most bits at stake per text in joint commits.
    #[arg(long, value_name = "BITS")]
    pub max_stake: Option<f64>,
    /// Most bits of damage per text by joint commits.
    #[arg(long, value_name = "BITS")]
    pub max_damage: Option<f64>,
    /// Largest share of the commonest words.
    #[arg(long, value_name = "SHARE")]
    pub max_collapse: Option<f64>,
    /// Most calls per text.
    #[arg(long, value_name = "NUMBER")]
    pub max_calls: Option<f64>,
    /// Most sequences per text that the model is shown; guidance shows two per call.
    #[arg(long, value_name = "NUMBER")]
    pub max_sequences: Option<f64>,
    /// Most sequences per text that the autoregressive model of a hybrid is shown.
    #[arg(long, value_name = "NUMBER")]
    pub max_ar_sequences: Option<f64>,
    /// Smallest share of distinct n-grams in a text.
    #[arg(long, value_name = "SHARE")]
    pub min_distinct: Option<f64>,
    /// Smallest unigram entropy of a text in bits.
    #[arg(long, value_name = "BITS")]
    pub min_entropy: Option<f64>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `unmask scorecard`.
#[derive(Args)]
pub struct Scorecard {
    /// Which model, on which back end.
    #[command(flatten)]
    pub model: Model,
    /// The schedule: decoding settings as JSON, as `generate --json` prints them.
    #[arg(long, value_name = "FILE")]
    pub schedule: PathBuf,
    /// Texts to go on from, one per line [default: none, from nothing].
    #[arg(long, value_name = "FILE")]
    pub prompts: Option<PathBuf>,
    /// Held-out texts, one per line: how evenly the process takes them away is told only with them.
    #[arg(long, value_name = "FILE")]
    pub text: Option<PathBuf>,
    /// Draws of noise per held-out text, at least 2.
    #[arg(long, value_name = "DRAWS", default_value_t = 64, value_parser = clap::value_parser!(u32).range(2..))]
    pub samples: u32,
    /// Also asks how many bits of the held-out texts are left at five times under every process that hides: five of them, or seven
    /// where the model's file counts its tokens, and of models of other noise their own.
    #[arg(long, requires = "text")]
    pub processes: bool,
    /// Autoregressive model (GGUF) of the same words, which judges the texts of the schedule and of two with fewer calls: quality per
    /// call is told only with it.
    #[arg(long, value_name = "FILE")]
    pub judge: Option<PathBuf>,
    /// Words in the n-grams whose distinct share stands beside a judge's bits, 1 to 4.
    #[arg(long, value_name = "WORDS", default_value_t = DISTINCT as u32, value_parser = clap::value_parser!(u32).range(1..=4))]
    pub distinct: u32,
    /// Seeds per prompt, at least 2.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(2..))]
    pub seeds: u32,
    /// Runs side by side.
    #[arg(long, value_name = "RUNS", default_value_t = 16, value_parser = batch)]
    pub batch: usize,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `unmask sweep`.
#[derive(Args)]
pub struct Sweep {
    /// Which model, on which back end.
    #[command(flatten)]
    pub model: Model,
    /// The grid: `{"base": schedule, "vary": {"/parallelism/slots": [1, 2, 4], ...}}`; places of guides and of a hybrid are
    /// `/guides/scale`, `/hybrid/candidates` and so on.
    #[arg(long, value_name = "FILE")]
    pub grid: PathBuf,
    /// What every cell has beside its schedule.
    #[command(flatten)]
    pub company: Company,
    /// The CSV file to write or to go on with.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Texts to go on from, one per line [default: none, from nothing].
    #[arg(long, value_name = "FILE")]
    pub prompts: Option<PathBuf>,
    /// Seeds per prompt, at least 2.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(2..))]
    pub seeds: u32,
    /// Runs side by side.
    #[arg(long, value_name = "RUNS", default_value_t = 16, value_parser = batch)]
    pub batch: usize,
    /// What the texts are compared with.
    #[command(flatten)]
    pub compared: Compared,
}

/// Arguments of `unmask exact`.
#[derive(Args)]
pub struct Exact {
    /// Which system [default: lists them].
    #[arg(value_enum)]
    pub system: Option<System>,
    /// Probability of the first of two sentences.
    #[arg(long, value_name = "PROBABILITY", default_value_t = 0.5)]
    pub weight: f64,
    /// Probability with which the chain changes its word.
    #[arg(long, value_name = "PROBABILITY", default_value_t = 0.1)]
    pub flip: f64,
    /// Elements of a list, words of a disjoint sentence.
    #[arg(long, value_name = "WORDS", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=8))]
    pub length: u32,
    /// Number of disjoint sentences.
    #[arg(long, value_name = "SENTENCES", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub count: u32,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Small systems by name.
#[derive(Clone, Copy, ValueEnum)]
pub enum System {
    /// Two sentences of three words that share none.
    TwoSentences,
    /// The symmetric Markov chain of two words.
    Markov,
    /// A list copied, with one element replaced, and shuffled (ParallelBench).
    Lists,
    /// Sentences that share no word.
    Disjoint,
}

/// A number of runs side by side.
fn batch(text: &str) -> Result<usize, String> {
    let range = 1..=256;
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("expected a number from {} to {}", range.start(), range.end()))
}

/// Back ends by name.
#[derive(Clone, Copy, ValueEnum)]
pub enum Backend {
    /// The graphics card where there is a real one, else the CPU.
    Auto,
    /// WebGPU on any adapter, or an error.
    Gpu,
    /// Fast, on the CPU.
    Cpu,
    /// Slow, in double precision.
    Reference,
}

/// Decoding orders by name.
#[derive(Clone, Copy, ValueEnum)]
pub enum OrderName {
    /// A random subset at every step.
    Random,
    /// Reading order.
    LeftToRight,
    /// The most probable draw first.
    Confidence,
    /// The largest gap between the two best first.
    Margin,
    /// The lowest entropy first.
    Entropy,
    /// Evenly spread, by a low-discrepancy sequence.
    Halton,
    /// In rounds of slots far apart.
    Dilated,
}

/// Schedules by name.
#[derive(Clone, Copy, ValueEnum)]
pub enum ScheduleName {
    /// The same number at every step.
    Linear,
    /// Few first, many last.
    Cosine,
    /// As linear, but 1 in 1000 tokens survives a corruption to time 1.
    LogLinear,
    /// Noise that grows by equal factors: most at once in the middle.
    Geometric,
}

impl From<Backend> for BackendChoice {
    fn from(backend: Backend) -> Self {
        match backend {
            Backend::Auto => Self::Auto,
            Backend::Gpu => Self::WebGpu,
            Backend::Cpu => Self::Cpu,
            Backend::Reference => Self::Reference,
        }
    }
}

impl From<OrderName> for Order {
    fn from(name: OrderName) -> Self {
        match name {
            OrderName::Random => Self::Random,
            OrderName::LeftToRight => Self::LeftToRight,
            OrderName::Confidence => Self::Confidence,
            OrderName::Margin => Self::Margin,
            OrderName::Entropy => Self::Entropy,
            OrderName::Halton => Self::Halton,
            OrderName::Dilated => Self::Dilated,
        }
    }
}

impl From<ScheduleName> for Schedule {
    fn from(name: ScheduleName) -> Self {
        match name {
            ScheduleName::Linear => Self::Linear,
            ScheduleName::Cosine => Self::Cosine,
            ScheduleName::LogLinear => Self::LogLinear,
            ScheduleName::Geometric => Self::Geometric,
        }
    }
}

impl Decoding {
    /// What the single arguments say, for a decoder, which checks their ranges.
    pub fn single_settings(&self) -> DecodeSettings {
        let schedule = self.schedule.into();
        let parallelism = match self.steps {
            None => Parallelism::SlotsPerCall { slots: self.parallelism },
            Some(steps) if self.ancestral => Parallelism::Ancestral { steps, schedule },
            Some(steps) => Parallelism::Quota { steps, schedule },
        };
        let sampling = Sampling {
            temperature: self.temperature,
            top_k: self.top_k,
            top_p: self.top_p,
            suppress_end_of_text: self.no_end,
        };
        let start_time = self.corrupt.unwrap_or(1.0);
        DecodeSettings {
            seed: self.seed,
            order: self.order.into(),
            parallelism,
            sampling,
            start_time,
            ..DecodeSettings::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(line: &str) -> DecodeSettings {
        let words = format!("unmask generate --model m.gguf {line}");
        match Arguments::try_parse_from(words.split_whitespace()).unwrap().command {
            Command::Generate(generate) => generate.decoding.single_settings(),
            _ => unreachable!("the line says generate"),
        }
    }

    #[test]
    fn no_arguments_are_the_defaults_of_the_decoder() {
        assert_eq!(settings(""), DecodeSettings::default());
    }

    #[test]
    fn every_setting_reaches_the_decoder() {
        let line =
            "--seed 7 --order left-to-right --parallelism 4 --temperature 0.5 --top-k 9 --top-p 0.9 --no-end";
        let sampling = Sampling { temperature: 0.5, top_k: 9, top_p: 0.9, suppress_end_of_text: true };
        let parallelism = Parallelism::SlotsPerCall { slots: 4 };
        let order = Order::LeftToRight;
        let expected = DecodeSettings { seed: 7, order, parallelism, sampling, ..DecodeSettings::default() };
        assert_eq!(settings(line), expected);
        assert_eq!(settings("--prompt x --corrupt 0.25").start_time, 0.25);
    }

    #[test]
    fn steps_follow_a_schedule() {
        let linear = Parallelism::Quota { steps: 8, schedule: Schedule::Linear };
        assert_eq!(settings("--steps 8").parallelism, linear);
        let cosine = Parallelism::Ancestral { steps: 8, schedule: Schedule::Cosine };
        assert_eq!(settings("--steps 8 --ancestral --schedule cosine").parallelism, cosine);
    }

    #[test]
    fn orders_and_schedules_have_one_name_each() {
        assert!(OrderName::value_variants().iter().map(|&name| Order::from(name)).eq(Order::ALL));
        assert!(ScheduleName::value_variants().iter().map(|&name| Schedule::from(name)).eq(Schedule::ALL));
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }
}
