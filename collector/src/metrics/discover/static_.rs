//! Targets written down in the configuration.
//!
//! Owns nothing but the shape. Never changes while the configuration does not.

use runnel_config::settings::StaticGroup;

use super::Group;

/// The groups of a job.
pub fn groups(configs: &[StaticGroup]) -> Vec<Group> {
    let groups = configs.iter().enumerate().map(|(index, config)| Group {
        source: format!("static:{index}"),
        addresses: config.targets.clone(),
        labels: config.labels.iter().map(|(name, value)| (name, value)).collect(),
    });
    groups.collect()
}
