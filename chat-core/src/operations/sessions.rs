//! Signing in and out, and the tokens that stand for it.

use crate::{
    Chat, Error, Resource,
    api::{FieldErrors, NON_FIELD_ERRORS, Timestamp, Token, TokenId, TokenInfo, UserId, error_text, limits},
    auth::{password::Verdict, token},
    store::{NewToken, RevokeTokens, StoreError, TokenHash},
    text,
};
use std::time::Duration;

/// How long the uses of tokens are gathered before they are written down together.
const FLUSH_DELAY: Duration = Duration::from_secs(5);

/// A user who proved with a token who he is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// The user.
    pub user: UserId,
    /// The token he used.
    pub token: TokenHash,
}

impl Chat {
    /// Makes a token for whoever knows the password. Older tokens stay valid, up to
    /// [`TOKENS_PER_USER`](limits::TOKENS_PER_USER).
    ///
    /// # Errors
    /// [`Error::Invalid`] for a wrong password, an unknown user and a disabled one: the same text, after the same
    /// time (hashes imported from elsewhere excepted, until their first use replaces them).
    pub async fn sign_in(&self, username: &str, password: &str) -> Result<Token, Error> {
        self.sign_in_named(username, password, None).await
    }

    /// The same, with a name for the token by which its owner will know it again.
    ///
    /// # Errors
    /// Those of [`sign_in`](Self::sign_in), and what is wrong with the name, under `name`.
    pub async fn sign_in_named(
        &self,
        username: &str,
        password: &str,
        name: Option<&str>,
    ) -> Result<Token, Error> {
        let name = name.map(Self::check_token_name).transpose()?;
        loop {
            let account = self.store.account_by_name(text::trim(username)).await?;
            let hash = account.as_ref().map(|account| account.password.clone());
            let verdict = self.hasher.verify(password, hash).await?;
            let Some(mut account) = account.filter(|account| account.active && verdict != Verdict::Wrong)
            else {
                return Err(Error::field(NON_FIELD_ERRORS, error_text::BAD_CREDENTIALS));
            };
            if let Verdict::Outdated(new) = verdict
                // Should the password have changed meanwhile, the newer one stays.
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
            // The account is not what it was: if its tokens were revoked, that was before this one.
            self.store.delete_token(&token::hash(token.expose())).await?;
        }
    }

    /// Trims a name for a token and checks it.
    ///
    /// # Errors
    /// What is wrong with it, under `name`.
    pub fn check_token_name(name: &str) -> Result<String, FieldErrors> {
        text::check("name", name, limits::TOKEN_NAME_MAX)
    }

    /// Makes a token for a user without asking for a password: for applications that know by themselves who he is.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such user.
    pub async fn issue_token(&self, user: UserId) -> Result<Token, Error> {
        self.new_token(user, None).await
    }

    async fn new_token(&self, user: UserId, name: Option<String>) -> Result<Token, Error> {
        let token = token::generate()?;
        let hash = token::hash(token.expose());
        let new = NewToken { hash, user, name, created: self.clock.now(), ttl: self.token_ttl };
        self.run_to_completion(async move |chat| {
            // A token that was used just now must not make room for want of a note.
            chat.uses.write(&*chat.store).await;
            match chat.store.insert_token(new, limits::TOKENS_PER_USER).await {
                Ok(gone) => {
                    for hash in &gone {
                        chat.sessions.forget(hash);
                    }
                    Ok(token)
                }
                Err(StoreError::NotFound) => Err(Error::NotFound(Resource::User)),
                Err(error) => {
                    // Which made room for it, if it was made at all, is unknown.
                    chat.sessions.forget_all();
                    Err(error.into())
                }
            }
        })
        .await
    }

    /// Whose token this is.
    ///
    /// # Errors
    /// [`Error::InvalidToken`] when nobody's, [`Error::InactiveUser`] when a disabled user's.
    pub async fn authenticate(&self, token: &str) -> Result<Session, Error> {
        let hash = token::hash(token);
        let owner = match self.sessions.get(&hash) {
            Some(owner) => owner,
            None => {
                let asking = self.sessions.snapshot();
                let mut owner = self.store.token_owner(&hash).await?.ok_or(Error::InvalidToken)?;
                // The last use may not be written down yet.
                owner.last_used =
                    self.uses.of(&hash).map_or(owner.last_used, |used| used.max(owner.last_used));
                self.sessions.put(hash, owner, asking);
                owner
            }
        };
        let now = self.clock.now();
        if owner.expires().is_some_and(|expires| expires <= now) {
            return Err(Error::InvalidToken);
        }
        if !owner.active {
            return Err(Error::InactiveUser);
        }
        if owner.last_used.plus(last_used_resolution(owner.ttl)) <= now {
            self.record_use(hash, now);
        }
        Ok(Session { user: owner.user, token: hash })
    }

    /// Remembers that a token was used, to be written down before long: a crash may lose it.
    fn record_use(&self, token: TokenHash, now: Timestamp) {
        self.sessions.used(&token, now);
        if self.uses.record(token, now) {
            let (uses, store) = (self.uses.clone(), self.store.clone());
            tokio::spawn(async move {
                tokio::time::sleep(FLUSH_DELAY).await;
                uses.write(&*store).await;
            });
        }
    }

    /// The live tokens of the session's user, newest first.
    ///
    /// # Errors
    /// The database's alone.
    pub async fn own_tokens(&self, session: Session) -> Result<Vec<TokenInfo>, Error> {
        self.live_tokens(session.user, Some(session.token)).await
    }

    /// The live tokens of a user, newest first.
    ///
    /// # Errors
    /// The database's alone; a user who does not exist has none.
    pub async fn tokens(&self, user: UserId) -> Result<Vec<TokenInfo>, Error> {
        self.live_tokens(user, None).await
    }

    async fn live_tokens(&self, user: UserId, current: Option<TokenHash>) -> Result<Vec<TokenInfo>, Error> {
        let mut tokens = self.store.tokens(user).await?;
        for token in &mut tokens {
            token.last_used = self.uses.of(&token.hash).map_or(token.last_used, |at| at.max(token.last_used));
        }
        let now = self.clock.now();
        let live = tokens.into_iter().filter(|token| token.expires().is_none_or(|expires| expires > now));
        let told = live.map(|token| TokenInfo {
            id: token.id,
            created: token.created,
            last_used: token.last_used,
            expires: token.expires(),
            current: current == Some(token.hash),
            name: token.name,
        });
        Ok(told.collect())
    }

    /// Signs out: the session's token is void from now on.
    ///
    /// # Errors
    /// The database's alone; a token that is void already is no error.
    pub async fn sign_out(&self, session: Session) -> Result<(), Error> {
        self.run_to_completion(async move |chat| {
            let deleted = chat.store.delete_token(&session.token).await;
            chat.sessions.forget(&session.token);
            Ok(deleted.map(drop)?)
        })
        .await
    }

    /// Revokes one token of a user.
    ///
    /// # Errors
    /// [`Error::NotFound`] when he has none with this id.
    pub async fn revoke_token(&self, user: UserId, id: TokenId) -> Result<(), Error> {
        let delete = self.run_to_completion(async move |chat| {
            let deleted = chat.store.delete_token_by_id(user, id).await;
            match &deleted {
                Ok(Some(token)) => chat.sessions.forget(token),
                Ok(None) => {}
                // It may have been deleted all the same.
                Err(_) => chat.sessions.forget_all(),
            }
            deleted
        });
        delete.await?.map(drop).ok_or(Error::NotFound(Resource::Token))
    }

    /// Revokes all tokens of a user and says how many there were.
    ///
    /// # Errors
    /// The database's alone.
    pub async fn revoke_tokens(&self, user: UserId) -> Result<u64, Error> {
        let delete = self.run_to_completion(async move |chat| {
            let deleted = chat.store.delete_tokens(user).await;
            chat.sessions.forget_all();
            deleted
        });
        Ok(delete.await?)
    }
}

/// How old a noted use may be before the next one is noted: a minute, and less for tokens that expire soon.
fn last_used_resolution(ttl: Option<Duration>) -> Duration {
    const MINUTE: Duration = Duration::from_secs(60);
    ttl.map_or(MINUTE, |ttl| MINUTE.min(ttl / 8))
}
