//! All targets of one job, and what changes from one pool to the next.
//!
//! Owns what counts as a duplicate, the target limit, and the comparison target by target. Never
//! knows a target's parts beyond its identity.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use super::{DropReason, Dropped, Target, TargetBuilder};
use crate::metrics::discover::Group;

/// Most dropped addresses that a pool keeps to show; all are counted. One takes about a kilobyte.
pub const DROPPED_KEPT_MAX: usize = 1000;

/// All targets of one job.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    /// Targets, each once, in the order of the groups.
    pub targets: Vec<Arc<Target>>,
    /// Addresses that are no target: the first [`DROPPED_KEPT_MAX`] of them, mistakes first.
    pub dropped: Vec<Dropped>,
    /// Addresses that a relabel rule dropped.
    pub relabeled_away: usize,
    /// Addresses that became a target which another one is already.
    pub duplicates: usize,
    /// Addresses that are no target by mistake.
    pub mistakes: usize,
    /// Set when there are more targets than the job allows: then all of them fail.
    pub over_limit: Option<OverLimit>,
}

/// A target limit that is exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverLimit {
    /// The job's `target_limit`.
    pub limit: u64,
    /// Targets found.
    pub found: u64,
}

/// What changes from one list of targets to the next.
#[derive(Clone, Debug, Default)]
pub struct Diff {
    /// Old targets that are not in the new list.
    pub stop: Vec<Arc<Target>>,
    /// New targets that were not in the old list.
    pub start: Vec<Arc<Target>>,
    /// Targets in both, as the new list has them: their discovered labels and place of their
    /// job may be new, nothing that a scrape depends on is.
    pub keep: Vec<Arc<Target>>,
}

impl TargetBuilder {
    /// Makes the targets of all groups of the job.
    pub fn pool(&self, groups: &[Group]) -> Pool {
        let mut pool = Pool::default();
        let mut by_key: HashMap<u64, usize> = HashMap::new();
        let mut unmistaken = Vec::new();
        for (group, address) in groups.iter().flat_map(|g| g.addresses.iter().map(move |a| (g, a)))
        {
            let mut target = match self.build(group, address) {
                Ok(target) => target,
                Err(dropped) => {
                    pool.count(*dropped, &mut unmistaken);
                    continue;
                }
            };
            match pool.find(&by_key, &mut target) {
                Found::Duplicate => {
                    let reason = DropReason::Duplicate;
                    pool.count(Dropped { reason, discovered: target.discovered }, &mut unmistaken);
                }
                Found::New => {
                    by_key.insert(target.key, pool.targets.len());
                    pool.targets.push(Arc::new(target));
                }
            }
        }
        unmistaken.truncate(DROPPED_KEPT_MAX - pool.dropped.len());
        pool.dropped.append(&mut unmistaken);
        let (limit, found) = (self.job.limits.target_limit, pool.targets.len() as u64);
        pool.over_limit = (limit > 0 && found > limit).then_some(OverLimit { limit, found });
        pool
    }
}

pub(super) enum Found {
    Duplicate,
    New,
}

impl Pool {
    /// Looks for the same target, and gives one with the key of a different one another key: a
    /// clash of 64 bits would otherwise lose it.
    pub(super) fn find(&self, by_key: &HashMap<u64, usize>, target: &mut Target) -> Found {
        while let Some(known) = by_key.get(&target.key).and_then(|at| self.targets.get(*at)) {
            if known.url == target.url && known.labels == target.labels {
                return Found::Duplicate;
            }
            target.key = target.key.wrapping_add(1);
        }
        Found::New
    }

    fn count(&mut self, dropped: Dropped, unmistaken: &mut Vec<Dropped>) {
        let (count, kept) = match dropped.reason {
            DropReason::Duplicate => (&mut self.duplicates, unmistaken),
            DropReason::Relabel { .. } => (&mut self.relabeled_away, unmistaken),
            _ => (&mut self.mistakes, &mut self.dropped),
        };
        *count += 1;
        if kept.len() < DROPPED_KEPT_MAX {
            kept.push(dropped);
        }
    }
}

/// Compares two lists of targets by key; each list keeps its order.
pub fn diff(old: &[Arc<Target>], new: &[Arc<Target>]) -> Diff {
    let keys = |targets: &[Arc<Target>]| {
        let mut keys = HashSet::with_capacity(targets.len());
        keys.extend(targets.iter().map(|target| target.key));
        keys
    };
    let (old_keys, new_keys) = (keys(old), keys(new));
    let (keep, start) = new.iter().cloned().partition(|target| old_keys.contains(&target.key));
    let stop = old.iter().filter(|target| !new_keys.contains(&target.key)).cloned().collect();
    Diff { stop, start, keep }
}
