on_every_target! {
    /// Whole runs, every commit of every step: the reference, the CPU and the device write the same text.
    the_same_seed_gives_the_same_trajectory
    /// The reference's own run is the stored one, so that targets agree with each other too.
    the_trajectory_is_the_stored_one
    /// A device destroyed in the middle of a run costs nothing but the reopening.
    a_run_goes_on_after_a_lost_device
}

mod bodies {
    use diffusion::decode::run;
    use diffusion::{
        DecodeSettings, Decoder, Denoiser, Order, Parallelism, Sampling, Sequence, SpecialTokens, TokenId,
    };
    use engine::{BackendChoice, Engine, Error};

    use crate::golden::TINY;

    /// What became of a run: (call, slot, token) of every commit, in order.
    type Commits = Vec<(u32, u32, u32)>;

    /// Tokens that the reference writes with [`settings`] for confidence and seed 7, slot by slot.
    const STORED: [u32; 16] = [9, 22, 29, 2, 27, 9, 4, 4, 2, 4, 2, 27, 22, 4, 17, 43];

    async fn open(choice: BackendChoice) -> Engine {
        Engine::open(&TINY.checkpoint(), choice, &mut |_| {}).await.expect("the back end opens").0
    }

    fn settings(order: Order, seed: u32) -> DecodeSettings {
        let sampling = Sampling { temperature: 0.9, top_k: 20, ..Sampling::default() };
        DecodeSettings {
            seed,
            order,
            parallelism: Parallelism::SlotsPerCall { slots: 3 },
            sampling,
            ..Default::default()
        }
    }

    fn decoder(order: Order, seed: u32) -> Decoder {
        let special = SpecialTokens::default();
        let noise = Sequence::masked(16, special.mask);
        Decoder::new(settings(order, seed), noise, special).expect("the settings are valid")
    }

    async fn commits(engine: &mut Engine, order: Order, seed: u32) -> Commits {
        let trajectory = run(engine, decoder(order, seed)).await.expect("the run ends");
        let of_step = |step: &diffusion::Step| {
            let call = step.call;
            step.commits.iter().map(move |commit| (call, commit.slot, commit.token.0)).collect::<Vec<_>>()
        };
        trajectory.steps.iter().flat_map(of_step).collect()
    }

    pub async fn the_same_seed_gives_the_same_trajectory() {
        let mut reference = open(BackendChoice::Reference).await;
        for choice in [BackendChoice::Cpu, BackendChoice::WebGpu] {
            let mut engine = open(choice).await;
            for (order, seed) in [(Order::Random, 1), (Order::Confidence, 7), (Order::Entropy, 3)] {
                let expected = commits(&mut reference, order, seed).await;
                assert_eq!(expected.len(), 16);
                assert_eq!(commits(&mut engine, order, seed).await, expected, "{choice:?}, {order:?}");
            }
        }
    }

    pub async fn the_trajectory_is_the_stored_one() {
        let mut slots = [0; 16];
        for (_, slot, token) in commits(&mut open(BackendChoice::Reference).await, Order::Confidence, 7).await
        {
            slots[slot as usize] = token;
        }
        assert_eq!(slots, STORED);
    }

    pub async fn a_run_goes_on_after_a_lost_device() {
        let mut engine = open(BackendChoice::WebGpu).await;
        let mut decoder = decoder(Order::Confidence, 7);
        let mut losses = 0;
        while !decoder.is_finished() {
            if decoder.checkpoint().call == 2 && losses == 0 {
                engine.device().expect("WebGPU has a device").destroy();
            }
            match engine.predict(&decoder.query()).await {
                Ok(predictions) => {
                    decoder.apply(&predictions).expect("the predictions fit");
                }
                Err(Error::DeviceLost { .. }) => {
                    losses += 1;
                    engine.reopen(BackendChoice::WebGpu, &mut |_| {}).await.expect("a new device");
                }
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(losses, 1);
        let tokens: Vec<TokenId> = decoder.sequence().tokens().collect();
        assert_eq!(tokens, STORED.map(TokenId));
    }
}
