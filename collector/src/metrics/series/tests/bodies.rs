//! Bodies: compressed or not, whole or streamed, good or broken.

use std::ops::ControlFlow;

use proptest::prelude::*;

use super::*;
use crate::metrics::exposition::LINE_BYTES_MAX;
use crate::metrics::series::body::{Opened, Source};
use crate::metrics::series::gzip::WHOLE_BYTES_MAX;

/// A page of about `bytes`.
fn page_of(bytes: usize) -> String {
    let mut page = String::new();
    for i in 0.. {
        if page.len() >= bytes {
            break;
        }
        page.push_str(&format!("metric_{}{{i=\"{i}\",pad=\"{}\"}} {i}\n", i % 7, "p".repeat(90)));
    }
    page
}

#[test]
fn plain_and_gzip_give_the_same() {
    let page = page_of(100_000);
    let (counts, taken) = Bench::new(|_| {}).page(&page, 5);
    let half = page.len() / 2;
    let members = [gzip(&page.as_bytes()[..half]), gzip(&page.as_bytes()[half..])].concat();
    for body in [gzip(page.as_bytes()), members] {
        let (result, inflated) = Bench::new(|_| {}).body(Body::Gzip(body.into()), 5);
        assert_eq!(result.unwrap(), counts);
        assert_eq!(inflated.samples, taken.samples);
    }
}

#[test]
fn broken_gzip_fails_with_a_plain_reason() {
    let good = gzip(page_of(50_000).as_bytes());
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 0x55;
    let mut wrong_sum = good.clone();
    wrong_sum[good.len() - 6] ^= 1;
    let mut wrong_size = good.clone();
    wrong_size[good.len() - 2] ^= 1;
    let mut large_claim = good.clone();
    large_claim[good.len() - 1] = 0xff;
    let mut trailing = good.clone();
    trailing.extend_from_slice(&good[..20]);
    let cases = [
        ("empty", Vec::new()),
        ("text", b"a 1\n".to_vec()),
        ("cut", good[..good.len() - 9].to_vec()),
        ("cut early", good[..12].to_vec()),
        ("flipped", flipped),
        ("sum", wrong_sum),
        ("size", wrong_size),
        ("claim", large_claim),
        ("cut second member", trailing),
    ];
    for (name, body) in cases {
        let (result, _) = Bench::new(|_| {}).body(Body::Gzip(body.into()), 5);
        let error = result.err().unwrap_or_else(|| panic!("{name} passed"));
        assert_eq!(
            error.to_string(),
            "inflating the body: found broken or cut gzip data",
            "{name}"
        );
    }
}

#[test]
fn the_size_limit_holds_on_both_sides() {
    let page = page_of(100_000);
    for (limit, body, good) in [
        (page.len() as u64, plain(&page), true),
        (page.len() as u64 - 1, plain(&page), false),
        (page.len() as u64, Body::Gzip(gzip(page.as_bytes()).into()), true),
        (page.len() as u64 - 1, Body::Gzip(gzip(page.as_bytes()).into()), false),
        (100, Body::Gzip(gzip(page.as_bytes()).into()), false),
    ] {
        let (result, _) = Bench::new(|o| o.body_bytes_max = limit).body(body, 5);
        let text = result.err().map(|error| error.to_string());
        let expected = format!("reading the body: found more than the limit of {limit} bytes");
        assert_eq!(text, (!good).then_some(expected));
    }
    // A bomb stops at the limit, not at its end.
    let bomb = gzip(&vec![b'\n'; 40 << 20]);
    assert!(Bench::new(|_| {}).body(Body::Gzip(bomb.into()), 5).0.is_err());
}

#[test]
fn large_bodies_are_streamed_with_the_same_result() {
    let page = page_of(WHOLE_BYTES_MAX + 500_000);
    let (expected, taken) = Bench::new(|o| o.body_bytes_max = 1 << 30).page(&page, 5);
    let body = Body::Gzip(gzip(page.as_bytes()).into());
    for limit in [0, 1 << 30] {
        let mut bench = Bench::new(|o| {
            o.body_bytes_max = 1 << 30;
            o.sample_limit = limit;
        });
        let (result, streamed) = bench.body(body.clone(), 5);
        assert_eq!(result.unwrap(), expected);
        assert!(streamed.samples == taken.samples);
        assert_eq!(bench.failed(10).samples.len(), taken.samples.len());
    }
    let (result, _) = Bench::new(|o| {
        o.body_bytes_max = 1 << 30;
        o.sample_limit = 5;
    })
    .body(body, 5);
    assert_eq!(result.unwrap_err().counts.samples_post_relabel, expected.samples_scraped);
    let mut cut = gzip(page.as_bytes());
    cut.truncate(cut.len() - 100);
    let mut bench = Bench::new(|o| o.body_bytes_max = 1 << 30);
    assert!(bench.body(Body::Gzip(cut.into()), 5).0.is_err());
}

#[test]
fn a_kept_plain_body_is_compressed() {
    let page = page_of(100_000);
    let mut bench = Bench::new(|_| {});
    let (counts, _) = bench.page(&page, 5);
    assert!(bench.target.memory_bytes() < 40_000, "{}", bench.target.memory_bytes());
    assert_eq!(bench.failed(10).samples.len() as u64, counts.samples_written);
}

/// The pieces of a stream, joined, with what the whole road would see.
fn streamed(page: &[u8], first_buffer: usize) -> Vec<Vec<u8>> {
    let mut inflate = body::Inflate::with_buffer(first_buffer);
    let mut pieces = Vec::new();
    let mut each = |piece: &[u8]| {
        pieces.push(piece.to_vec());
        ControlFlow::Continue(())
    };
    let read = inflate.stream(Source::Plain(page), u64::MAX, &mut each).unwrap();
    assert_eq!(read, page.len() as u64);
    pieces
}

#[test]
fn a_line_too_long_is_one_bad_line_on_both_roads() {
    for (length, bad) in [(LINE_BYTES_MAX, 0), (LINE_BYTES_MAX + 1, 1), (3 * LINE_BYTES_MAX, 1)] {
        for end in ["\n", "\r\n", ""] {
            let line = format!("a{{x=\"{}\"}} 1", "v".repeat(length - 9));
            assert_eq!(line.len(), length);
            for page in [
                format!("{line}{end}"),
                format!("b 1\n{line}{end}"),
                format!("{line}\nb 1\n{line}{end}"),
            ] {
                let count = |pieces: &[Vec<u8>]| {
                    let (mut samples, mut bad) = (0, 0);
                    for piece in pieces {
                        let (s, b) = crate::metrics::exposition::fuzz_page(piece, Format::Text);
                        samples += s;
                        bad += b;
                    }
                    (samples, bad)
                };
                let whole = count(&[page.clone().into_bytes()]);
                assert!((whole.1 > 0) == (bad > 0));
                assert_eq!(count(&streamed(page.as_bytes(), 0)), whole, "{length} {end:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn pieces_are_whole_lines_wherever_the_buffer_ends(
        lines in prop::collection::vec("[a-z ]{0,40}", 0..60),
        ends in any::<bool>(),
        buffer in 1usize..200,
    ) {
        let mut page = lines.join("\n");
        if ends {
            page.push('\n');
        }
        let pieces = streamed(page.as_bytes(), buffer);
        prop_assert_eq!(pieces.concat(), page.as_bytes());
        for piece in pieces.iter().rev().skip(1) {
            prop_assert_eq!(piece.last(), Some(&b'\n'));
        }
    }

    #[test]
    fn any_bytes_as_gzip_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let body = [&[0x1f, 0x8b, 8][..], &bytes].concat();
        let mut inflate = body::Inflate::default();
        let opened = inflate.open(Source::Gzip(&body), 1 << 20);
        prop_assert!(!matches!(opened, Ok(Opened::Whole(text)) if text.len() > 1 << 20));
    }
}
