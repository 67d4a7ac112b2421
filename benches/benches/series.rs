//! A page from its body to encoded samples: inflate, parse, hash, compare, encode; and all of it
//! into blocks.

use std::sync::Arc;

use benches::metrics::{
    Bench, Blocks, Count, SERIES, criterion, options, per_sample, speed_of_light,
};
use criterion::{Criterion, criterion_group, criterion_main};
use runnel_collector::block::{BlockBuilder, BlockOptions};
use runnel_collector::labels::Labels;

fn series(c: &mut Criterion) {
    speed_of_light("plain page: scan and hash 40, value 20, encode 50", 110.0);
    speed_of_light("gzip page: and inflate 79", 189.0);
    speed_of_light("gzip page into blocks: and zstd 120", 309.0);
    let mut group = c.benchmark_group("series");
    group.throughput(per_sample(SERIES));
    for (name, compressed) in [("plain", false), ("gzip", true)] {
        let mut bench = Bench::new(options(1), 1, compressed);
        group.bench_function(name, |b| b.iter(|| bench.scrape(&mut Count::default())));
        eprintln!("memory of the target: {} bytes", bench.target.memory_bytes());
    }
    let mut bench = Bench::new(options(1), 1, true);
    let builder = BlockBuilder::new(BlockOptions::METRICS).expect("zstd knows the level");
    let mut blocks = Blocks::new(builder);
    group.bench_function("gzip_into_blocks", |b| b.iter(|| bench.scrape(&mut blocks)));
    blocks.seal();
    let per_sample = blocks.sealed_bytes as f64 / blocks.sealed_samples as f64;
    eprintln!("bytes per sample in blocks: {per_sample:.2}");

    let mut ruled = options(1);
    ruled.relabel = Some(Arc::new(|labels: &mut Labels| {
        !labels.value("mode").starts_with('i') || labels.value("pod").is_empty()
    }));
    let mut bench = Bench::new(ruled, 1, false);
    group.bench_function("plain_with_rules", |b| b.iter(|| bench.scrape(&mut Count::default())));
    group.finish();
}

criterion_group! {name = benches; config = criterion(); targets = series}
criterion_main!(benches);
