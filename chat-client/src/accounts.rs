//! Signing in and out, and one's own account.

use crate::{Client, Error, retry};
use chat_core::api::{
    Credentials, PasswordChange, User, UserId,
    endpoints::{ChangePassword, CreateToken, CreateUser, DeleteToken, GetMe, GetUser},
};
use http::StatusCode;

impl Client {
    /// Signs in: a client with a token of its own, which stays valid until [`sign_out`](Self::sign_out).
    ///
    /// # Errors
    /// [`is_invalid`](Error::is_invalid) when username and password do not belong together.
    pub async fn sign_in(
        &self,
        username: impl Into<String>,
        password: impl Into<String>,
    ) -> Result<Self, Error> {
        let credentials = Credentials { username: username.into(), password: password.into() };
        let issued = self.call::<CreateToken>((), &(), &credentials).await?;
        self.with_token(issued.token)
    }

    /// Signs out: the token of this client and its clones is no longer valid.
    ///
    /// # Errors
    /// [`is_unauthorized`](Error::is_unauthorized) when it was not valid before.
    pub async fn sign_out(&self) -> Result<(), Error> {
        let result = self.call::<DeleteToken>((), &(), &()).await;
        retry::deleted(result, StatusCode::UNAUTHORIZED)
    }

    /// Registers a user. It does not sign him in.
    ///
    /// # Errors
    /// [`is_forbidden`](Error::is_forbidden) when the server takes no registrations,
    /// [`is_invalid`](Error::is_invalid) when it takes the name or the password for unfit.
    pub async fn register(
        &self,
        username: impl Into<String>,
        password: impl Into<String>,
    ) -> Result<User, Error> {
        let credentials = Credentials { username: username.into(), password: password.into() };
        self.call::<CreateUser>((), &(), &credentials).await
    }

    /// The user this client is signed in as.
    pub async fn me(&self) -> Result<User, Error> {
        self.call::<GetMe>((), &(), &()).await
    }

    /// The user with this id.
    pub async fn user(&self, id: UserId) -> Result<User, Error> {
        self.call::<GetUser>(id, &(), &()).await
    }

    /// Changes the password. The user's other tokens are no longer valid, that of this client is.
    ///
    /// # Errors
    /// [`is_invalid`](Error::is_invalid) when `current` is not the password or the server takes `new` for unfit.
    pub async fn change_password(
        &self,
        current: impl Into<String>,
        new: impl Into<String>,
    ) -> Result<(), Error> {
        let change = PasswordChange { current: current.into(), new: new.into() };
        self.call::<ChangePassword>((), &(), &change).await
    }
}
