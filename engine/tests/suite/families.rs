on_every_target! {
    an_autoregressive_model_sees_what_lies_before
    uniform_noise_is_answered_with_the_posterior
    masks_and_words_are_answered_with_the_posterior
    vectors_and_their_last_guess_are_answered
}

pub mod bodies {
    use diffusion::{Denoiser, FullDenoiser, Mixture, Prediction, Query, Row, TokenId};
    use engine::{BackendChoice, Engine};
    use model_loader::Checkpoint;
    use safetensors::SafeTensors;

    /// Largest error of a log-probability.
    const NEAR: f32 = 2e-3;
    /// Log-probabilities below this are not compared: they never matter, and f32 has little to say about them.
    const RARE: f32 = -20.0;

    /// The files of one family, embedded for the browser.
    macro_rules! golden {
        ($name:literal) => {
            (
                include_bytes!(concat!("../../../tests/golden/tiny-", $name, ".gguf")).as_slice(),
                include_bytes!(concat!("../../../tests/golden/tiny-", $name, ".safetensors")).as_slice(),
            )
        };
    }

    pub async fn an_autoregressive_model_sees_what_lies_before() {
        answers_like_pytorch(golden!("autoregressive")).await;
    }

    pub async fn uniform_noise_is_answered_with_the_posterior() {
        answers_like_pytorch(golden!("uniform")).await;
    }

    pub async fn masks_and_words_are_answered_with_the_posterior() {
        answers_like_pytorch(golden!("mask-uniform")).await;
    }

    pub async fn vectors_and_their_last_guess_are_answered() {
        answers_like_pytorch(golden!("gaussian")).await;
    }

    /// Holds both back ends to what PyTorch says of a model, at some slots of two sequences.
    pub async fn answers_like_pytorch((model, tensors): (&[u8], &[u8])) {
        let checkpoint = Checkpoint::from_bytes(model).unwrap();
        let file = SafeTensors::deserialize(tensors).unwrap();
        let expected: Vec<f32> = floats(&file, "log_probabilities");
        let query = query(&file, checkpoint.config.context_length);
        for choice in [BackendChoice::Cpu, BackendChoice::WebGpu] {
            let (mut engine, _) = Engine::open(&checkpoint, choice, &mut |_| {}).await.unwrap();
            let found = engine.predict(&query).await.unwrap();
            let known = checkpoint.config.vocab_size - 2;
            assert_eq!(
                expected.len(),
                query.rows.len() * known,
                "every row that was asked has its golden one"
            );
            for (index, (prediction, expected)) in found.iter().zip(expected.chunks(known)).enumerate() {
                compare(&format!("{choice:?}, row {index}"), prediction, expected);
            }
            let all = engine.distributions(&query).await.unwrap();
            assert_eq!(all.len(), query.rows.len() * (known + 2), "{choice:?}");
            for (row, (found, expected)) in all.chunks(known + 2).zip(expected.chunks(known)).enumerate() {
                assert_eq!(found[..2], [f32::NEG_INFINITY; 2]);
                let fits = found[2..].iter().zip(expected).all(|(&found, &expected)| near(found, expected));
                assert!(fits, "{choice:?}, whole row {row}");
            }
        }
    }

    /// Whether a log-probability is right; never if one is NaN.
    fn near(found: f32, expected: f32) -> bool {
        (expected < RARE && found < RARE + 1.0) || (found - expected).abs() <= NEAR
    }

    /// Everything that a prediction says, against all log-probabilities of the row.
    fn compare(what: &str, found: &Prediction, expected: &[f32]) {
        let of = |token: TokenId| expected[token.0 as usize - 2];
        for candidate in found.top.iter().chain([&found.drawn]) {
            let (found, expected) = (candidate.log_probability, of(candidate.token));
            assert!(near(found, expected), "{what}: {found}, expected {expected}");
        }
        let mut sorted = expected.to_vec();
        sorted.sort_by(|a, b| b.total_cmp(a));
        for (candidate, &best) in found.top.iter().zip(&sorted) {
            assert!(near(candidate.log_probability, best), "{what}: not among the best");
        }
        let entropy: f32 = expected.iter().map(|l| -l.exp() * l).sum();
        assert!((found.entropy_nats - entropy).abs() <= NEAR, "{what}: entropy {}", found.entropy_nats);
    }

    fn query(file: &SafeTensors<'_>, length: usize) -> Query {
        let tokens: Vec<TokenId> = ints(file, "tokens").into_iter().map(TokenId).collect();
        let slots = ints(file, "slots");
        let positions = (0..tokens.len()).step_by(length).flat_map(|first| {
            let slots = slots.iter();
            slots.map(move |&slot| first + slot as usize)
        });
        let row = |position: usize| Row {
            sequence: (position / length) as u32,
            slot: (position % length) as u32,
            seed: 1,
            call: 0,
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            first_token: 2,
            target: tokens[position],
        };
        let rows = positions.map(row).collect();
        let times = if file.tensor("times").is_ok() { floats(file, "times") } else { Vec::new() };
        let vectors = if file.tensor("vectors").is_ok() { floats(file, "vectors") } else { Vec::new() };
        let mixtures = if vectors.is_empty() { Vec::new() } else { mixtures(file, length) };
        Query { length, times: times.into_iter().map(f64::from).collect(), mixtures, vectors, rows, tokens }
    }

    fn mixtures(file: &SafeTensors<'_>, length: usize) -> Vec<Mixture> {
        let (tokens, weights) = (ints(file, "guess_tokens"), floats(file, "guess_weights"));
        let mixture = |(position, (tokens, weights)): (usize, (&[u32], &[f32]))| Mixture {
            sequence: (position / length) as u32,
            slot: (position % length) as u32,
            parts: std::array::from_fn(|part| (TokenId(tokens[part]), weights[part])),
        };
        tokens.chunks(5).zip(weights.chunks(5)).enumerate().map(mixture).collect()
    }

    fn floats(file: &SafeTensors<'_>, name: &str) -> Vec<f32> {
        ints(file, name).into_iter().map(f32::from_bits).collect()
    }

    fn ints(file: &SafeTensors<'_>, name: &str) -> Vec<u32> {
        let tensor = file.tensor(name).unwrap();
        tensor.data().chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    }
}
