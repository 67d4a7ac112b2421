use super::*;

fn sample() -> Header {
    Header {
        claims: 5,
        items: 77,
        kind_tag: 3,
        codec: 2,
        raw_len: 9000,
        segment_seq: 12,
        nonce: 0xdead_beef,
        time_min_ms: -5,
        time_max_ms: 1_700_000_000_000,
        ..Header::control(Kind::Data, 42)
    }
}

#[test]
fn a_frame_reads_back() {
    let mut header = sample();
    let mut out = vec![1, 2, 3];
    build(&mut out, &mut header, b"note", b"payload!");
    assert_eq!(out.len() % ALIGN, 0);
    assert_eq!(out.len() as u64, header.frame_bytes());
    assert_eq!(Header::decode(&out), Some(header.clone()));
    let body = &out[HEADER_BYTES..HEADER_BYTES + header.body_len as usize];
    assert_eq!(body, b"notepayload!");
    assert_eq!(crc32c::crc32c(body), header.body_crc);
}

#[test]
fn every_flipped_bit_of_a_header_is_seen() {
    let mut header = sample();
    let mut out = Vec::new();
    build(&mut out, &mut header, b"", b"x");
    for bit in 0..HEADER_BYTES * 8 {
        out[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(Header::decode(&out), None, "bit {bit}");
        out[bit / 8] ^= 1 << (bit % 8);
    }
    assert_eq!(Header::decode(&out[..HEADER_BYTES - 1]), None);
}

#[test]
fn kinds_keep_their_byte() {
    for byte in 0..=u8::MAX {
        assert_eq!(Kind::from_byte(byte).byte(), byte);
    }
}
