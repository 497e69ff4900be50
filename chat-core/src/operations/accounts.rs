//! Users: who there is, and what an administrator does to them.

use crate::{
    Chat, Error, Resource, Session,
    api::{FieldErrors, User, UserId, error_text, limits},
    auth::password::{self, Verdict},
    store::{Account, Counted, EnsuredUser, NewUser, PasswordHash, RevokeTokens, Slice, StoreError},
    text,
};

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
            Err(StoreError::Conflict) => Err(Error::field("username", error_text::USERNAME_TAKEN)),
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
            errors.push("username", error_text::BAD_USERNAME);
        }
        if errors.is_empty() && self.store.is_name_taken(trimmed).await? {
            errors.push("username", error_text::USERNAME_TAKEN);
        }
        Ok(errors.into_result().map(|()| trimmed.to_owned()))
    }

    /// Tells the chat of a user of the embedding application: he exists and is called so. Call it when he is added
    /// or renamed, or whenever he comes; it changes nothing when nothing changed. The name is taken as it stands: what
    /// is asked of those who register is not asked of your users.
    ///
    /// # Errors
    /// [`Error::Invalid`] when another user has the name, or it holds U+0000, which Postgres cannot keep; when the id is
    /// not positive.
    pub async fn ensure_user(&self, id: UserId, username: &str) -> Result<(), Error> {
        if username.contains('\0') {
            return Err(Error::field("username", error_text::NULL_CHARACTERS));
        }
        if id.get() < 1 {
            return Err(Error::field("id", error_text::NOT_POSITIVE));
        }
        let user = EnsuredUser { id, username: username.to_owned(), created: self.clock.now() };
        match self.store.ensure_user(user).await {
            Err(StoreError::Conflict) => Err(Error::field("username", error_text::USERNAME_TAKEN)),
            result => Ok(result?),
        }
    }

    /// ListVersions one's own password and revokes all tokens but the session's.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `current` is not the password or `new` is too short or too long.
    pub async fn change_password(&self, session: Session, current: &str, new: &str) -> Result<(), Error> {
        let wrong = || FieldErrors::one("current", error_text::WRONG_PASSWORD);
        let account = self.account(session.user).await?;
        let verdict = self.hasher.verify(current, Some(account.password.clone())).await?;
        let mut errors = if verdict == Verdict::Wrong { wrong() } else { FieldErrors::new() };
        errors.extend(password::check("new", new).err().unwrap_or_default());
        errors.into_result()?;

        let hash = self.hasher.hash(new).await?;
        let replace = self.run_to_completion(async move |chat| {
            let keep = RevokeTokens::AllExcept(session.token);
            let changed = chat.store.set_password(account.id, Some(&account.password), &hash, keep).await;
            chat.sessions.forget_all();
            changed
        });
        if replace.await? {
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
        let replace = self.run_to_completion(async move |chat| {
            let changed = chat.store.set_password(user, None, &hash, RevokeTokens::All).await;
            chat.sessions.forget_all();
            changed
        });
        found(replace.await?)
    }

    /// Enables or disables a user. A disabled one cannot sign in and his tokens do not count; his threads and
    /// messages stay.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such user.
    pub async fn set_active(&self, user: UserId, active: bool) -> Result<(), Error> {
        let change = self.run_to_completion(async move |chat| {
            let changed = chat.store.set_active(user, active).await;
            chat.sessions.forget_all();
            changed
        });
        found(change.await?)
    }

    /// Removes a user with his tokens, his threads and their messages.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such user.
    pub async fn remove_user(&self, user: UserId) -> Result<(), Error> {
        let remove = self.run_to_completion(async move |chat| {
            let removed = chat.store.remove_user(user).await;
            chat.sessions.forget_all();
            chat.invalidate_all();
            removed
        });
        found(remove.await?)
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
