//! The process of exporters and sink, and the handle on it.
//!
//! Owns both ends of the line protocol between them: the parent writes one word a line, the peer
//! answers each with one line of JSON. The peer ends when its standard input does, so it never
//! outlives the parent.
//! Called by `main`: [`serve`] in the child, [`Peer`] in the parent.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use clap::Args;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::load::Load;
use crate::sink::{Sink, Tally};

/// The load a peer makes.
#[derive(Args, Clone, Debug)]
pub struct PeerPlan {
    /// Targets.
    #[arg(long)]
    pub targets: usize,
    /// Series of one target.
    #[arg(long)]
    pub series: usize,
    /// One target with one huge page.
    #[arg(long)]
    pub big: bool,
}

/// Where a peer listens and what it serves.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ready {
    /// Port of all targets.
    pub exporters: u16,
    /// Port of the sink.
    pub sink: u16,
    /// Text of a typical page.
    pub page_text_bytes: u64,
    /// The same page under gzip.
    pub page_gzip_bytes: u64,
}

/// The child's side: serves until standard input ends.
///
/// # Errors
/// A port cannot be had, or the parent sent what is no word of the protocol.
pub fn serve(plan: &PeerPlan) -> Outcome<()> {
    let load = Arc::new(Load::make(plan));
    let sink = Arc::new(Sink::default());
    let (page_text_bytes, page_gzip_bytes) = load.page_bytes();
    say(&Ready {
        exporters: load.listen()?,
        sink: sink.listen()?,
        page_text_bytes,
        page_gzip_bytes,
    })?;
    let mut served_before = 0;
    for word in io::stdin().lock().lines() {
        match word.map_err(|e| format!("reading a word: {e}"))?.as_str() {
            GROW => load.grow(),
            MARK => {
                sink.mark();
                served_before = load.served();
            }
            READ => {}
            RESET => {
                load.reset();
                sink.reset();
                served_before = load.served();
            }
            word => return Err(format!("reading a word: found {word:?}")),
        }
        say(&Tally { scrapes: load.served() - served_before, ..sink.read() })?;
    }
    Ok(())
}

fn say(answer: &impl Serialize) -> Outcome<()> {
    let line = serde_json::to_string(answer).map_err(|e| format!("writing an answer: {e}"))?;
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|e| format!("writing an answer: {e}"))
}

/// The parent's side; ends the peer when dropped.
#[derive(Debug)]
pub struct Peer {
    child: Child,
    words: ChildStdin,
    answers: BufReader<ChildStdout>,
    ready: Ready,
}

impl Peer {
    /// Starts one and waits until its pages are made.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(plan: &PeerPlan) -> Outcome<Self> {
        let own = std::env::current_exe().map_err(|e| format!("finding this program: {e}"))?;
        let mut command = Command::new(own);
        command.arg("peer").arg(format!("--targets={}", plan.targets));
        command.arg(format!("--series={}", plan.series)).args(plan.big.then_some("--big"));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("starting exporters and sink: {e}"))?;
        let words = child.stdin.take().expect("standard input is piped");
        let mut answers = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let ready = hear(&mut answers)?;
        Ok(Self { child, words, answers, ready })
    }

    /// Where it listens.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Forgets what arrived and starts the pages anew.
    ///
    /// # Errors
    /// The peer is gone.
    pub fn reset(&mut self) -> Outcome<Tally> {
        self.ask(RESET)
    }

    /// Starts the measured window.
    ///
    /// # Errors
    /// The peer is gone.
    pub fn mark(&mut self) -> Outcome<Tally> {
        self.ask(MARK)
    }

    /// What arrived so far.
    ///
    /// # Errors
    /// The peer is gone.
    pub fn read(&mut self) -> Outcome<Tally> {
        self.ask(READ)
    }

    /// Serves the huge page from now on.
    ///
    /// # Errors
    /// The peer is gone.
    pub fn grow(&mut self) -> Outcome<Tally> {
        self.ask(GROW)
    }

    fn ask(&mut self, word: &str) -> Outcome<Tally> {
        writeln!(self.words, "{word}").map_err(|e| format!("asking exporters and sink: {e}"))?;
        hear(&mut self.answers)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn hear<T: DeserializeOwned>(from: &mut impl BufRead) -> Outcome<T> {
    let mut line = String::new();
    from.read_line(&mut line).map_err(|e| format!("hearing exporters and sink: {e}"))?;
    serde_json::from_str(&line)
        .map_err(|e| format!("hearing exporters and sink: found {line:?}: {e}"))
}

const GROW: &str = "grow";
const MARK: &str = "mark";
const READ: &str = "read";
const RESET: &str = "reset";
