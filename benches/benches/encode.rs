//! The wire format alone: reading, halving, rewriting of a request.

use std::hint::black_box;

use benches::metrics::{Bench, SERIES, criterion, options, per_sample, speed_of_light};
use criterion::{Criterion, criterion_group, criterion_main};
use runnel_collector::labels::Labels;
use runnel_collector::metrics::encode::{
    Field, Out, Request, halve, put_label, relabel_request, strip_exemplars,
};
use runnel_collector::metrics::series::{Batch, Sink};

/// Keeps the bytes.
#[derive(Default)]
struct Keep(Vec<u8>);

impl Sink for Keep {
    fn samples(&mut self, batch: &Batch<'_>) {
        self.0.extend_from_slice(batch.bytes);
    }

    fn metadata(&mut self, _: &[u8], _: u64) {}
}

fn encode(c: &mut Criterion) {
    speed_of_light("encode", 50.0);
    let mut keep = Keep::default();
    Bench::new(options(1), 1, false).scrape(&mut keep);
    let raw = keep.0;
    eprintln!("raw bytes per sample: {}", raw.len() / SERIES);
    let mut group = c.benchmark_group("encode");
    group.throughput(per_sample(SERIES));
    group.bench_function("read", |b| {
        b.iter(|| {
            let mut sum = 0;
            for field in Request::new(black_box(&raw)) {
                if let Ok(Field::Series(series)) = field {
                    sum += series.labels().flatten().map(|(n, v)| n.len() + v.len()).sum::<usize>();
                    sum += series.samples().flatten().count();
                }
            }
            sum
        })
    });
    let mut labels = Vec::new();
    put_label(&mut labels, b"__name__", b"container_memory_working_set_bytes");
    put_label(&mut labels, b"pod", &[b'p'; 180]);
    let mut out = Out::default();
    group.bench_function("write", |b| {
        b.iter(|| {
            out.clear(usize::MAX);
            for i in 0..SERIES {
                let mark = out.begin(labels.len());
                out.replace_labels(mark, black_box(&labels));
                out.finish(mark, i as f64, 1_760_000_000_000);
            }
            out.len()
        })
    });
    group.bench_function("halve", |b| b.iter(|| halve(black_box(&raw))));
    let mut to = Vec::new();
    let keep = |labels: &mut Labels| !labels.is_empty();
    group.bench_function("relabel", |b| {
        b.iter(|| {
            to.clear();
            relabel_request(black_box(&raw), &keep, &mut to)
        })
    });
    group.bench_function("strip_exemplars", |b| {
        b.iter(|| {
            to.clear();
            strip_exemplars(black_box(&raw), &mut to)
        })
    });
    group.finish();
}

criterion_group! {name = benches; config = criterion(); targets = encode}
criterion_main!(benches);
