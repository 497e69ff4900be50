//! Users: registration, look-up, passwords and administration.

use crate::{
    Chat, Error, Resource, Session,
    api::{FieldErrors, User, UserId, error_text, limits},
    auth::password::{self, Verification},
    store::{Account, Counted, EnsuredUser, NewUser, PasswordHash, RevokeTokens, Slice, StoreError},
    text::Username,
};

impl Chat {
    /// Registers a user who chose the name and the password.
    ///
    /// # Errors
    /// - [`Error::Invalid`] with every error of the name and the password: the name is taken or not allowed, or the
    ///   password is too short or too long.
    /// - [`Error::Unavailable`] if the queue for password hashing is full, or from the database.
    /// - [`Error::Fault`] from the database, or if the operating system returns no random numbers.
    pub async fn register(&self, username: &str, password: &str) -> Result<User, Error> {
        let wrong_password = password::check("password", password).err();
        match (self.check_username(username).await, wrong_password) {
            (Ok(name), None) => self.insert_user(name, password).await,
            (Ok(_), Some(errors)) => Err(errors.into()),
            (Err(Error::Invalid(mut errors)), wrong_password) => {
                errors.extend(wrong_password.unwrap_or_default());
                Err(errors.into())
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Adds a user for an administrator, who may choose any password.
    ///
    /// # Errors
    /// - [`Error::Invalid`] if the name is taken or not allowed.
    /// - [`Error::Unavailable`] if the queue for password hashing is full, or from the database.
    /// - [`Error::Fault`] from the database, or if the operating system returns no random numbers.
    pub async fn add_user(&self, username: &str, password: &str) -> Result<User, Error> {
        let name = self.check_username(username).await?;
        self.insert_user(name, password).await
    }

    async fn insert_user(&self, username: Username, password: &str) -> Result<User, Error> {
        let password = self.hasher.hash(password).await?;
        let username = username.into_string();
        let user = NewUser { username: username.clone(), password, created: self.clock.now() };
        match self.store.insert_user(user).await {
            Ok(id) => Ok(User { id, username }),
            Err(StoreError::Conflict) => Err(Error::field(Username::FIELD, error_text::USERNAME_TAKEN)),
            Err(error) => Err(error.into()),
        }
    }

    /// Trims a name for a new user and checks that it is allowed and not taken.
    ///
    /// A name is taken if a user has it in any letter case.
    ///
    /// Another call may take the name after this check. [`register`](Self::register) and [`add_user`](Self::add_user)
    /// report that as well.
    ///
    /// # Errors
    /// - [`Error::Invalid`] if the name is taken or not allowed, under `username`.
    /// - [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn check_username(&self, username: &str) -> Result<Username, Error> {
        let name = Username::try_from(username)?;
        if self.store.is_name_taken(name.as_str()).await? {
            return Err(Error::field(Username::FIELD, error_text::USERNAME_TAKEN));
        }
        Ok(name)
    }

    /// Adds or renames a user of the embedding application, if needed.
    ///
    /// Call it when the application adds or renames a user, or at every log-in. It writes nothing if nothing changed.
    /// The rules for names at registration do not apply.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// use chat_core::{Chat, api::UserId};
    ///
    /// let chat = Chat::open("sqlite::memory:").await?;
    /// let ann = UserId::new(1);
    /// chat.ensure_user(ann, "Ann Smith").await?;
    /// chat.ensure_user(ann, "Ann Jones").await?;
    /// assert_eq!(chat.user(ann).await?.username, "Ann Jones");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - [`Error::Invalid`] if another user has the name, the name contains U+0000, or the id is not from 1 to
    ///   [`ID_MAX`](limits::ID_MAX). Postgres cannot store U+0000. Ids above `ID_MAX` are left for new users, who get
    ///   ids above the highest one.
    /// - [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn ensure_user(&self, id: UserId, username: &str) -> Result<(), Error> {
        if username.contains('\0') {
            return Err(Error::field(Username::FIELD, error_text::NULL_CHARACTERS));
        }
        if id.get() < 1 {
            return Err(Error::field("id", error_text::NOT_POSITIVE));
        }
        if id.get() > limits::ID_MAX {
            return Err(Error::field("id", error_text::ID_TOO_LARGE));
        }
        let user = EnsuredUser { id, username: username.to_owned(), created: self.clock.now() };
        match self.store.ensure_user(user).await {
            Err(StoreError::Conflict) => Err(Error::field(Username::FIELD, error_text::USERNAME_TAKEN)),
            result => Ok(result?),
        }
    }

    /// Changes the password of the session's user.
    ///
    /// Revokes every token of the user except the token of the session.
    ///
    /// # Errors
    /// - [`Error::Invalid`] if `current` is not the password, or `new` is too short or too long.
    /// - [`Error::NotFound`] if the user was removed.
    /// - [`Error::Unavailable`] if the queue for password hashing is full, or from the database.
    /// - [`Error::Fault`] from the database, or if the operating system returns no random numbers.
    pub async fn change_password(&self, session: Session, current: &str, new: &str) -> Result<(), Error> {
        let wrong = || FieldErrors::one("current", error_text::WRONG_PASSWORD);
        let account = self.account(session.user).await?;
        let verification = self.hasher.verify(current, Some(account.password.clone())).await?;
        let mut errors = if verification == Verification::Wrong { wrong() } else { FieldErrors::new() };
        errors.extend(password::check("new", new).err().unwrap_or_default());
        errors.into_result()?;

        let hash = self.hasher.hash(new).await?;
        let replace = self.run_to_completion(async move |chat| {
            let revoke = RevokeTokens::AllExcept(session.token);
            let changed = chat.store.set_password(account.id, Some(&account.password), &hash, revoke).await;
            chat.sessions.invalidate_all();
            changed
        });
        if replace.await? {
            Ok(())
        } else {
            // A concurrent change committed first: `current` is no longer the password.
            Err(wrong().into())
        }
    }

    /// Sets the password of a user and revokes every token of the user.
    ///
    /// This is for administrators, who may choose any password.
    ///
    /// # Errors
    /// - [`Error::NotFound`] if there is no such user.
    /// - [`Error::Unavailable`] if the queue for password hashing is full, or from the database.
    /// - [`Error::Fault`] from the database, or if the operating system returns no random numbers.
    pub async fn set_password(&self, user: UserId, password: &str) -> Result<(), Error> {
        let hash: PasswordHash = self.hasher.hash(password).await?;
        let replace = self.run_to_completion(async move |chat| {
            let changed = chat.store.set_password(user, None, &hash, RevokeTokens::All).await;
            chat.sessions.invalidate_all();
            changed
        });
        found(replace.await?)
    }

    /// Enables or disables a user.
    ///
    /// A disabled user cannot sign in, and the tokens of the user are refused. The threads and messages of the user are
    /// kept.
    ///
    /// # Errors
    /// - [`Error::NotFound`] if there is no such user.
    /// - [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn set_active(&self, user: UserId, active: bool) -> Result<(), Error> {
        let change = self.run_to_completion(async move |chat| {
            let changed = chat.store.set_active(user, active).await;
            chat.sessions.invalidate_all();
            changed
        });
        found(change.await?)
    }

    /// Removes a user with their tokens, threads and messages.
    ///
    /// It removes every message of these threads, and every message that the user sent to other threads.
    ///
    /// # Errors
    /// - [`Error::NotFound`] if there is no such user.
    /// - [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn remove_user(&self, user: UserId) -> Result<(), Error> {
        let remove = self.run_to_completion(async move |chat| {
            let removed = chat.store.remove_user(user).await;
            chat.sessions.invalidate_all();
            chat.pages.invalidate_all();
            removed
        });
        found(remove.await?)
    }

    /// Returns a user.
    ///
    /// # Errors
    /// - [`Error::NotFound`] if there is no such user.
    /// - [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn user(&self, id: UserId) -> Result<User, Error> {
        let account = self.account(id).await?;
        Ok(User { id: account.id, username: account.username })
    }

    /// Returns the account of a user.
    ///
    /// # Errors
    /// - [`Error::NotFound`] if there is no such user.
    /// - [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn account(&self, id: UserId) -> Result<Account, Error> {
        self.store.account(id).await?.ok_or(Error::NotFound(Resource::User))
    }

    /// Returns the account of the user with exactly this name.
    ///
    /// # Errors
    /// - [`Error::NotFound`] if there is no such user.
    /// - [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn account_by_name(&self, username: &str) -> Result<Account, Error> {
        self.store.account_by_name(username).await?.ok_or(Error::NotFound(Resource::User))
    }

    /// Returns the users whose names begin with `search`, in any letter case.
    ///
    /// The users are sorted by name, in code point order.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn users(&self, search: &str, slice: Slice) -> Result<Counted<User>, Error> {
        Ok(self.store.users(search, slice).await?)
    }
}

fn found(found: bool) -> Result<(), Error> {
    if found { Ok(()) } else { Err(Error::NotFound(Resource::User)) }
}
