on_every_target! {
    /// The same seeds give the same tokens, and numbers near each other, on every back end.
    back_ends_agree_on_a_query
    /// Automatic choice always ends in an engine, and says why if it is not WebGPU.
    automatic_choice_gives_an_engine
    wrong_queries_are_errors_with_both_numbers
    /// A page that no longer wants an answer drops the call.
    an_abandoned_call_does_no_harm
    /// Destroying the device gives an error, and after reopening the same call the same answer.
    a_lost_device_is_an_error_and_can_be_reopened
}

mod bodies {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use diffusion::{Denoiser, Prediction, Query, Row, TokenId};
    use engine::{BackendChoice, BackendReport, Engine, Error};

    use crate::golden::TINY;

    async fn open(choice: BackendChoice) -> (Engine, BackendReport) {
        Engine::open(&TINY.checkpoint(), choice, &mut |_| {}).await.expect("the back end opens")
    }

    /// Rows of every kind over the golden input.
    fn query() -> Query {
        let tokens: Vec<TokenId> = TINY.tokens().into_iter().map(TokenId).collect();
        let row = |index: u32| Row {
            sequence: index % 2,
            slot: (5 * index) % 16,
            seed: 3,
            call: index,
            temperature: [1.0, 0.0, 0.7][index as usize % 3],
            top_k: if index % 4 == 1 { 5 } else { 0 },
            top_p: if index % 5 == 2 { 0.6 } else { 1.0 },
            first_token: 2 + index % 2,
            target: TokenId(3 + index),
        };
        let rows = (0..24).map(row).collect();
        Query {
            length: 16,
            times: vec![1.0; tokens.len() / 16],
            mixtures: Vec::new(),
            vectors: Vec::new(),
            tokens,
            rows,
        }
    }

    fn assert_alike(name: &str, found: &[Prediction], expected: &[Prediction]) {
        assert_eq!(found.len(), expected.len());
        for (row, (found, expected)) in found.iter().zip(expected).enumerate() {
            let tokens = |p: &Prediction| (p.drawn.token, p.top.map(|candidate| candidate.token));
            assert_eq!(tokens(found), tokens(expected), "{name}, row {row}");
            let floats = |p: &Prediction| {
                [
                    p.drawn.log_probability,
                    p.entropy_nats,
                    p.log_sum_exp,
                    p.target_log_probability,
                    p.top[4].log_probability,
                ]
            };
            for (found, expected) in floats(found).into_iter().zip(floats(expected)) {
                let near = found == expected || (found - expected).abs() <= 2e-3;
                assert!(near, "{name}, row {row}: found {found}, expected {expected}");
            }
        }
    }

    pub async fn back_ends_agree_on_a_query() {
        let expected = open(BackendChoice::Reference).await.0.predict(&query()).await.unwrap();
        for choice in [BackendChoice::Cpu, BackendChoice::WebGpu] {
            let (mut engine, report) = open(choice).await;
            let found = engine.predict(&query()).await.unwrap();
            assert_alike(&report.name, &found, &expected);
            // Fewer rows of the same program: only those asked come back.
            let fewer = Query { rows: query().rows[20..22].to_vec(), ..query() };
            assert_alike(&report.name, &engine.predict(&fewer).await.unwrap(), &expected[20..22]);
        }
    }

    pub async fn automatic_choice_gives_an_engine() {
        let (engine, report) = open(BackendChoice::Auto).await;
        assert_eq!(report.name == "webgpu", report.fallback.is_none(), "{report:?}");
        assert_eq!(report.name == "webgpu", engine.device().is_some());
    }

    pub async fn wrong_queries_are_errors_with_both_numbers() {
        let (mut engine, _) = open(BackendChoice::Cpu).await;
        let good = query();
        let with_row = |change: fn(&mut Row)| {
            let mut query = good.clone();
            change(&mut query.rows[0]);
            query
        };
        let wrong = [
            Query { length: 17, ..good.clone() },
            Query { length: 0, ..good.clone() },
            Query { tokens: good.tokens[1..].to_vec(), ..good.clone() },
            Query { tokens: vec![TokenId(51); 16], ..good.clone() },
            with_row(|row| row.sequence = 2),
            with_row(|row| row.slot = 16),
            with_row(|row| row.target = TokenId(51)),
            with_row(|row| row.first_token = 51),
            with_row(|row| row.temperature = f32::NAN),
            with_row(|row| row.temperature = -1.0),
            with_row(|row| row.top_p = 0.0),
            with_row(|row| row.top_p = f32::NAN),
        ];
        for query in wrong {
            let answer = engine.predict(&query).await;
            assert!(matches!(answer, Err(Error::Query { .. })), "{answer:?}");
        }
        let none = Query { rows: Vec::new(), ..good };
        assert_eq!(engine.predict(&none).await.unwrap(), []);
    }

    pub async fn an_abandoned_call_does_no_harm() {
        let (mut engine, _) = open(BackendChoice::WebGpu).await;
        let expected = engine.predict(&query()).await.unwrap();
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..2 {
            // Polled once and dropped: in a browser the readback is then still awaited.
            let _ = pin!(engine.predict(&query())).poll(&mut context);
        }
        assert_eq!(engine.predict(&query()).await.unwrap(), expected);
    }

    pub async fn a_lost_device_is_an_error_and_can_be_reopened() {
        let (mut engine, _) = open(BackendChoice::WebGpu).await;
        let before = engine.predict(&query()).await.unwrap();
        engine.device().expect("WebGPU has a device").destroy();
        for _ in 0..2 {
            let lost = engine.predict(&query()).await;
            assert!(matches!(lost, Err(Error::DeviceLost { .. })), "{lost:?}");
        }
        engine.reopen(BackendChoice::WebGpu, &mut |_| {}).await.expect("a new device");
        assert_eq!(engine.predict(&query()).await.unwrap(), before);
    }
}
