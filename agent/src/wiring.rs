//! Who talks to whom: builds the rooms from the settings, changes them on a reload, and takes them
//! down in order.
//!
//! Owns every task and thread of the agent. Never knows how anything works.
//!
//! The order of a stop: scrapes end, open blocks are sealed, lanes send for [`GRACE`], the ring is
//! synced. What is still held is sent by the next process.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use runnel_collector::http::{Client, Context, ProxyEnvironment, Url};
use runnel_collector::metrics::status::Board;
use runnel_collector::metrics::{Corridor, Plan};
use runnel_collector::relabel::Rules;
use runnel_config::Settings;
use runnel_config::settings::{RemoteWrite, WriteProtocol};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::backoff::Backoff;
use crate::cli::VERSION;
use crate::config_files::Configuration;
use crate::delivery::CodecChoice;
use crate::intake::{BLOCK_AGE_MAX, Intake, OpenRoute, Route};
use crate::lane::{Lane, LaneBoard, LaneOptions, LaneState};
use crate::ledger::{Ledger, Signal};
use crate::link::Link;
use crate::reload::{self, Apply, ConfigStatus, Origin};
use crate::send::Codec;
use crate::status::{self, Face, LaneBoards};
use crate::store::{self, AgeLimits, Destination, Store, StoreThread};
use crate::transport::HttpTransport;

/// Time that lanes have to send at a stop. Kubernetes grants 30 s by default, of which the kubelet
/// and a slow disk may take some.
const GRACE: Duration = Duration::from_secs(5);

/// Time between two looks for blocks that are old enough to be sealed.
const SEAL_EVERY: Duration = Duration::from_millis(200);

/// Reloads that may wait for one another.
const WISHES_MAX: usize = 8;

/// A running agent.
#[derive(Debug)]
pub struct Agent {
    face: Face,
    listen: SocketAddr,
    assembly: JoinHandle<Assembly>,
    sealing: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

impl Agent {
    /// Opens the ring, binds the status server, and starts everything.
    ///
    /// # Errors
    /// In words, when the ring is in use, the address is taken, or a destination can't be used.
    pub async fn start(configuration: &Configuration, origin: Origin) -> Result<Self, String> {
        let settings = &configuration.settings;
        let ledger = Ledger::default();
        let (store, thread) =
            store::open(&settings.buffer, names(settings), ledger.clone()).await?;
        let (stop, stopped) = watch::channel(false);
        let (wishes, wishes_in) = mpsc::channel(WISHES_MAX);
        let intake = Intake::new(store.clone());
        let corridor = Corridor::start(context(), Arc::new(intake.clone()));
        let link = Link::new(settings.link.rate.map(|rate| rate.0));
        let face = Face {
            node: settings.node.clone(),
            metrics: corridor.view(),
            ledger: ledger.clone(),
            intake: intake.clone(),
            store: store.clone(),
            lanes: LaneBoards::default(),
            link: link.clone(),
            config: Board::new(ConfigStatus::taken(configuration, SystemTime::now())),
            reload: wishes,
        };
        let mut assembly = Assembly {
            ledger,
            store,
            thread,
            intake: intake.clone(),
            corridor,
            link,
            lanes: BTreeMap::new(),
            face: face.clone(),
            server: None,
            buffer: settings.buffer.clone(),
        };
        assembly.apply(configuration).await?;
        let listen =
            assembly.server.as_ref().map_or(settings.server.listen, |server| server.listen);
        let sealing = tokio::spawn(seal(intake, stopped.clone()));
        let board = face.config.clone();
        let first = configuration.named_files.clone();
        let assembly =
            tokio::spawn(reload::run(origin, first, assembly, board, wishes_in, stopped));
        Ok(Self { face, listen, assembly, sealing, stop })
    }

    /// The rooms as the pages see them.
    pub fn face(&self) -> &Face {
        &self.face
    }

    /// The address of the status server.
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Stops in order. What could not be sent is in the ring.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let assembly = self.assembly.await;
        // The sealing task does nothing but lock and seal: it ends at its next tick.
        let _ = self.sealing.await;
        match assembly {
            Ok(assembly) => assembly.stop().await,
            Err(error) => tracing::error!("BUG: the reload task ended badly: {error}"),
        }
    }
}

/// Seals blocks that are old enough, until `stop` turns true.
async fn seal(intake: Intake, mut stop: watch::Receiver<bool>) {
    let mut tick = tokio::time::interval(SEAL_EVERY);
    while !*stop.borrow() {
        tokio::select! {
            _ = tick.tick() => intake.seal(Instant::now().checked_sub(BLOCK_AGE_MAX - SEAL_EVERY)),
            _ = stop.changed() => {}
        }
    }
}

/// What a reload changes.
#[derive(Debug)]
struct Assembly {
    ledger: Ledger,
    store: Store,
    thread: StoreThread,
    intake: Intake,
    corridor: Corridor,
    link: Link,
    lanes: BTreeMap<String, RunningLane>,
    face: Face,
    server: Option<RunningServer>,
    buffer: runnel_config::settings::Buffer,
}

#[derive(Debug)]
struct RunningLane {
    settings: RemoteWrite,
    board: LaneBoard,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct RunningServer {
    wanted: SocketAddr,
    listen: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Apply for Assembly {
    async fn apply(&mut self, configuration: &Configuration) -> Result<(), String> {
        let settings = &configuration.settings;
        // Everything that can fail comes first, so that a bad file changes nothing.
        let clients = clients(settings)?;
        let routes = routes(settings, &self.ledger)?;
        let server = self.bind(settings.server.listen).await?;
        self.link.change_rate(settings.link.rate.map(|rate| rate.0));
        self.change_destinations(settings, routes).map_err(|_| "the ring has stopped")?;
        self.change_lanes(settings, clients);
        self.corridor.apply(Plan::of(settings)).await;
        if let Some(server) = server
            && let Some(old) = self.server.replace(server)
        {
            old.stop.send_replace(true);
        }
        if settings.buffer.path != self.buffer.path || settings.buffer.size != self.buffer.size {
            tracing::warn!("buffer.path and buffer.size take effect at the next start");
        }
        Ok(())
    }
}

impl Assembly {
    /// Blocks sealed under the old routes still go to the old destinations; blocks of the new
    /// routes find their destinations known.
    fn change_destinations(
        &self,
        settings: &Settings,
        routes: Vec<OpenRoute>,
    ) -> Result<(), store::StoreGone> {
        let new = names(settings);
        let old = self.lanes.keys().filter(|name| !new.contains(name)).cloned();
        self.store.set_destinations(new.iter().cloned().chain(old).collect())?;
        self.intake.set_routes(routes);
        self.store.set_destinations(new)?;
        self.store.set_age_limits(AgeLimits {
            metrics: Some(settings.buffer.metrics_age_max).filter(|age| age.0 > 0),
        })
    }

    /// Stops lanes that are gone or changed and starts those that are new or changed.
    fn change_lanes(
        &mut self,
        settings: &Settings,
        mut clients: BTreeMap<String, (Arc<Client>, Url)>,
    ) {
        let mut old = std::mem::take(&mut self.lanes);
        for wanted in &settings.remote_write {
            let lane = match old.remove(&wanted.name) {
                Some(lane) if lane.settings == *wanted => lane,
                before => {
                    let (client, url) =
                        clients.remove(&wanted.name).expect("every destination has a client");
                    self.start_lane(wanted, client, url, before)
                }
            };
            self.lanes.insert(wanted.name.clone(), lane);
        }
        for lane in old.into_values() {
            lane.stop.send_replace(true);
        }
        let boards = self.lanes.iter().map(|(name, lane)| (name.clone(), lane.board.clone()));
        self.face.lanes.set(boards.collect());
    }

    /// Starts a lane once the one `before` it has finished its request, so that there is never
    /// more than one under way.
    fn start_lane(
        &self,
        settings: &RemoteWrite,
        client: Arc<Client>,
        url: Url,
        before: Option<RunningLane>,
    ) -> RunningLane {
        let board = LaneBoard::default();
        let transport = HttpTransport::new(
            client,
            url,
            settings.timeout.duration(),
            self.link.clone(),
            board.clone(),
        );
        let options = LaneOptions {
            destination: destination(&settings.name, &self.ledger),
            codec: codec(settings.protocol),
            backoff: Backoff::new(settings.backoff_min.duration(), settings.backoff_max.duration()),
        };
        let lane = Lane::new(options, self.store.clone(), transport, board.clone());
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            if let Some(before) = before {
                before.stop.send_replace(true);
                // However it ended, it sends no more.
                let _ = before.task.await;
            }
            lane.run(stopped).await;
        });
        RunningLane { settings: settings.clone(), board, stop, task }
    }

    /// Binds the status server where it is not bound yet.
    async fn bind(&self, wanted: SocketAddr) -> Result<Option<RunningServer>, String> {
        if self.server.as_ref().is_some_and(|server| server.wanted == wanted) {
            return Ok(None);
        }
        let listener = TcpListener::bind(wanted)
            .await
            .map_err(|error| format!("cannot listen on server.listen {wanted}: {error}"))?;
        let listen = listener.local_addr().unwrap_or(wanted);
        tracing::info!("status server listens on http://{listen}");
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(status::serve(listener, Arc::new(self.face.clone()), stopped));
        Ok(Some(RunningServer { wanted, listen, stop, task }))
    }

    async fn stop(self) {
        self.corridor.stop().await;
        self.intake.seal(None);
        drain(&self.store, &self.face.lanes).await;
        for lane in self.lanes.values() {
            lane.stop.send_replace(true);
        }
        for (name, lane) in self.lanes {
            if tokio::time::timeout(GRACE, lane.task).await.is_err() {
                tracing::warn!(destination = name, "a request was still under way");
            }
        }
        self.thread.stop().await;
        if let Some(server) = self.server {
            server.stop.send_replace(true);
            let _ = tokio::time::timeout(GRACE, server.task).await;
        }
    }
}

/// Waits until nothing is held for a destination that takes anything, or the grace is over.
async fn drain(store: &Store, lanes: &LaneBoards) {
    let deadline = Instant::now() + GRACE;
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    while Instant::now() < deadline {
        tick.tick().await;
        let Ok(view) = store.inspect(|inside| inside.view()).await else { return };
        let lanes = lanes.read();
        let waits = |name: &str| {
            let state = lanes.get(name).map(|lane| lane.state);
            matches!(state, None | Some(LaneState::BackingOff | LaneState::Parked))
        };
        if view.readers.iter().all(|reader| reader.items == 0 || waits(&reader.name)) {
            return;
        }
    }
    tracing::info!("what could not be sent stays in the ring");
}

fn context() -> Context {
    let environment = ProxyEnvironment::from_variables(|name| std::env::var(name).ok());
    Context { proxy_environment: environment, ..Context::new(format!("runnel/{VERSION}")) }
}

fn destination(name: &str, ledger: &Ledger) -> Destination {
    Destination { name: name.to_owned(), account: ledger.account(Signal::Metrics, name) }
}

fn names(settings: &Settings) -> Vec<String> {
    settings.remote_write.iter().map(|to| to.name.clone()).collect()
}

/// A client and a URL for each destination.
fn clients(settings: &Settings) -> Result<BTreeMap<String, (Arc<Client>, Url)>, String> {
    let mut clients = BTreeMap::new();
    for to in &settings.remote_write {
        let url = Url::parse(&to.url)
            .map_err(|error| format!("remote_write {}: url {:?}: {error}", to.name, to.url))?;
        let client = Client::new(&to.http, &context())
            .map_err(|error| format!("remote_write {}: {error}", to.name))?;
        if to.http.tls.insecure_skip_verify {
            tracing::warn!(
                destination = to.name,
                "INSECURE: insecure_skip_verify accepts any certificate, so anyone on the way can \
                 read and change what is sent"
            );
        }
        clients.insert(to.name.clone(), (Arc::new(client), url));
    }
    Ok(clients)
}

/// One route for all destinations that get the same.
fn routes(settings: &Settings, ledger: &Ledger) -> Result<Vec<OpenRoute>, String> {
    let mut alike: Vec<(&RemoteWrite, Vec<Destination>)> = Vec::new();
    for to in &settings.remote_write {
        let same = |other: &RemoteWrite| {
            other.write_relabel_configs == to.write_relabel_configs
                && other.send_exemplars == to.send_exemplars
                && other.send_metadata == to.send_metadata
        };
        let destination = destination(&to.name, ledger);
        match alike.iter_mut().find(|(first, _)| same(first)) {
            Some((_, destinations)) => destinations.push(destination),
            None => alike.push((to, vec![destination])),
        }
    }
    // Without a destination that wants exemplars, none are made, and none have to be removed.
    let made = settings.remote_write.iter().any(|to| to.send_exemplars);
    alike
        .into_iter()
        .map(|(to, destinations)| {
            let rules = Rules::compile(&to.write_relabel_configs)
                .map_err(|error| format!("remote_write {}: {error}", to.name))?;
            let (strip_exemplars, metadata) = (made && !to.send_exemplars, to.send_metadata);
            let destinations = destinations.into();
            OpenRoute::new(Route { rules, strip_exemplars, metadata, destinations })
        })
        .collect()
}

fn codec(protocol: WriteProtocol) -> CodecChoice {
    match protocol {
        WriteProtocol::Auto => {
            CodecChoice { current: Codec::Zstd, may_change: true, proven: false }
        }
        WriteProtocol::VictoriaMetrics => {
            CodecChoice { current: Codec::Zstd, may_change: false, proven: false }
        }
        // `config_files` lets no destination for 2.0 through.
        WriteProtocol::RemoteWrite1 | WriteProtocol::RemoteWrite2 => {
            CodecChoice { current: Codec::Snappy, may_change: false, proven: false }
        }
    }
}
