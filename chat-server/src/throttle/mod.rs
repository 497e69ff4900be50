//! How often: limits on failed log-ins, registrations and requests.
//!
//! Three budgets judge a log-in before its password is hashed. The one of *account and address* stops whoever tries
//! passwords; the one of the *address* whoever tries accounts; the one of the *account* slows down whoever has many
//! addresses. An attempt is paid in advance, so that many at once do not slip through together, and gets its price
//! back unless it failed. Accounts are counted by the name that was sent, whether anybody has it or not.
//!
//! The last two would let a stranger lock an owner out. So an address from which an account was signed in before is
//! *known* to it: there, only the budget of account and address counts; and when somebody beside the owner has spent
//! that, a reserve is left in which passwords are still tried, though nobody learns that one was wrong.
//!
//! All of it is in the memory of this process: what is limited on several nodes is limited on each.

mod budget;

use crate::{
    http::{client_ip::client_network, error::ApiError},
    metrics::Throttled,
};
use budget::{Budget, Rate};
use chat_core::{Error, api::UserId};
use quick_cache::sync::Cache;
use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// Failures with one account from one address: thirty, then one every ten seconds.
const PAIR: Rate = Rate { burst: 30, every: Duration::from_secs(10) };
/// What is left of those on an address known to the account.
const RESERVE: Rate = Rate { burst: 60, every: Duration::from_secs(10) };
/// Failures from one address, with whatever accounts.
const ADDRESS: Rate = Rate { burst: 100, every: Duration::from_millis(600) };
/// Failures with one account, from all addresses that are not known to it.
const ACCOUNT: Rate = Rate { burst: 100, every: Duration::from_secs(6) };
/// Registrations from one address, and attempts at one.
const REGISTRATIONS: Rate = Rate { burst: 300, every: Duration::from_secs(6) };
/// Requests of one user.
const REQUESTS: Rate = Rate { burst: 5000, every: Duration::from_millis(5) };
/// Pairs of account and address that are remembered to have belonged together: about 4 MB of memory.
const KNOWN: usize = 50_000;

/// Whose password is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Account<'a> {
    /// Whoever is called so, if anybody.
    Name(&'a str),
    /// A user who is signed in already.
    Id(UserId),
}

/// The limits, or none.
#[derive(Debug)]
pub(crate) struct Throttle(Option<Limits>);

#[derive(Debug)]
struct Limits {
    pairs: Budget,
    reserves: Budget,
    addresses: Budget,
    accounts: Budget,
    registrations: Budget,
    requests: Budget,
    known: Cache<u64, ()>,
    hasher: RandomState,
    started: Instant,
    throttled: Arc<Throttled>,
}

impl Throttle {
    /// With limits or without; what they refuse is counted.
    pub(crate) fn new(limited: bool, throttled: Arc<Throttled>) -> Self {
        Self(limited.then(|| Limits {
            pairs: Budget::new(PAIR),
            reserves: Budget::new(RESERVE),
            addresses: Budget::new(ADDRESS),
            accounts: Budget::new(ACCOUNT),
            registrations: Budget::new(REGISTRATIONS),
            requests: Budget::new(REQUESTS),
            known: Cache::new(KNOWN),
            hasher: RandomState::new(),
            started: Instant::now(),
            throttled,
        }))
    }

    /// To be asked for every request of a user.
    ///
    /// # Errors
    /// There were too many.
    pub(crate) fn request(&self, user: UserId) -> Result<(), ApiError> {
        let Some(limits) = &self.0 else { return Ok(()) };
        let key = limits.hasher.hash_one(user);
        limits.requests.take(key, limits.started.elapsed()).map_err(|wait| {
            limits.throttled.requests.up();
            ApiError::throttled(wait)
        })
    }

    /// To be asked before somebody registers, whatever comes of it.
    ///
    /// # Errors
    /// There were too many attempts from this address, or at this name where the address is not known.
    pub(crate) fn registration(&self, username: &str, address: Option<IpAddr>) -> Result<(), ApiError> {
        let Some(limits) = &self.0 else { return Ok(()) };
        let key = address.map_or_else(
            || limits.hasher.hash_one(username.to_lowercase()),
            |address| limits.hasher.hash_one(client_network(address)),
        );
        limits.registrations.take(key, limits.started.elapsed()).map_err(|wait| {
            limits.throttled.registrations.up();
            ApiError::throttled(wait)
        })
    }

    /// To be asked before a password is hashed.
    ///
    /// # Errors
    /// Too many were wrong.
    pub(crate) fn log_in(
        &self,
        account: Account<'_>,
        address: Option<IpAddr>,
    ) -> Result<Attempt<'_>, ApiError> {
        let Some(limits) = &self.0 else { return Ok(Attempt { limits: None, paid: Paid::default() }) };
        let paid = limits.pay(account, address, limits.started.elapsed()).map_err(|wait| {
            limits.throttled.passwords.up();
            ApiError::throttled(wait)
        })?;
        Ok(Attempt { limits: Some(limits), paid })
    }
}

/// What an attempt was paid from.
#[derive(Debug, Default)]
struct Paid {
    pair: Option<u64>,
    reserve: Option<u64>,
    address: Option<u64>,
    account: Option<u64>,
    /// How long to wait for another attempt that is not from the reserve.
    wait: Duration,
    /// The pair, which a success makes known.
    belongs: Option<u64>,
}

impl Limits {
    /// Takes the price of an attempt from every budget that counts, or says how long to wait.
    fn pay(&self, account: Account<'_>, address: Option<IpAddr>, now: Duration) -> Result<Paid, Duration> {
        let account_key = self.hasher.hash_one(account);
        let Some(network) = address.map(client_network) else {
            self.accounts.take(account_key, now)?;
            return Ok(Paid { account: Some(account_key), ..Paid::default() });
        };
        let pair = self.hasher.hash_one((account, network));
        let mut paid = Paid { belongs: Some(pair), ..Paid::default() };
        let is_known = self.known.get(&pair).is_some();
        match self.pairs.take(pair, now) {
            Ok(()) => paid.pair = Some(pair),
            Err(wait) if is_known && self.reserves.take(pair, now).is_ok() => {
                (paid.reserve, paid.wait) = (Some(pair), wait);
            }
            Err(wait) => return Err(wait),
        }
        if is_known {
            return Ok(paid);
        }
        let address_key = self.hasher.hash_one(network);
        self.addresses.take(address_key, now).inspect_err(|_| self.refund(&paid))?;
        paid.address = Some(address_key);
        self.accounts.take(account_key, now).inspect_err(|_| self.refund(&paid))?;
        paid.account = Some(account_key);
        Ok(paid)
    }

    fn refund(&self, paid: &Paid) {
        for (budget, key) in [
            (&self.pairs, paid.pair),
            (&self.reserves, paid.reserve),
            (&self.addresses, paid.address),
            (&self.accounts, paid.account),
        ] {
            if let Some(key) = key {
                budget.give_back(key);
            }
        }
    }
}

/// A log-in that was let through. One that is dropped has failed: whoever hangs up has made us hash all the same.
#[must_use = "an attempt that succeeds gets its price back when it is settled"]
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    limits: Option<&'a Limits>,
    paid: Paid,
}

impl Attempt<'_> {
    /// Draws the consequences of how it went.
    ///
    /// # Errors
    /// Those of the result, where they may be told.
    pub(crate) fn settle<T>(self, result: Result<T, Error>) -> Result<T, ApiError> {
        let Some(limits) = self.limits else { return Ok(result?) };
        match &result {
            Err(Error::Invalid(_)) if self.paid.reserve.is_some() => {
                limits.throttled.passwords.up();
                return Err(ApiError::throttled(self.paid.wait));
            }
            Err(Error::Invalid(_)) => {}
            // It was not judged.
            Err(_) => limits.refund(&self.paid),
            Ok(_) => {
                limits.refund(&self.paid);
                if let Some(pair) = self.paid.belongs {
                    limits.known.insert(pair, ());
                }
            }
        }
        Ok(result?)
    }
}

#[cfg(test)]
mod tests;
