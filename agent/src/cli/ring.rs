//! `runnel ring inspect|verify|export DIR`: a ring that is read from its folder.
//!
//! Reads beside an agent that has the ring open; takes no lock and changes nothing.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use diskring::RealDisk;
use diskring::offline::{self, FrameInfo, SegmentInfo};
use runnel_collector::metrics::encode::{Field, Request};
use serde_json::{Map, Value, json};

use super::Failure;
use super::table::table;
use crate::codec;
use crate::figures::{bytes, count};
use crate::status::time;

/// `runnel ring inspect`: segments, then what the newest checkpoint says.
///
/// # Errors
/// [`Failure::Internal`] when the folder can't be read.
pub fn inspect(dir: &Path, json: bool) -> Result<(), Failure> {
    let segments = segments(dir)?;
    let (mut frames, mut said) = (Vec::new(), None);
    visit(dir, |frame| {
        if frame.kind == "data" {
            frames.push(summary(frame));
        } else if frame.kind == "checkpoint" && frame.sound {
            said = Some(frame.says.clone());
        }
    })?;
    if json {
        let segments: Vec<Value> = segments.iter().map(segment_json).collect();
        println!("{:#}", json!({"segments": segments, "checkpoint": said, "frames": frames}));
        return Ok(());
    }
    let rows: Vec<Vec<String>> = segments.iter().map(segment_row).collect();
    print!("{}", table(&["FILE", "SEQ", "SEALED", "FRAMES", "ITEMS", "USED", "CORRUPT"], &rows));
    println!("\nnewest checkpoint: {}", said.as_deref().unwrap_or("none"));
    let rows: Vec<Vec<String>> = frames.iter().map(frame_row).collect();
    print!("\n{}", table(&["FRAME", "ITEMS", "BYTES", "FROM", "TO", "SOUND"], &rows));
    Ok(())
}

/// `runnel ring verify`: reads every frame.
///
/// # Errors
/// [`Failure::Internal`] when a frame is corrupt or the folder can't be read.
pub fn verify(dir: &Path) -> Result<(), Failure> {
    let (mut sound, mut corrupt) = (0u64, Vec::new());
    visit(dir, |frame| {
        if frame.sound {
            sound += 1;
        } else {
            corrupt
                .push(format!("{} at {}: {} {}", frame.file, frame.offset, frame.kind, frame.seq));
        }
    })?;
    let hidden: u64 = segments(dir)?.iter().map(|segment| segment.corrupt_frames).sum();
    println!("{sound} sound frames, {} corrupt", hidden.max(corrupt.len() as u64));
    corrupt.iter().for_each(|line| println!("{line}"));
    if corrupt.is_empty() && hidden == 0 {
        return Ok(());
    }
    Err(Failure::Internal(
        "the ring has corrupt frames; the agent skips and counts them".to_owned(),
    ))
}

/// `runnel ring export`: what the folder holds, one series a line.
///
/// # Errors
/// [`Failure::Internal`] when the folder can't be read.
pub fn export(dir: &Path) -> Result<(), Failure> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut failed = None;
    visit(dir, |frame| {
        if frame.kind == "data" && frame.sound && failed.is_none() {
            failed = write_series(frame, &mut out).err();
        }
    })?;
    // A reader that has seen enough, such as `head`, closes the pipe; that is no failure.
    let ended = failed.map_or_else(|| out.flush(), Err);
    match ended {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Internal(format!("cannot write: {error}")))
        }
        _ => Ok(()),
    }
}

/// One line per series, in the shape of VictoriaMetrics' `/api/v1/export`, which
/// `/api/v1/import` takes back.
fn write_series(frame: &FrameInfo, out: &mut impl Write) -> std::io::Result<()> {
    let Ok(raw) = codec::unpack(&frame.payload) else { return Ok(()) };
    for field in Request::new(&raw).map_while(Result::ok) {
        let Field::Series(series) = field else { continue };
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let labels: Map<String, Value> = series
            .labels()
            .map_while(Result::ok)
            .map(|(name, value)| (text(name), text(value).into()))
            .collect();
        let samples: Vec<_> = series.samples().map_while(Result::ok).collect();
        let values: Vec<Value> = samples.iter().map(|sample| number(sample.value)).collect();
        let timestamps: Vec<i64> = samples.iter().map(|sample| sample.timestamp_ms).collect();
        let line = json!({"metric": labels, "values": values, "timestamps": timestamps});
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// JSON knows no NaN and no infinity; VictoriaMetrics writes them as text or null.
fn number(value: f64) -> Value {
    match value {
        _ if value.is_nan() => Value::Null,
        _ if value.is_infinite() => if value > 0.0 { "Infinity" } else { "-Infinity" }.into(),
        _ => value.into(),
    }
}

fn segments(dir: &Path) -> Result<Vec<SegmentInfo>, Failure> {
    offline::segments(&mut RealDisk::read_only(dir)).map_err(|error| unreadable(dir, &error))
}

fn visit(dir: &Path, look: impl FnMut(&FrameInfo)) -> Result<(), Failure> {
    offline::frames(&mut RealDisk::read_only(dir), look).map_err(|error| unreadable(dir, &error))
}

fn unreadable(dir: &Path, error: &std::io::Error) -> Failure {
    Failure::Internal(format!("cannot read the ring in {}: {error}", dir.display()))
}

fn segment_row(segment: &SegmentInfo) -> Vec<String> {
    vec![
        segment.name.clone(),
        segment.segment_seq.map_or("unused".to_owned(), |seq| seq.to_string()),
        if segment.sealed { "yes" } else { "no" }.to_owned(),
        count(segment.data_frames),
        count(segment.items),
        bytes(segment.used_bytes),
        count(segment.corrupt_frames),
    ]
}

fn segment_json(segment: &SegmentInfo) -> Value {
    json!({
        "file": segment.name,
        "bytes": segment.bytes,
        "segment_seq": segment.segment_seq,
        "format": segment.format,
        "ring": segment.ring,
        "sealed": segment.sealed,
        "frames": segment.data_frames,
        "items": segment.items,
        "used_bytes": segment.used_bytes,
        "corrupt_frames": segment.corrupt_frames,
    })
}

/// What is shown of a frame, without its bytes.
fn summary(frame: &FrameInfo) -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        ("seq", frame.seq.into()),
        ("items", frame.items.into()),
        ("bytes", frame.body_len.into()),
        ("from", time(frame.time_min_ms).into()),
        ("to", time(frame.time_max_ms).into()),
        ("sound", frame.sound.into()),
    ])
}

fn frame_row(frame: &BTreeMap<&'static str, Value>) -> Vec<String> {
    let cell = |name| {
        frame.get(name).map_or_else(String::new, |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    };
    ["seq", "items", "bytes", "from", "to", "sound"].map(cell).to_vec()
}
