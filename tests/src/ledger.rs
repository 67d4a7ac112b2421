//! The ledger of an agent, read from `/api/v1/ledger`.

use std::collections::BTreeMap;

use serde_json::Value;

/// All accounts.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// The agent's own verdict over all accounts.
    pub balanced: bool,
    /// One account per signal and destination.
    pub accounts: Vec<Account>,
}

/// One account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Destination, such as `1:host`.
    pub destination: String,
    /// The agent's own verdict.
    pub balanced: bool,
    /// Items taken, by how: `collected`, `recovered`.
    pub taken: BTreeMap<String, u64>,
    /// Items delivered.
    pub delivered: u64,
    /// Items dropped, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Items rejected by the destination, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Items held, by where: `block`, `queue`, `ring`.
    pub held: BTreeMap<String, u64>,
    /// Items that may have been delivered twice.
    pub possible_duplicates: u64,
}

impl Ledger {
    /// Reads the JSON.
    ///
    /// # Errors
    /// A shape that the contract does not have, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let json: Value =
            serde_json::from_str(text).map_err(|e| format!("ledger is not JSON: {e}: {text}"))?;
        Self::read(&json["data"]).ok_or_else(|| format!("ledger has an unknown shape: {text}"))
    }

    fn read(data: &Value) -> Option<Self> {
        let accounts = data["accounts"].as_array()?.iter().map(Account::read);
        let accounts = accounts.collect::<Option<Vec<Account>>>()?;
        Some(Self { balanced: data["balanced"].as_bool()?, accounts })
    }

    /// The account of a destination whose name ends like this.
    ///
    /// # Panics
    /// When there is none, or more than one.
    pub fn account(&self, destination: &str) -> &Account {
        let mut found = self.accounts.iter().filter(|a| a.destination.ends_with(destination));
        match (found.next(), found.next()) {
            (Some(account), None) => account,
            _ => panic!("looking for the account of {destination:?} in {self:?}"),
        }
    }

    /// Checks the law itself, whatever the agent says: taken = delivered + dropped + rejected +
    /// held in every account.
    ///
    /// # Panics
    /// When it does not hold, or the agent says that it does not.
    pub fn assert_balanced(&self) {
        for account in &self.accounts {
            let out = account.delivered
                + account.dropped()
                + account.rejected()
                + account.held.values().sum::<u64>();
            assert_eq!(account.taken(), out, "the law is broken: {account:#?}");
            assert!(account.balanced, "the agent calls it unbalanced: {account:#?}");
        }
        assert!(self.balanced, "the agent calls the ledger unbalanced: {self:#?}");
    }

    /// True when nothing is held anywhere.
    pub fn is_drained(&self) -> bool {
        self.accounts.iter().all(|account| account.held() == 0)
    }
}

impl Account {
    /// Items taken in all.
    pub fn taken(&self) -> u64 {
        self.taken.values().sum()
    }

    /// Items dropped for any reason.
    pub fn dropped(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// Items rejected for any reason.
    pub fn rejected(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Items held anywhere.
    pub fn held(&self) -> u64 {
        self.held.values().sum()
    }

    fn read(json: &Value) -> Option<Self> {
        Some(Self {
            destination: json["destination"].as_str()?.into(),
            balanced: json["balanced"].as_bool()?,
            taken: counts(&json["taken"])?,
            delivered: json["delivered"].as_u64()?,
            dropped: counts(&json["dropped"])?,
            rejected: counts(&json["rejected"])?,
            held: counts(&json["held"])?,
            possible_duplicates: json["possible_duplicates"].as_u64()?,
        })
    }
}

fn counts(json: &Value) -> Option<BTreeMap<String, u64>> {
    json.as_object()?.iter().map(|(key, n)| Some((key.clone(), n.as_u64()?))).collect()
}
