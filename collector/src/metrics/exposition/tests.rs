use proptest::prelude::*;

use super::*;
use crate::metrics::encode::MetricType;

/// A page as text: one line per item.
fn read(page: &[u8], format: Format) -> Vec<String> {
    read_with(page, format, &mut Shapes::default())
}

fn read_with(page: &[u8], format: Format, shapes: &mut Shapes) -> Vec<String> {
    let mut parser = Parser::default();
    parser.begin(format, true);
    let mut items = Vec::new();
    while let Some(item) = parser.next(page, shapes) {
        items.push(match item {
            Item::Bad(_, reason) => format!("bad: {}", reason.text()),
            Item::Eof => "eof".to_owned(),
            Item::Metadata(line) => format!("{line:?}"),
            Item::Sample(line) => {
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                let names = shapes.names(line.shape).map(text);
                let values = line.values.iter().map(|span| text(span.of(line.text)));
                let labels: Vec<String> =
                    names.zip(values).map(|(n, v)| format!("{n}={v:?}")).collect();
                let time = line.timestamp_ms.map(|t| format!(" @{t}")).unwrap_or_default();
                let exemplar = line.exemplar().map(|e| format!(" {e:?}")).unwrap_or_default();
                let name = text(line.name.of(line.text));
                format!("{name}{{{}}} {}{time}{exemplar}", labels.join(","), line.value)
            }
        });
    }
    items
}

/// Checks a line alone, and among others so that the predicted road may take it.
fn check(line: &str, expected: &str) {
    assert_eq!(read(line.as_bytes(), Format::Text), [expected], "{line:?}");
    let page = format!("{line}\n{line}\n# a comment that is long enough for wide loads\n");
    assert_eq!(read(page.as_bytes(), Format::Text), [expected, expected], "twice {line:?}");
}

#[test]
fn lines_of_the_text_format() {
    for (line, expected) in [
        ("up 1", "up{} 1"),
        ("up 1\r", "up{} 1"),
        ("  up\t 1 \t", "up{} 1"),
        ("up{} 1", "up{} 1"),
        ("up { } 1", "up{} 1"),
        ("up{a=\"b\"} 1", "up{a=\"b\"} 1"),
        ("up{a=\"b\",} 1", "up{a=\"b\"} 1"),
        ("up{a=\"b\"}1", "up{a=\"b\"} 1"),
        ("up { a = \"b\" , c = \"d\" } 1", "up{a=\"b\",c=\"d\"} 1"),
        ("up{z=\"1\",a=\"\"} 1", "up{z=\"1\",a=\"\"} 1"),
        (r#"up{a="x\\y\"z\n\t"} 1"#, r#"up{a="x\\y\"z\n\\t"} 1"#),
        (r#"up{a="C:\dir\\"} 1"#, r#"up{a="C:\\dir\\"} 1"#),
        ("up{a=\"{},= #\"} 1", "up{a=\"{},= #\"} 1"),
        ("up{a=\"grün €\"} 1", "up{a=\"grün €\"} 1"),
        ("up{a=\"tab\there\"} 1", "up{a=\"tab\\there\"} 1"),
        ("{\"my.metric\"} 1", "my.metric{} 1"),
        ("{\"my.metric\",\"la.bel\"=\"v\",x=\"y\"} 1", "my.metric{la.bel=\"v\",x=\"y\"} 1"),
        ("{\"la.bel\"=\"v\",\"my.metric\"} 1", "my.metric{la.bel=\"v\"} 1"),
        ("up{\"la bel\"=\"v\"} 1", "up{la bel=\"v\"} 1"),
        ("a.b-c/d 1", "a.b-c/d{} 1"),
        ("a:b 1", "a:b{} 1"),
        ("up{=\"x\",a=\"b\"} 1", "up{a=\"b\"} 1"),
        ("up 1 # comment", "up{} 1"),
        ("up{a=\"b\"} 1#comment", "up{a=\"b\"} 1"),
        (
            "up 1 # {t=\"x\"} 0.5 1.5",
            "up{} 1 ExemplarLine { labels: [([116], [120])], value: 0.5, timestamp_ms: Some(1500) }",
        ),
        ("up 1 # {broken", "up{} 1"),
        ("up", "bad: no value"),
        ("up ", "bad: no value"),
        ("up{a=\"b\"}", "bad: no value"),
        ("up # 1", "bad: no value"),
        ("{} 1", "bad: no metric name"),
        ("{a=\"b\"} 1", "bad: no metric name"),
        ("up{\"other\"} 1", "bad: the label set does not parse"),
        ("up{a=\"b\" c=\"d\"} 1", "bad: the label set does not parse"),
        ("up{a=b} 1", "bad: the label set does not parse"),
        ("up{a} 1", "bad: the label set does not parse"),
        ("up{a=\"b} 1", "bad: the label set does not parse"),
        ("up{a=\"b\" 1", "bad: the label set does not parse"),
        ("up{a=\"1\",b=\"2\",a=\"3\"} 1", "bad: the same label stands twice"),
        ("up one", "bad: the value is no number"),
        ("up 1 2 3", "bad: the timestamp is no number"),
        ("up 1 soon", "bad: the timestamp is no number"),
        ("<html>", "bad: no value"),
    ] {
        check(line, expected);
    }
}

#[test]
fn values() {
    let cases = [
        "0",
        "-0",
        "1",
        "-1",
        "+1",
        "1.",
        ".5",
        "-.5",
        "1e5",
        "1E5",
        "1e+05",
        "1.5e-05",
        "1e22",
        "1e23",
        "1e-22",
        "1e-23",
        "1e308",
        "1e-308",
        "1e400",
        "-1e400",
        "1e-400",
        "5e-324",
        "9007199254740992",
        "9007199254740993",
        "9007199254740995",
        "18446744073709551615",
        "18446744073709551616",
        "123456789012345678901234567890",
        "0.1",
        "0.3",
        "1.7976931348623157e308",
        "2.2250738585072011e-308",
        "4096.5",
        "1.760923654123e+09",
        "1.7609236541234567e+09",
        "0.00000000000000000000000000012345",
        "1234567890.1234567",
        "3.14159265358979",
        "inf",
        "Inf",
        "INF",
        "+Inf",
        "-Inf",
        "-INF",
        "infinity",
        "-Infinity",
    ];
    for case in cases {
        let expected: f64 = case.parse().unwrap();
        let mut parser = Parser::default();
        let page = format!("a {case}\n{}", "# padding for the wide loads of the fast road\n");
        parser.begin(Format::Text, false);
        let Some(Item::Sample(line)) = parser.next(page.as_bytes(), &mut Shapes::default()) else {
            panic!("{case} does not parse");
        };
        assert_eq!(line.value.to_bits(), expected.to_bits(), "{case}");
    }
    for case in ["nan", "NaN", "NAN", "-nan"] {
        assert!(number::value(case.as_bytes()).unwrap().is_nan(), "{case}");
    }
    for case in
        ["", "-", ".", "-.", "e5", "1e", "1e+", "0x10", "0x1p4", "1_000", "1,5", "--1", "1f"]
    {
        assert_eq!(number::value(case.as_bytes()), None, "{case}");
    }
}

#[test]
fn timestamps() {
    for (line, expected) in [
        ("a 1 1760000000000", "a{} 1 @1760000000000"),
        ("a 1 1760000000", "a{} 1 @1760000000000"),
        ("a 1 1760000000.123", "a{} 1 @1760000000123"),
        ("a 1 -5", "a{} 1 @-5000"),
        ("a 1 2147483647", "a{} 1 @2147483647000"),
        ("a 1 2147483648", "a{} 1 @2147483648"),
        ("a 1 1.76e12", "a{} 1 @1760000000000"),
        ("a 1 \t1760000000000 ", "a{} 1 @1760000000000"),
        ("a 1 NaN", "bad: the timestamp is no number"),
        ("a 1 Inf", "bad: the timestamp is no number"),
    ] {
        check(line, expected);
    }
}

#[test]
fn open_metrics() {
    let page = "# TYPE a counter\n# UNIT a seconds\n# HELP a About \\\"a\\\".\n\
        a_total{x=\"1\"} 5.0 1760000000.5 # {trace_id=\"q\"} 4.5 1760000000.25\n\
        a_created{x=\"1\"} 1.76e9\nb 1 5000000000\n# EOF\n";
    assert_eq!(
        read(page.as_bytes(), Format::OpenMetrics),
        [
            "MetadataLine { family: \"a\", says: Type(Counter) }",
            "MetadataLine { family: \"a\", says: Unit(\"seconds\") }",
            "MetadataLine { family: \"a\", says: Help(\"About \\\\\\\"a\\\\\\\".\") }",
            "a_total{x=\"1\"} 5 @1760000000500 ExemplarLine { labels: [([116, 114, 97, 99, 101, 95, \
             105, 100], [113])], value: 4.5, timestamp_ms: Some(1760000000250) }",
            "a_created{x=\"1\"} 1760000000",
            "b{} 1 @5000000000000",
            "eof",
        ]
    );
    assert_eq!(read(b"# EOF\n", Format::Text), [""; 0]);
}

#[test]
fn metadata_lines() {
    use MetadataSays::{Help, Type, Unit};
    for (line, expected) in [
        ("# TYPE a counter", Some(("a", Type(MetricType::Counter)))),
        ("#\tTYPE  a\tgauge ", Some(("a", Type(MetricType::Gauge)))),
        ("# TYPE a untyped", Some(("a", Type(MetricType::Unknown)))),
        ("# TYPE \"my.a\" histogram", Some(("my.a", Type(MetricType::Histogram)))),
        ("# HELP a Two words", Some(("a", Help("Two words")))),
        ("# HELP a", Some(("a", Help("")))),
        ("# UNIT a bytes", Some(("a", Unit("bytes")))),
        ("# a comment", None),
        ("#", None),
        ("# TYPE", None),
    ] {
        let expected = expected.map(|(family, says)| MetadataLine { family, says });
        assert_eq!(metadata::read(line.as_bytes()), expected, "{line}");
    }
    assert_eq!(help_text(r#"a\\b\nc\"d\x\"#), "a\\b\nc\"d\\x\\");
}

#[test]
fn bad_lines_do_not_disturb_their_neighbours() {
    let page = b"a 1\n\xff\xfe 2\nb{x=\"\xc3\"} 1\nc\n\n   \n  # c\nd{l=\"v\"} 4\nd{l=\"w\"} 5";
    let utf8 = "bad: the bytes are no UTF-8";
    assert_eq!(
        read(page, Format::Text),
        ["a{} 1", utf8, utf8, "bad: no value", "d{l=\"v\"} 4", "d{l=\"w\"} 5"]
    );
}

#[test]
fn lines_beyond_the_limits_are_bad() {
    let long = format!("a{{x=\"{}\"}} 1\na{{x=\"y\"}} 2\n", "v".repeat(LINE_BYTES_MAX));
    let mut shapes = Shapes::default();
    // The shape is known, so the predicted road sees the long line too.
    read_with(b"a{x=\"y\"} 2\n                        ", Format::Text, &mut shapes);
    let items = read_with(long.as_bytes(), Format::Text, &mut shapes);
    assert_eq!(items, ["bad: longer than a line may be (1 MiB)", "a{x=\"y\"} 2"]);
    let labels: String = (0..LINE_LABELS_MAX + 1).map(|i| format!("l{i}=\"\",")).collect();
    let items = read(format!("a{{{labels}}} 1\nb 1\n").as_bytes(), Format::Text);
    assert_eq!(items, ["bad: more labels than a line may have (4096)", "b{} 1"]);
}

#[test]
fn the_table_of_shapes_is_bounded_and_stays_right() {
    let mut shapes = Shapes::default();
    let page: String = (0..2_000).map(|i| format!("a{{l{i}=\"v{i}\",m=\"w\"}} {i}\n")).collect();
    for _ in 0..2 {
        let items = read_with(page.as_bytes(), Format::Text, &mut shapes);
        assert_eq!(items.len(), 2_000);
        assert_eq!(items[1_234], "a{l1234=\"v1234\",m=\"w\"} 1234");
    }
    assert!(shapes.generation() > 10);
}

#[test]
fn long_label_names_are_compared_in_full() {
    let long = |tail: &str| format!("{}{tail}", "n".repeat(40));
    let page =
        format!("a{{{0}=\"1\"}} 1\na{{{0}=\"2\"}} 2\na{{{1}=\"3\"}} 3\n", long("x"), long("y"));
    let page = format!("{page}{}", "# padding for the wide loads of the fast road\n".repeat(2));
    let expected = [
        format!("a{{{}=\"1\"}} 1", long("x")),
        format!("a{{{}=\"2\"}} 2", long("x")),
        format!("a{{{}=\"3\"}} 3", long("y")),
    ];
    assert_eq!(read(page.as_bytes(), Format::Text), expected);
}

/// Lines that are nearly right, to reach deep into both roads.
fn near_line() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "metric_name",
        "{",
        "}",
        "x=\"1\"",
        "yy=\"two words\"",
        ",",
        " ",
        "\t",
        "\"",
        "=",
        "1",
        "-2.5",
        "1e9",
        "NaN",
        "#",
        "\\",
        "\\n",
        "é",
        "\r",
        "1760000000000",
        " # {t=\"u\"} 1",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(page in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz_page(&page, Format::Text);
        fuzz_page(&page, Format::OpenMetrics);
    }

    #[test]
    fn both_roads_read_the_same(lines in prop::collection::vec(near_line(), 1..8)) {
        let mut page = lines.join("\n");
        page.push_str("\n# padding for the wide loads of the fast road\n");
        for format in [Format::Text, Format::OpenMetrics] {
            // The second time all shapes are known, so whatever can take the predicted road does.
            let mut warm = Shapes::default();
            let cold = read_with(page.as_bytes(), format, &mut warm);
            prop_assert_eq!(&read_with(page.as_bytes(), format, &mut warm), &cold);
            // Alone and at the end of the text, a line takes the lenient road.
            let alone: Vec<String> = page
                .split('\n')
                .flat_map(|line| read(line.as_bytes(), format))
                .collect();
            prop_assert_eq!(alone, cold);
        }
    }

    #[test]
    fn any_value_reads_back(value in any::<f64>()) {
        for text in [format!("{value}"), format!("{value:e}"), format!("{value:.6}")] {
            let expected: f64 = text.parse().unwrap();
            let found = number::value(text.as_bytes()).unwrap();
            prop_assert!(found.to_bits() == expected.to_bits() || expected.is_nan());
        }
    }

    #[test]
    fn any_text_survives_as_a_label(value in any::<String>()) {
        let escaped = value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
        prop_assume!(!value.ends_with('\r'));
        let page = format!("a{{x=\"{escaped}\"}} 1\n");
        prop_assert_eq!(read(page.as_bytes(), Format::Text), [format!("a{{x={value:?}}} 1")]);
    }
}
