use super::*;

const OPTIONS: BlockOptions = BlockOptions { level: 2, raw_bytes_max: 1_000 };

fn items(count: u64, min: i64, max: i64) -> Items {
    Items { count, time_min_ms: min, time_max_ms: max }
}

fn inflate(body: &[u8]) -> Vec<u8> {
    zstd::stream::decode_all(body).unwrap()
}

#[test]
fn a_block_is_one_frame_of_what_was_appended() {
    let mut builder = BlockBuilder::new(OPTIONS).unwrap();
    assert!(builder.seal().is_none());
    builder.append(b"hello ", items(2, 50, 60));
    builder.append(b"metadata ", items(0, 0, 0));
    builder.append(b"world", items(1, 40, 45));
    builder.note_mut().extend_from_slice(b"offsets");
    let block = builder.seal().unwrap();
    assert_eq!(inflate(&block.body), b"hello metadata world");
    assert_eq!((block.items, block.raw_bytes), (3, 20));
    assert_eq!((block.time_min_ms, block.time_max_ms), (40, 60));
    assert_eq!(block.note, "offsets");
    assert!(builder.is_empty() && builder.seal().is_none());
}

#[test]
fn a_block_is_full_at_its_limit_and_sealed_blocks_concatenate() {
    let mut builder = BlockBuilder::new(OPTIONS).unwrap();
    let (mut joined, mut expected) = (Vec::new(), Vec::new());
    for round in 0u8..3 {
        let mut appends = 0;
        while !builder.is_full() {
            let bytes = [round.wrapping_mul(31).wrapping_add(appends); 300];
            builder.append(&bytes, items(1, 0, 0));
            expected.extend_from_slice(&bytes);
            appends += 1;
        }
        assert_eq!(appends, 4);
        joined.extend_from_slice(&builder.seal().unwrap().body);
    }
    assert_eq!(inflate(&joined), expected);
}

#[test]
fn bytes_that_do_not_compress_and_large_ones_pass() {
    let mut builder = BlockBuilder::new(BlockOptions::METRICS).unwrap();
    let mut state = 1u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    })
    .take(3 << 20)
    .collect();
    builder.append(&noise, items(1, 0, 0));
    assert_eq!(inflate(&builder.seal().unwrap().body), noise);
}
