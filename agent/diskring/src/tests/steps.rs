//! Thousands of random runs of the model.

use proptest::prelude::*;

use super::model::{Model, Step};
use crate::disk::sim::{Fault, Plan};

/// Steps on a disk that only loses power.
fn honest() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (any::<u16>(), 0u8..4, 0u8..8)
            .prop_map(|(bytes, kind, claims)| Step::Append { bytes, kind, claims }),
        6 => (any::<u8>(), any::<u8>())
            .prop_map(|(reader, nth)| Step::Acknowledge { reader, nth }),
        4 => Just(Step::Commit),
        2 => prop_oneof![Just(0), any::<u8>(), Just(255)].prop_map(|keep| Step::Crash { keep }),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(reader, nth)| Step::Drop { reader, nth }),
        1 => (any::<u8>(), 0u16..2000).prop_map(|(kind, age)| Step::Expire { kind, age }),
        1 => Just(Step::Kill),
        3 => (any::<u8>(), any::<bool>())
            .prop_map(|(reader, newest)| Step::Read { reader, newest }),
        1 => (1u8..8).prop_map(|set| Step::Readers { set }),
        1 => Just(Step::Table),
    ]
}

fn failing() -> impl Strategy<Value = Step> {
    let fault = prop_oneof![
        Just(Fault::Error),
        Just(Fault::Interrupted),
        Just(Fault::NoSpace),
        Just(Fault::Short),
    ];
    let calls = prop_oneof![4 => Just(1), 2 => 2u64..20, 1 => Just(u64::MAX)];
    let plan = (0u64..40, calls, fault);
    prop_oneof![
        10 => honest(),
        1 => plan.prop_map(|(at_call, calls, fault)| Step::Fail(Plan { at_call, calls, fault })),
        1 => Just(Step::Heal),
        1 => Just(Step::Retry),
    ]
}

fn run(seed: u64, segments: u64, steps: &[Step]) {
    let mut model = Model::new(seed, segments);
    for step in steps {
        model.step(step);
    }
    model.step(&Step::Commit);
    model.step(&Step::Crash { keep: 0 });
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 6000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_ring_keeps_its_word_across_crashes(
        seed: u64,
        segments in 4u64..9,
        steps in prop::collection::vec(honest(), 1..120),
    ) {
        run(seed, segments, &steps);
    }

    #[test]
    fn a_ring_counts_exactly_on_a_failing_disk(
        seed: u64,
        segments in 4u64..9,
        steps in prop::collection::vec(failing(), 1..120),
    ) {
        run(seed, segments, &steps);
    }
}
