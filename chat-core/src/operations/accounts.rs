//! Users: registration, look-up, passwords and administration.

use crate::{
    Chat, Error, Resource, Session,
    api::{FieldErrors, User, UserId, error_text, limits},
    auth::password::{NewPassword, Verification},
    store::{Account, Counted, EnsuredUser, NewUser, PasswordHash, RevokeTokens, Slice, StoreError},
    text::Username,
};

/// A username that is allowed and that no user had when it was checked.
///
/// Only [`Chat::check_username`] creates one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvailableUsername(Username);

impl AvailableUsername {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// The current password of a user, after it was verified.
///
/// Only [`Chat::verify_password`] creates one.
#[derive(Debug)]
pub struct VerifiedPassword {
    session: Session,
    /// The hash that the password has.
    hash: PasswordHash,
}

impl Chat {
    /// Registers a user who chose the name and the password.
    ///
    /// This is [`check_username`](Self::check_username) and [`register_checked`](Self::register_checked) in one call.
    ///
    /// # Errors
    /// - [`Error::Invalid`] with every error of the name and the password: the name is taken or not allowed, or the
    ///   password is too short or too long.
    /// - [`Error::Unavailable`] if the queue for password hashing is full, or from the database.
    /// - [`Error::Fault`] from the database, or if the operating system returns no random numbers.
    pub async fn register(&self, username: &str, password: &str) -> Result<User, Error> {
        let username = Error::separate_invalid(self.check_username(username).await)?;
        let (username, password) = FieldErrors::both(username, NewPassword::new("password", password))?;
        self.register_checked(username, password).await
    }

    /// Registers a user who chose the name and the password, which are both checked.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// use chat_core::{Chat, auth::password::NewPassword};
    ///
    /// let chat = Chat::open("sqlite::memory:").await?;
    /// let name = chat.check_username("ann").await?;
    /// let ann = chat.register_checked(name, NewPassword::new("password", "correct horse")?).await?;
    /// assert_eq!(ann.username, "ann");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - [`Error::Invalid`] if another call took the name after the check.
    /// - [`Error::Unavailable`] if the queue for password hashing is full, or from the database.
    /// - [`Error::Fault`] from the database, or if the operating system returns no random numbers.
    pub async fn register_checked(
        &self,
        username: AvailableUsername,
        password: NewPassword<'_>,
    ) -> Result<User, Error> {
        self.add_user_checked(username, password.as_str()).await
    }

    /// Adds a user for an administrator, who may choose any password.
    ///
    /// This is [`check_username`](Self::check_username) and [`add_user_checked`](Self::add_user_checked) in one call.
    ///
    /// # Errors
    /// - [`Error::Invalid`] if the name is taken or not allowed.
    /// - [`Error::Unavailable`] if the queue for password hashing is full, or from the database.
    /// - [`Error::Fault`] from the database, or if the operating system returns no random numbers.
    pub async fn add_user(&self, username: &str, password: &str) -> Result<User, Error> {
        let username = self.check_username(username).await?;
        self.add_user_checked(username, password).await
    }

    /// Adds a user with a checked name for an administrator, who may choose any password.
    ///
    /// # Errors
    /// - [`Error::Invalid`] if another call took the name after the check.
    /// - [`Error::Unavailable`] if the queue for password hashing is full, or from the database.
    /// - [`Error::Fault`] from the database, or if the operating system returns no random numbers.
    pub async fn add_user_checked(&self, username: AvailableUsername, password: &str) -> Result<User, Error> {
        let password = self.hasher.hash(password).await?;
        let username = username.0.into_string();
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
    /// Another call may take the name after this check. [`register_checked`](Self::register_checked) and
    /// [`add_user_checked`](Self::add_user_checked) report that as well.
    ///
    /// # Errors
    /// - [`Error::Invalid`] if the name is taken or not allowed, under `username`.
    /// - [`Error::Unavailable`] and [`Error::Fault`] from the database.
    pub async fn check_username(&self, username: &str) -> Result<AvailableUsername, Error> {
        let name = Username::try_from(username)?;
        if self.store.is_name_taken(name.as_str()).await? {
            return Err(Error::field(Username::FIELD, error_text::USERNAME_TAKEN));
        }
        Ok(AvailableUsername(name))
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
    /// Revokes every token of the user except the token of the session. This is
    /// [`verify_password`](Self::verify_password) and [`replace_password`](Self::replace_password) in one call.
    ///
    /// # Errors
    /// - [`Error::Invalid`] if `current` is not the password, or `new` is too short or too long.
    /// - [`Error::NotFound`] if the user was removed.
    /// - [`Error::Unavailable`] if the queue for password hashing is full, or from the database.
    /// - [`Error::Fault`] from the database, or if the operating system returns no random numbers.
    pub async fn change_password(&self, session: Session, current: &str, new: &str) -> Result<(), Error> {
        let current = Error::separate_invalid(self.verify_password(session, current).await)?;
        let (verified, new) = FieldErrors::both(current, NewPassword::new("new", new))?;
        self.replace_password(verified, new).await
    }

    /// Verifies the current password of the session's user, before it is changed.
    ///
    /// # Errors
    /// - [`Error::Invalid`] if `current` is not the password, under `current`.
    /// - [`Error::NotFound`] if the user was removed.
    /// - [`Error::Unavailable`] if the queue for password hashing is full, or from the database.
    /// - [`Error::Fault`] from the database, or if the operating system returns no random numbers.
    pub async fn verify_password(&self, session: Session, current: &str) -> Result<VerifiedPassword, Error> {
        let hash = self.account(session.user).await?.password;
        match self.hasher.verify(current, Some(hash.clone())).await? {
            Verification::Wrong => Err(wrong_password()),
            Verification::Right | Verification::Outdated(_) => Ok(VerifiedPassword { session, hash }),
        }
    }

    /// Replaces a password that was verified.
    ///
    /// Revokes every token of the user except the token of the session.
    ///
    /// # Errors
    /// - [`Error::Invalid`] under `current` if another call changed the password after it was verified, or removed the
    ///   user.
    /// - [`Error::Unavailable`] if the queue for password hashing is full, or from the database.
    /// - [`Error::Fault`] from the database, or if the operating system returns no random numbers.
    pub async fn replace_password(
        &self,
        verified: VerifiedPassword,
        new: NewPassword<'_>,
    ) -> Result<(), Error> {
        let hash = self.hasher.hash(new.as_str()).await?;
        let replace = self.run_to_completion(async move |chat| {
            let Session { user, token } = verified.session;
            let revoke = RevokeTokens::AllExcept(token);
            let changed = chat.store.set_password(user, Some(&verified.hash), &hash, revoke).await;
            chat.sessions.invalidate_all();
            changed
        });
        if replace.await? { Ok(()) } else { Err(wrong_password()) }
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

fn wrong_password() -> Error {
    Error::field("current", error_text::WRONG_PASSWORD)
}

fn found(found: bool) -> Result<(), Error> {
    if found { Ok(()) } else { Err(Error::NotFound(Resource::User)) }
}
