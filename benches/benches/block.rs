//! Compression of real blocks: levels and sizes.

use benches::metrics::{Bench, Blocks, SERIES, criterion, options, per_sample, speed_of_light};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use runnel_collector::block::{BlockBuilder, BlockOptions, Items};
use runnel_collector::metrics::series::{Batch, Sink};

/// Targets whose pages follow one another in the blocks.
const TARGETS: u64 = 40;

/// Keeps each batch.
#[derive(Default)]
struct Keep(Vec<(Vec<u8>, u64)>);

impl Sink for Keep {
    fn samples(&mut self, batch: &Batch<'_>) {
        self.0.push((batch.bytes.to_vec(), batch.samples));
    }

    fn metadata(&mut self, _: &[u8], _: u64) {}
}

fn compress(batches: &Keep, options: BlockOptions) -> Blocks {
    let mut blocks = Blocks::new(BlockBuilder::new(options).expect("zstd knows the level"));
    for (bytes, count) in &batches.0 {
        blocks.builder.append(bytes, Items { count: *count, time_min_ms: 1, time_max_ms: 1 });
        if blocks.builder.is_full() {
            blocks.seal();
        }
    }
    blocks.seal();
    blocks
}

fn block(c: &mut Criterion) {
    speed_of_light("zstd level 2, 5.5 bytes per sample", 120.0);
    let mut batches = Keep::default();
    let mut benches: Vec<Bench> =
        (0..TARGETS).map(|target| Bench::new(options(target), target, false)).collect();
    for _ in 0..2 {
        benches.iter_mut().for_each(|bench| bench.scrape(&mut batches));
    }
    let samples = 2 * TARGETS as usize * SERIES;
    let mut group = c.benchmark_group("block");
    group.throughput(per_sample(samples)).sample_size(10);
    for level in [-1, 1, 2, 3] {
        for raw_bytes_max in [1 << 20, 4 << 20, 16 << 20] {
            let options = BlockOptions { level, raw_bytes_max };
            let bytes = compress(&batches, options).sealed_bytes as f64 / samples as f64;
            let name = format!("level {level}, {} MiB: {bytes:.2} B", raw_bytes_max >> 20);
            group.bench_function(BenchmarkId::from_parameter(name), |b| {
                b.iter(|| compress(&batches, options).sealed_bytes)
            });
        }
    }
    group.finish();
}

criterion_group! {name = benches; config = criterion(); targets = block}
criterion_main!(benches);
