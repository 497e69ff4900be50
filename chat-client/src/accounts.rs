//! Signing in and out, and one's own account.

use crate::{Client, Error, retry};
use chat_core::api::{
    Credentials, PasswordChange, SignIn, TokenId, TokenInfo, User, UserId,
    endpoints::{
        ChangePassword, CreateToken, CreateUser, DeleteToken, GetMe, GetUser, ListTokens, RevokeToken,
    },
};
use futures_util::future::BoxFuture;

/// Signs in: await it for a client that is.
#[must_use = "a request is sent when it is awaited"]
#[derive(Debug, Clone)]
pub struct SigningIn {
    client: Client,
    body: SignIn,
}

impl SigningIn {
    /// What to call the token in [`Client::tokens`]: 100 code points at most.
    pub fn token_name(mut self, name: impl Into<String>) -> Self {
        self.body.name = Some(name.into());
        self
    }
}

impl IntoFuture for SigningIn {
    type Output = Result<Client, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let issued = self.client.call::<CreateToken>((), &(), &self.body).await?;
            self.client.with_token(issued.token)
        })
    }
}

impl Client {
    /// Signs in: await it for a client with a token of its own, which is valid until [`sign_out`](Self::sign_out), a new
    /// password, or a long time without use.
    ///
    /// # Errors
    /// [`is_invalid`](Error::is_invalid) when username and password do not belong together,
    /// [`is_throttled`](Error::is_throttled) when that happened too often.
    pub fn sign_in(&self, username: impl Into<String>, password: impl Into<String>) -> SigningIn {
        let body = SignIn { username: username.into(), password: password.into(), name: None };
        SigningIn { client: self.clone(), body }
    }

    /// Signs out: the token of this client and its clones is no longer valid.
    ///
    /// # Errors
    /// [`is_unauthorized`](Error::is_unauthorized) when it was not valid before.
    pub async fn sign_out(&self) -> Result<(), Error> {
        let result = self.call::<DeleteToken>((), &(), &()).await;
        retry::deleted(result, Error::is_unauthorized)
    }

    /// The tokens by which this user is signed in, here and elsewhere, newest first.
    pub async fn tokens(&self) -> Result<Vec<TokenInfo>, Error> {
        self.call::<ListTokens>((), &(), &()).await
    }

    /// Revokes a token of this user's: whoever holds it is signed out.
    ///
    /// # Errors
    /// [`is_not_found`](Error::is_not_found) when he has none with this id.
    pub async fn revoke_token(&self, id: TokenId) -> Result<(), Error> {
        let result = self.call::<RevokeToken>(id, &(), &()).await;
        retry::deleted(result, Error::is_not_found)
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
