//! Parsing alone: names, labels, values of a page in memory.

use std::hint::black_box;

use benches::metrics::{SERIES, criterion, per_sample, speed_of_light};
use benches::pages::Pages;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use runnel_collector::metrics::exposition::{Format, Item, Parser, Shapes};

fn parse(parser: &mut Parser, shapes: &mut Shapes, page: &[u8]) -> f64 {
    let mut sum = 0.0;
    parser.begin(Format::Text, false);
    while let Some(item) = parser.next(page, shapes) {
        if let Item::Sample(line) = item {
            sum += line.value + line.values.len() as f64;
        }
    }
    sum
}

fn exposition(c: &mut Criterion) {
    speed_of_light("scan 40 less the hash, value 20", 50.0);
    let mut group = c.benchmark_group("exposition");
    let page = Pages { target: 1, series: SERIES }.page(7);
    let (mut parser, mut shapes) = (Parser::default(), Shapes::default());
    group.throughput(per_sample(SERIES));
    group.bench_function("samples", |b| {
        b.iter(|| parse(&mut parser, &mut shapes, black_box(page.as_bytes())))
    });
    group.throughput(Throughput::Bytes(page.len() as u64));
    group.bench_function("bytes", |b| {
        b.iter(|| parse(&mut parser, &mut shapes, black_box(page.as_bytes())))
    });
    // Blanks between the tokens send every line down the lenient road.
    let lenient = page.replace("=\"", " = \"");
    group.throughput(per_sample(SERIES));
    group.bench_function("lenient", |b| {
        b.iter(|| parse(&mut parser, &mut shapes, black_box(lenient.as_bytes())))
    });
    group.finish();
}

criterion_group! {name = benches; config = criterion(); targets = exposition}
criterion_main!(benches);
