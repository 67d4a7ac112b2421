//! The face of the agent: its status server, pages, JSON and metrics about itself.
//!
//! Owns which path shows what. Asks the rooms for snapshots and changes nothing, but for
//! `POST /-/reload`, which it hands on.

mod api;
mod html;
mod metrics;
mod pages;
mod process;
mod server;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use runnel_collector::metrics::View;
use runnel_collector::metrics::status::{Board, Snapshot};
use tokio::sync::{mpsc, oneshot};

pub use server::serve;

use crate::intake::Intake;
use crate::lane::{LaneBoard, LaneStatus};
use crate::ledger::Ledger;
use crate::link::Link;
use crate::reload::{ConfigStatus, Wish};
use crate::store::{Audit, RingView, Store};
use process::Process;
use server::{Pages, Query, Reply};

/// Lanes by the name of their destination.
#[derive(Clone, Debug, Default)]
pub struct LaneBoards(Arc<Mutex<BTreeMap<String, LaneBoard>>>);

impl LaneBoards {
    /// Replaces the lanes.
    pub fn set(&self, boards: BTreeMap<String, LaneBoard>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = boards;
    }

    /// All lanes as they stand.
    pub fn read(&self) -> BTreeMap<String, LaneStatus> {
        let boards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        boards.iter().map(|(name, board)| (name.clone(), board.read())).collect()
    }
}

/// The rooms that the pages ask.
#[derive(Clone, Debug)]
pub struct Face {
    /// Name of the node.
    pub node: String,
    /// The corridor of metrics.
    pub metrics: View,
    /// The ledger.
    pub ledger: Ledger,
    /// Open blocks.
    pub intake: Intake,
    /// The ring.
    pub store: Store,
    /// Lanes.
    pub lanes: LaneBoards,
    /// The link.
    pub link: Link,
    /// The configuration's state.
    pub config: Board<ConfigStatus>,
    /// Takes wishes to reload.
    pub reload: mpsc::Sender<Wish>,
}

impl Face {
    /// The ledger against the rooms' own counts, at one instant.
    pub async fn audit(&self) -> Audit {
        let (ledger, intake) = (self.ledger.clone(), self.intake.clone());
        let audit = self.store.inspect(move |inside| inside.audit(&ledger, &intake)).await;
        // Without the ring's thread the agent is stopping, and there is nothing to compare with.
        audit.unwrap_or_default()
    }

    /// The ring at one instant.
    pub async fn ring(&self) -> RingView {
        self.store.inspect(|inside| inside.view()).await.unwrap_or_default()
    }

    async fn page(&self, query: &Query) -> Reply {
        let now = SystemTime::now();
        let text = |name| query.parameter(name);
        match query.path.as_str() {
            "/" => Reply::html(self.overview(now).await),
            "/targets" => {
                let filter =
                    pages::Filter { text: text("text"), state: text("state"), pool: text("pool") };
                Reply::html(pages::targets(&self.node, &self.metrics.snapshot(), filter, now))
            }
            "/ring" => {
                let ring = self.ring().await;
                Reply::html(pages::ring(&self.node, &ring, &self.lanes.read(), now))
            }
            "/config" => Reply::html(pages::config(&self.node, &self.config.read())),
            "/metrics" => self.metrics_page(now).await,
            "/-/healthy" => Reply::text(200, "healthy\n"),
            "/-/ready" => self.ready().await,
            "/api/v1/targets" => {
                let snapshot = self.metrics.snapshot();
                let data = api::targets(&snapshot, text("state"), text("scrapePool"));
                Reply::json(&api::success(&data))
            }
            "/api/v1/status/config" => {
                let data = serde_json::json!({"yaml": self.config.read().resolved});
                Reply::json(&api::success(&data))
            }
            "/api/v1/ledger" => Reply::json(&api::success(&api::ledger(&self.audit().await))),
            "/api/v1/ring" => {
                let data = api::ring(&self.ring().await, &self.lanes.read(), now);
                Reply::json(&api::success(&data))
            }
            path => Reply::text(404, format!("no page {path}\n")),
        }
    }

    async fn overview(&self, now: SystemTime) -> String {
        let (audit, ring, snapshot) = (self.audit().await, self.ring().await, self.snapshot());
        pages::overview(&pages::Overview {
            node: &self.node,
            snapshot: &snapshot,
            audit: &audit,
            ring: &ring,
            lanes: &self.lanes.read(),
            config: &self.config.read(),
            process: Process::read(),
            now,
        })
    }

    async fn metrics_page(&self, now: SystemTime) -> Reply {
        let (audit, ring, snapshot) = (self.audit().await, self.ring().await, self.snapshot());
        let text = metrics::page(&metrics::Figures {
            snapshot: &snapshot,
            audit: &audit,
            ring: &ring,
            lanes: &self.lanes.read(),
            limited: self.link.limited(),
            config: &self.config.read(),
            process: Process::read(),
            now,
        });
        Reply { content_type: "text/plain; version=0.0.4; charset=utf-8", ..Reply::text(200, text) }
    }

    fn snapshot(&self) -> Snapshot {
        self.metrics.snapshot()
    }

    /// Ready means: configuration applied, ring open, first discovery done. The first two hold
    /// before this server listens.
    async fn ready(&self) -> Reply {
        if self.snapshot().discovered {
            Reply::text(200, "ready\n")
        } else {
            Reply::text(503, "not ready: the first discovery is not done\n")
        }
    }

    async fn reload(&self) -> Reply {
        let (wish, answer) = oneshot::channel();
        if self.reload.send(wish).await.is_err() {
            return Reply::text(503, "the agent is stopping\n");
        }
        match answer.await {
            Ok(Ok(())) => Reply::text(200, "reloaded\n"),
            Ok(Err(error)) => Reply::text(500, format!("{error}\n")),
            Err(_) => Reply::text(503, "the agent is stopping\n"),
        }
    }
}

impl Pages for Face {
    async fn answer(&self, query: Query) -> Reply {
        match (query.method.as_str(), query.path.as_str()) {
            ("POST" | "PUT", "/-/reload") => self.reload().await,
            (_, "/-/reload") => Reply::text(405, "reload with POST\n"),
            ("GET" | "HEAD", _) => self.page(&query).await,
            _ => Reply::text(405, "only GET\n"),
        }
    }
}
