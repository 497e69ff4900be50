//! Sign-in and sign-out, and the tokens of users.

use crate::{
    Chat, Error, Resource,
    api::{NON_FIELD_ERRORS, Timestamp, Token, TokenId, TokenInfo, UserId, error_text, limits},
    auth::{password::Verification, token},
    cache::{Lookup, newer_use},
    runtime,
    store::{NewToken, RevokeTokens, StoreError, TokenHash, TokenOwner},
    text::{self, TokenName},
};
use std::{sync::Arc, time::Duration};

/// How long token uses are buffered before they are written in one batch.
///
/// A use must be visible to other nodes within 60 seconds. The remaining 10 seconds are for the write itself.
const FLUSH_DELAY: Duration = Duration::from_secs(50);
const _: () = assert!(FLUSH_DELAY.as_secs() + 10 <= 60, "a use is visible to other nodes too late");

/// The flush delay for a token with a TTL of less than 40 seconds.
///
/// For a TTL of 40 to 400 seconds, the delay is an eighth of the TTL. For a longer TTL it is [`FLUSH_DELAY`].
const SHORTEST_FLUSH_DELAY: Duration = Duration::from_secs(5);

/// An authenticated user, with the token that authenticated them.
///
/// Only [`Chat::authenticate`] creates one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Session {
    /// The user.
    pub user: UserId,
    /// The hash of the token.
    pub token: TokenHash,
}

impl Chat {
    /// Creates a token for the user with this name and password.
    ///
    /// Older tokens stay valid, up to [`TOKENS_PER_USER`](limits::TOKENS_PER_USER).
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// use chat_core::Chat;
    ///
    /// let chat = Chat::open("sqlite::memory:").await?;
    /// let ann = chat.register("ann", "correct horse").await?;
    ///
    /// let token = chat.sign_in("ann", "correct horse").await?;
    /// let session = chat.authenticate(token.expose()).await?;
    /// assert_eq!(session.user, ann.id);
    ///
    /// chat.sign_out(session).await?;
    /// assert!(chat.authenticate(token.expose()).await.is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - [`Error::Invalid`] for a wrong password, an unknown user or a disabled user. The text and the time are the
    ///   same for each. An imported hash takes a different time until the first sign-in replaces it.
    /// - [`Error::Unavailable`] if the queue for password hashing is full, or from the database.
    /// - [`Error::Fault`] from the database, or if the operating system returns no random numbers.
    pub async fn sign_in(&self, username: &str, password: &str) -> Result<Token, Error> {
        self.sign_in_named(username, password, None).await
    }

    /// Creates a token with a name for the user's list of tokens.
    ///
    /// Otherwise it does the same as [`sign_in`](Self::sign_in).
    ///
    /// # Errors
    /// Those of [`sign_in`](Self::sign_in).
    pub async fn sign_in_named(
        &self,
        username: &str,
        password: &str,
        name: Option<TokenName>,
    ) -> Result<Token, Error> {
        let name = name.map(TokenName::into_string);
        loop {
            let account = self.store.account_by_name(text::trim(username)).await?;
            let hash = account.as_ref().map(|account| account.password.clone());
            let verification = self.hasher.verify(password, hash).await?;
            let Some(mut account) =
                account.filter(|account| account.active && verification != Verification::Wrong)
            else {
                return Err(Error::field(NON_FIELD_ERRORS, error_text::BAD_CREDENTIALS));
            };
            if let Verification::Outdated(new) = verification
                // If the password changed in the meantime, the newer hash stays.
                && self.store.set_password(account.id, Some(&account.password), &new, RevokeTokens::None).await?
            {
                account.password = new;
            }
            let token = match self.new_token(account.id, name.clone()).await {
                Err(Error::NotFound(_)) => continue,
                token => token?,
            };
            if self.store.account(account.id).await?.as_ref() == Some(&account) {
                return Ok(token);
            }
            // The account changed in the meantime. The change may have revoked the tokens before the new token was
            // added. The new token would then stay valid, so it is deleted.
            self.store.delete_token(&token::hash(token.expose())).await?;
        }
    }

    /// Creates a token for a user without checking a password.
    ///
    /// This is for applications that authenticate users themselves.
    ///
    /// # Errors
    /// - [`Error::NotFound`] if there is no such user.
    /// - [`Error::Unavailable`] from the database.
    /// - [`Error::Fault`] from the database, or if the operating system returns no random numbers.
    pub async fn issue_token(&self, user: UserId) -> Result<Token, Error> {
        self.new_token(user, None).await
    }

    async fn new_token(&self, user: UserId, name: Option<String>) -> Result<Token, Error> {
        let token = token::generate()?;
        let hash = token::hash(token.expose());
        let new = NewToken { hash, user, name, created: self.clock.now(), ttl: self.token_ttl };
        // The store may revoke the token with the oldest use. Without the flush it could choose one whose recent use is
        // buffered.
        let tokens = self.store.tokens(user).await?;
        self.uses.flush_of(&tokens, &*self.store).await?;
        self.run_to_completion(async move |chat| {
            match chat.store.insert_token(new, limits::TOKENS_PER_USER).await {
                Ok(revoked) => {
                    for hash in &revoked {
                        chat.sessions.invalidate(hash);
                    }
                    Ok(token)
                }
                Err(StoreError::NotFound) => Err(Error::NotFound(Resource::User)),
                Err(error) => {
                    // It is unknown whether the token was added and which other tokens were revoked for it.
                    chat.sessions.invalidate_all();
                    Err(error.into())
                }
            }
        })
        .await
    }

    /// Returns the session of a token. A cached token needs no query.
    ///
    /// # Errors
    /// - [`Error::InvalidToken`] if the token is unknown, revoked or expired.
    /// - [`Error::InactiveUser`] if its user is disabled.
    /// - [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn authenticate(&self, token: &str) -> Result<Session, Error> {
        let hash = token::hash(token);
        let now = self.clock.now();
        let is_live = |owner: &TokenOwner| owner.expires().is_none_or(|expires| expires > now);
        // The last use in the cache may be out of date. If it makes a token look expired, the owner is read again.
        let owner = match self.sessions.get(hash, is_live) {
            Lookup::Hit(owner) => owner,
            Lookup::Miss(ticket) => {
                // The last use may still be buffered. It is read before the query, because the buffer may be written
                // during the query.
                let used = self.uses.get(&hash);
                let mut owner = self.store.token_owner(&hash).await?.ok_or(Error::InvalidToken)?;
                owner.last_used = used.map_or(owner.last_used, |used| newer_use(used, owner.last_used));
                self.sessions.put(ticket, owner);
                owner
            }
        };
        if !is_live(&owner) {
            return Err(Error::InvalidToken);
        }
        if !owner.active {
            return Err(Error::InactiveUser);
        }
        self.record_use(hash, owner.ttl, now);
        Ok(Session { user: owner.user, token: hash })
    }

    /// Records the use of a token and schedules the write.
    ///
    /// The use is lost if the process crashes before the write, or the chat is dropped and not closed.
    fn record_use(&self, token: TokenHash, ttl: Option<Duration>, now: Timestamp) {
        let delay = ttl.map_or(FLUSH_DELAY, |ttl| (ttl / 8).clamp(SHORTEST_FLUSH_DELAY, FLUSH_DELAY));
        self.uses.record(token, now, delay, || {
            let runtime = runtime::current().ok()?;
            let (uses, store) = (self.uses.clone(), Arc::downgrade(&self.store));
            let wait = tokio::time::sleep(delay);
            let flush = async move {
                wait.await;
                if let Some(store) = store.upgrade() {
                    uses.flush(&*store).await;
                }
            };
            Some(runtime.spawn(flush).abort_handle())
        });
    }

    /// Returns the live tokens of the session's user, newest first.
    ///
    /// The field `current` is true for the token of the session.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn own_tokens(&self, session: Session) -> Result<Vec<TokenInfo>, Error> {
        self.live_tokens(session.user, Some(session.token)).await
    }

    /// Returns the live tokens of a user, newest first.
    ///
    /// The list is empty if the user does not exist.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn tokens(&self, user: UserId) -> Result<Vec<TokenInfo>, Error> {
        self.live_tokens(user, None).await
    }

    async fn live_tokens(&self, user: UserId, current: Option<TokenHash>) -> Result<Vec<TokenInfo>, Error> {
        let mut tokens = self.store.tokens(user).await?;
        for token in &mut tokens {
            token.last_used = self.uses.last_use(&token.hash, token.last_used);
        }
        let now = self.clock.now();
        let live = tokens.into_iter().filter(|token| token.expires().is_none_or(|expires| expires > now));
        let infos = live.map(|token| TokenInfo {
            id: token.id,
            created: token.created,
            last_used: token.last_used,
            expires: token.expires(),
            current: current == Some(token.hash),
            name: token.name,
        });
        Ok(infos.collect())
    }

    /// Revokes the token of the session.
    ///
    /// It is not an error if the token is already revoked.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn sign_out(&self, session: Session) -> Result<(), Error> {
        self.run_to_completion(async move |chat| {
            let deleted = chat.store.delete_token(&session.token).await;
            chat.sessions.invalidate(&session.token);
            Ok(deleted.map(drop)?)
        })
        .await
    }

    /// Revokes one token of a user.
    ///
    /// # Errors
    /// - [`Error::NotFound`] if the user has no token with this number.
    /// - [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn revoke_token(&self, user: UserId, id: TokenId) -> Result<(), Error> {
        let delete = self.run_to_completion(async move |chat| {
            let deleted = chat.store.delete_token_by_id(user, id).await;
            match &deleted {
                Ok(Some(token)) => chat.sessions.invalidate(token),
                Ok(None) => {}
                // The token may have been deleted despite the error.
                Err(_) => chat.sessions.invalidate_all(),
            }
            deleted
        });
        delete.await?.map(drop).ok_or(Error::NotFound(Resource::Token))
    }

    /// Revokes every token of a user and returns how many there were.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn revoke_tokens(&self, user: UserId) -> Result<u64, Error> {
        let delete = self.run_to_completion(async move |chat| {
            let deleted = chat.store.delete_tokens(user).await;
            chat.sessions.invalidate_all();
            deleted
        });
        Ok(delete.await?)
    }
}
