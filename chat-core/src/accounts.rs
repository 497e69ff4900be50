//! Users: who there is, how they sign in, and what an administrator does to them.

use crate::{
    Chat, Error, Resource,
    api::{FieldErrors, NON_FIELD_ERRORS, Token, User, UserId, limits, messages},
    password::{self, Verdict},
    store::{Account, Counted, EnsuredUser, NewToken, NewUser, PasswordHash, Slice, StoreError, TokenHash},
    text, token,
};

/// A user who proved with a token who he is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// The user.
    pub user: UserId,
    /// The token he used.
    pub token: TokenHash,
}

impl Chat {
    /// Registers a user by his own choice of name and password.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a name that is taken or not allowed and a password too short or too long.
    pub async fn register(&self, username: &str, password: &str) -> Result<User, Error> {
        let name = self.check_username(username).await?;
        let mut errors = name.as_ref().err().cloned().unwrap_or_default();
        errors.extend(password::check("password", password).err().unwrap_or_default());
        errors.into_result()?;
        self.insert_user(name?, password).await
    }

    /// Adds a user as an administrator, who may choose any password.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a name that is taken or not allowed.
    pub async fn add_user(&self, username: &str, password: &str) -> Result<User, Error> {
        let name = self.check_username(username).await??;
        self.insert_user(name, password).await
    }

    async fn insert_user(&self, username: String, password: &str) -> Result<User, Error> {
        let password = self.hasher.hash(password).await?;
        let user = NewUser { username: username.clone(), password, created: self.clock.now() };
        match self.store.insert_user(user).await {
            Ok(id) => Ok(User { id, username }),
            Err(StoreError::Conflict) => Err(Error::field("username", messages::USERNAME_TAKEN)),
            Err(error) => Err(error.into()),
        }
    }

    /// Trims a name for a new user and checks it. The outer error is the database's.
    ///
    /// # Errors
    /// What is wrong with the name, under `username`.
    pub async fn check_username(&self, username: &str) -> Result<Result<String, FieldErrors>, Error> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "@.+-_".contains(c);
        let trimmed = text::trim(username);
        let mut errors = text::check("username", username, limits::USERNAME_MAX).err().unwrap_or_default();
        if !trimmed.chars().all(allowed) {
            errors.push("username", messages::BAD_USERNAME);
        }
        if errors.is_empty() && self.store.is_name_taken(trimmed).await? {
            errors.push("username", messages::USERNAME_TAKEN);
        }
        Ok(errors.into_result().map(|()| trimmed.to_owned()))
    }

    /// Tells the chat of a user of the embedding application: he exists and is called so. Call it when he is added
    /// or renamed, or whenever he comes; it changes nothing when nothing changed.
    ///
    /// # Errors
    /// [`Error::Invalid`] when another user has the name.
    pub async fn ensure_user(&self, id: UserId, username: &str) -> Result<(), Error> {
        let user = EnsuredUser { id, username: username.to_owned(), created: self.clock.now() };
        match self.store.ensure_user(user).await {
            Err(StoreError::Conflict) => Err(Error::field("username", messages::USERNAME_TAKEN)),
            result => Ok(result?),
        }
    }

    /// Makes a token for whoever knows the password. Older tokens stay valid, up to
    /// [`TOKENS_PER_USER`](limits::TOKENS_PER_USER).
    ///
    /// # Errors
    /// [`Error::Invalid`] for a wrong password, an unknown user and a disabled one: the same text, after the same
    /// time (hashes imported from elsewhere excepted, until their first use replaces them).
    pub async fn sign_in(&self, username: &str, password: &str) -> Result<Token, Error> {
        let account = self.store.account_by_name(text::trim(username)).await?;
        let hash = account.as_ref().map(|account| account.password.clone());
        let verdict = self.hasher.verify(password, hash).await?;
        let Some(account) = account.filter(|account| account.active && verdict != Verdict::Wrong) else {
            return Err(Error::field(NON_FIELD_ERRORS, messages::BAD_CREDENTIALS));
        };
        if let Verdict::Outdated(new) = verdict {
            // Should the password have changed meanwhile, the newer one stays.
            self.store.set_password(account.id, Some(&account.password), &new, None).await?;
        }
        self.issue_token(account.id).await
    }

    /// Makes a token for a user without asking for a password: for applications that know by themselves who he is.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such user.
    pub async fn issue_token(&self, user: UserId) -> Result<Token, Error> {
        let token = token::generate()?;
        let new = NewToken { hash: token::hash(token.expose()), user, created: self.clock.now() };
        let inserted = self.store.insert_token(new, limits::TOKENS_PER_USER).await;
        match inserted {
            Ok(()) => Ok(token),
            Err(StoreError::NotFound) => Err(Error::NotFound(Resource::User)),
            Err(error) => Err(error.into()),
        }
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
                let asking = self.sessions.asking();
                let owner = self.store.token_owner(&hash).await?.ok_or(Error::InvalidToken)?;
                self.sessions.put(hash, owner, asking);
                owner
            }
        };
        if owner.expires.is_some_and(|expires| expires <= self.clock.now()) {
            return Err(Error::InvalidToken);
        }
        if owner.active { Ok(Session { user: owner.user, token: hash }) } else { Err(Error::InactiveUser) }
    }

    /// Signs out: the session's token is void from now on.
    ///
    /// # Errors
    /// The database's alone; a token that is void already is no error.
    pub async fn sign_out(&self, session: Session) -> Result<(), Error> {
        let deleted = self.store.delete_token(&session.token).await;
        self.sessions.forget(&session.token);
        Ok(deleted.map(drop)?)
    }

    /// Revokes all tokens of a user and says how many there were.
    ///
    /// # Errors
    /// The database's alone.
    pub async fn revoke_tokens(&self, user: UserId) -> Result<u64, Error> {
        let deleted = self.store.delete_tokens(user).await;
        self.sessions.forget_all();
        Ok(deleted?)
    }

    /// Changes one's own password and revokes all tokens but the session's.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `current` is not the password or `new` is too short or too long.
    pub async fn change_password(&self, session: Session, current: &str, new: &str) -> Result<(), Error> {
        let wrong = || FieldErrors::one("current", messages::WRONG_PASSWORD);
        let account = self.account(session.user).await?;
        let verdict = self.hasher.verify(current, Some(account.password.clone())).await?;
        let mut errors = if verdict == Verdict::Wrong { wrong() } else { FieldErrors::new() };
        errors.extend(password::check("new", new).err().unwrap_or_default());
        errors.into_result()?;

        let hash = self.hasher.hash(new).await?;
        let keep = Some(Some(&session.token));
        let changed = self.store.set_password(account.id, Some(&account.password), &hash, keep).await;
        self.sessions.forget_all();
        if changed? {
            Ok(())
        } else {
            // Another change was faster: `current` is not the password any more.
            Err(wrong().into())
        }
    }

    /// Sets a user's password as an administrator, who may choose any, and revokes all the user's tokens.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such user.
    pub async fn set_password(&self, user: UserId, password: &str) -> Result<(), Error> {
        let hash: PasswordHash = self.hasher.hash(password).await?;
        let changed = self.store.set_password(user, None, &hash, Some(None)).await;
        self.sessions.forget_all();
        found(changed?)
    }

    /// Enables or disables a user. A disabled one cannot sign in and his tokens do not count; his threads and
    /// messages stay.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such user.
    pub async fn set_active(&self, user: UserId, active: bool) -> Result<(), Error> {
        let changed = self.store.set_active(user, active).await;
        self.sessions.forget_all();
        found(changed?)
    }

    /// Removes a user with his tokens, his threads and their messages.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such user.
    pub async fn remove_user(&self, user: UserId) -> Result<(), Error> {
        let removed = self.store.remove_user(user).await;
        self.sessions.forget_all();
        if let Some(lists) = &self.lists {
            lists.changed_all();
        }
        found(removed?)
    }

    /// A user.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn user(&self, id: UserId) -> Result<User, Error> {
        let account = self.account(id).await?;
        Ok(User { id: account.id, username: account.username })
    }

    /// A user with all that is known of him.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn account(&self, id: UserId) -> Result<Account, Error> {
        self.store.account(id).await?.ok_or(Error::NotFound(Resource::User))
    }

    /// The user of exactly this name, with all that is known of him.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn account_by_name(&self, username: &str) -> Result<Account, Error> {
        self.store.account_by_name(username).await?.ok_or(Error::NotFound(Resource::User))
    }

    /// The users whose names begin with `search`, in whatever letter case, by name in code point order.
    ///
    /// # Errors
    /// The database's alone.
    pub async fn users(&self, search: &str, slice: Slice) -> Result<Counted<User>, Error> {
        Ok(self.store.users(search, slice).await?)
    }
}

fn found(found: bool) -> Result<(), Error> {
    if found { Ok(()) } else { Err(Error::NotFound(Resource::User)) }
}
