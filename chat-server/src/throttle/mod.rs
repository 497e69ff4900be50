//! Rate limits on failed sign-ins, registrations and requests.
//!
//! Three budgets decide about a sign-in before its password is hashed:
//!
//! - The budget of *account and address* stops a client that tries passwords.
//! - The budget of the *address* stops a client that tries accounts.
//! - The budget of the *account* slows down a client with many addresses.
//!
//! A token is taken from each budget before hashing, so that concurrent attempts cannot exceed a budget. It is refunded
//! unless the password was wrong. Accounts are counted by the name that was sent, even if no such account exists. A
//! change of a password counts like a sign-in, but by the id of the user.
//!
//! By exhausting one of the last two budgets, an attacker could lock out the owner of an account. So an address from
//! which an account has signed in is *known* to that account. For a known address, only the budget of account and
//! address counts. If another client at that address has spent that budget, a reserve remains. With a token from the
//! reserve, a password is still verified. A wrong password is then answered 429 like any throttled attempt. Such a
//! response gives an attacker no information.
//!
//! The budgets are in the memory of this process: each node has its own limits.

mod budget;

use crate::{
    http::{client_ip::client_network, error::ApiError},
    metrics::Throttled,
};
use budget::{Budget, Rate, Token};
use chat_core::{Error, api::UserId};
use quick_cache::sync::Cache;
use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;

/// Failures with one account from one address: 30, then one every 10 s.
const PAIR: Rate = Rate { burst: 30, every: Duration::from_secs(10) };
/// The reserve of an account at an address that is known to it.
const RESERVE: Rate = Rate { burst: 60, every: Duration::from_secs(10) };
/// Failures from one address, with all accounts together.
const ADDRESS: Rate = Rate { burst: 100, every: Duration::from_millis(600) };
/// Failures with one account, from all addresses together that are not known to it.
const ACCOUNT: Rate = Rate { burst: 100, every: Duration::from_secs(6) };
/// Registrations from one address, including refused ones.
const REGISTRATIONS: Rate = Rate { burst: 300, every: Duration::from_secs(6) };
/// Requests of one user.
const REQUESTS: Rate = Rate { burst: 5000, every: Duration::from_millis(5) };
/// Known pairs of account and address that are kept: about 4 MB of memory.
const KNOWN_PAIRS: usize = 50_000;

/// The account whose password is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Account<'a> {
    /// The account of this name, which need not exist.
    Name(&'a str),
    /// The account of a user who is signed in.
    Id(UserId),
}

/// The rate limits, or none.
#[derive(Debug)]
pub(crate) struct Throttle(Option<Budgets>);

/// The budgets of every account and address.
#[derive(Debug)]
struct Budgets {
    pairs: Budget,
    reserves: Budget,
    addresses: Budget,
    accounts: Budget,
    registrations: Budget,
    requests: Budget,
    /// Hashes of the known pairs of account and address.
    known: Cache<u64, ()>,
    /// Has a random key, so that no client can choose the collisions of its hash.
    hasher: RandomState,
    started: Instant,
    metrics: Arc<Throttled>,
}

impl Throttle {
    /// Creates the limits if `limited`; counts refusals in `metrics`.
    pub(crate) fn new(limited: bool, metrics: Arc<Throttled>) -> Self {
        Self(limited.then(|| Budgets {
            pairs: Budget::new(PAIR),
            reserves: Budget::new(RESERVE),
            addresses: Budget::new(ADDRESS),
            accounts: Budget::new(ACCOUNT),
            registrations: Budget::new(REGISTRATIONS),
            requests: Budget::new(REQUESTS),
            known: Cache::new(KNOWN_PAIRS),
            hasher: RandomState::new(),
            started: Instant::now(),
            metrics,
        }))
    }

    /// Counts a request of a user.
    ///
    /// # Errors
    /// 429 if the user has sent too many.
    pub(crate) fn request(&self, user: UserId) -> Result<(), ApiError> {
        let Some(budgets) = &self.0 else { return Ok(()) };
        let key = budgets.hasher.hash_one(user);
        budgets.requests.take(key, budgets.started.elapsed()).map(drop).map_err(|wait| {
            budgets.metrics.requests.increment();
            ApiError::throttled(wait)
        })
    }

    /// Counts an attempt to register, before its result is known.
    ///
    /// # Errors
    /// 429 if there were too many from this address, or for this name if the address is not available.
    pub(crate) fn registration(&self, username: &str, address: Option<IpAddr>) -> Result<(), ApiError> {
        let Some(budgets) = &self.0 else { return Ok(()) };
        let key = address.map_or_else(
            || budgets.hasher.hash_one(username.to_lowercase()),
            |address| budgets.hasher.hash_one(client_network(address)),
        );
        budgets.registrations.take(key, budgets.started.elapsed()).map(drop).map_err(|wait| {
            budgets.metrics.registrations.increment();
            ApiError::throttled(wait)
        })
    }

    /// Takes the tokens for an attempt to sign in, before its password is hashed.
    ///
    /// # Errors
    /// 429 if too many attempts have failed.
    pub(crate) fn sign_in(
        &self,
        account: Account<'_>,
        address: Option<IpAddr>,
    ) -> Result<Attempt<'_>, ApiError> {
        let Some(budgets) = &self.0 else { return Ok(Attempt { budgets: None, taken: Taken::default() }) };
        let taken = budgets.take(account, address, budgets.started.elapsed()).map_err(|wait| {
            budgets.metrics.passwords.increment();
            ApiError::throttled(wait)
        })?;
        Ok(Attempt { budgets: Some(budgets), taken })
    }
}

/// The tokens that an attempt has taken from the budgets.
#[derive(Debug, Default)]
struct Taken {
    pair: Option<Token>,
    reserve: Option<Token>,
    address: Option<Token>,
    account: Option<Token>,
    /// If the token is from the reserve: how long until the normal budget has one.
    wait: Duration,
    /// The pair of account and address. A success makes it known.
    known_pair: Option<u64>,
}

impl Budgets {
    /// Takes a token from each budget that counts for an attempt.
    ///
    /// The error is the time until a token is available.
    fn take(&self, account: Account<'_>, address: Option<IpAddr>, now: Duration) -> Result<Taken, Duration> {
        let account_key = self.hasher.hash_one(account);
        let Some(network) = address.map(client_network) else {
            let account = self.accounts.take(account_key, now)?;
            return Ok(Taken { account: Some(account), ..Taken::default() });
        };
        let pair = self.hasher.hash_one((account, network));
        let mut taken = Taken { known_pair: Some(pair), ..Taken::default() };
        let is_known = self.known.get(&pair).is_some();
        match self.pairs.take(pair, now) {
            Ok(token) => taken.pair = Some(token),
            Err(wait) if is_known && let Ok(token) = self.reserves.take(pair, now) => {
                (taken.reserve, taken.wait) = (Some(token), wait);
            }
            Err(wait) => return Err(wait),
        }
        if is_known {
            return Ok(taken);
        }
        let address_key = self.hasher.hash_one(network);
        let address = self.addresses.take(address_key, now).inspect_err(|_| self.refund(&taken))?;
        taken.address = Some(address);
        let account = self.accounts.take(account_key, now).inspect_err(|_| self.refund(&taken))?;
        taken.account = Some(account);
        Ok(taken)
    }

    fn refund(&self, taken: &Taken) {
        for (budget, token) in [
            (&self.pairs, &taken.pair),
            (&self.reserves, &taken.reserve),
            (&self.addresses, &taken.address),
            (&self.accounts, &taken.account),
        ] {
            if let Some(token) = token {
                budget.refund(token);
            }
        }
    }
}

/// An attempt to sign in that is not throttled.
///
/// A dropped attempt counts as failed, because its password was hashed anyway. So a client gains nothing if it
/// disconnects early.
#[must_use = "settle the attempt, so that a successful one is refunded"]
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    budgets: Option<&'a Budgets>,
    taken: Taken,
}

impl Attempt<'_> {
    /// Refunds the tokens unless the password was wrong.
    ///
    /// Stores the address of a success as known.
    ///
    /// # Errors
    /// 429 if the password was wrong and was tried from the reserve. It takes the place of the error in `result`.
    pub(crate) fn settle<T>(self, result: &Result<T, Error>) -> Result<(), ApiError> {
        let Some(budgets) = self.budgets else { return Ok(()) };
        match result {
            Err(Error::Invalid(_)) if self.taken.reserve.is_some() => {
                budgets.metrics.passwords.increment();
                return Err(ApiError::throttled(self.taken.wait));
            }
            Err(Error::Invalid(_)) => {}
            // The password was not verified.
            Err(_) => budgets.refund(&self.taken),
            Ok(_) => {
                budgets.refund(&self.taken);
                if let Some(pair) = self.taken.known_pair {
                    budgets.known.insert(pair, ());
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
