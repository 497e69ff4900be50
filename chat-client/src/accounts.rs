//! Signing in and out, tokens, and the account of the caller.

use crate::{Client, Error, retry};
use chat_core::api::{
    Credentials, PasswordChange, SignIn, TokenId, TokenInfo, User, UserId,
    endpoints::{
        ChangePassword, CreateToken, CreateUser, DeleteToken, GetMe, GetUser, ListTokens, RevokeToken,
    },
};
use futures_util::future::BoxFuture;

/// Signs a user in; created by [`Client::sign_in`].
///
/// Await it to send the request. It resolves to a client that holds the new token.
///
/// ```no_run
/// # async fn example(client: chat_client::Client) -> Result<(), chat_client::Error> {
/// let ann = client.sign_in("ann", "correct horse").token_name("laptop").await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "no request is sent until it is awaited"]
#[derive(Debug, Clone)]
pub struct SignInBuilder {
    client: Client,
    body: SignIn,
}

impl SignInBuilder {
    /// Sets the name of the token in [`Client::tokens`].
    ///
    /// The server accepts at most 100 code points.
    pub fn token_name(mut self, name: impl Into<String>) -> Self {
        self.body.name = Some(name.into());
        self
    }
}

impl IntoFuture for SignInBuilder {
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
    /// Signs in and returns a client with a new token.
    ///
    /// The token is valid until [`sign_out`](Self::sign_out), a change of the password with another token, or a long
    /// time without use. This client itself does not change. See [`SignInBuilder`] for the options.
    ///
    /// # Errors
    /// Besides the [errors of every call](Client#errors-of-every-call), when awaited:
    /// - [`is_invalid`](Error::is_invalid) if the username or the password is wrong, or the name of the token is
    ///   too long.
    /// - [`is_throttled`](Error::is_throttled) after too many wrong passwords.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), chat_client::Error> {
    /// let client = chat_client::Client::new("http://127.0.0.1:8000")?;
    /// let ann = client.sign_in("ann", "correct horse").await?;
    /// assert!(ann.token().is_some() && client.token().is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn sign_in(&self, username: impl Into<String>, password: impl Into<String>) -> SignInBuilder {
        let body = SignIn { username: username.into(), password: password.into(), name: None };
        SignInBuilder { client: self.clone(), body }
    }

    /// Signs out: revokes the token of this client and of its clones.
    ///
    /// # Errors
    /// Besides the [errors of every call](Client#errors-of-every-call),
    /// [`is_unauthorized`](Error::is_unauthorized) if the token was not valid before the call.
    ///
    /// ```no_run
    /// # async fn example(ann: chat_client::Client) -> Result<(), chat_client::Error> {
    /// ann.sign_out().await?;
    /// assert!(ann.me().await.is_err_and(|error| error.is_unauthorized()));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn sign_out(&self) -> Result<(), Error> {
        let result = self.call::<DeleteToken>((), &(), &()).await;
        retry::accept_deleted(result, Error::is_unauthorized)
    }

    /// Returns the valid tokens of the caller, newest first.
    ///
    /// # Errors
    /// The [errors of every call](Client#errors-of-every-call).
    ///
    /// ```no_run
    /// # async fn example(ann: chat_client::Client) -> Result<(), chat_client::Error> {
    /// for token in ann.tokens().await?.iter().filter(|token| !token.current) {
    ///     ann.revoke_token(token.id).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn tokens(&self) -> Result<Vec<TokenInfo>, Error> {
        self.call::<ListTokens>((), &(), &()).await
    }

    /// Revokes one token of the caller.
    ///
    /// Clients that use the token are signed out.
    ///
    /// # Errors
    /// Besides the [errors of every call](Client#errors-of-every-call), [`is_not_found`](Error::is_not_found) if the
    /// caller has no token with this id.
    ///
    /// ```no_run
    /// # use chat_client::TokenId;
    /// # async fn example(ann: chat_client::Client) -> Result<(), chat_client::Error> {
    /// ann.revoke_token(TokenId::new(7)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn revoke_token(&self, id: TokenId) -> Result<(), Error> {
        let result = self.call::<RevokeToken>(id, &(), &()).await;
        retry::accept_deleted(result, Error::is_not_found)
    }

    /// Registers a user, without signing in.
    ///
    /// # Errors
    /// Besides the [errors of every call](Client#errors-of-every-call):
    /// - [`is_forbidden`](Error::is_forbidden) if registration is closed on this server.
    /// - [`is_invalid`](Error::is_invalid) if the username is taken or not allowed, or the password is too short or
    ///   too long.
    ///
    /// ```no_run
    /// # async fn example(client: chat_client::Client) -> Result<(), chat_client::Error> {
    /// let user = client.register("ann", "correct horse").await?;
    /// let ann = client.sign_in(user.username, "correct horse").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn register(
        &self,
        username: impl Into<String>,
        password: impl Into<String>,
    ) -> Result<User, Error> {
        let credentials = Credentials { username: username.into(), password: password.into() };
        self.call::<CreateUser>((), &(), &credentials).await
    }

    /// Returns the user that this client is signed in as.
    ///
    /// # Errors
    /// The [errors of every call](Client#errors-of-every-call).
    ///
    /// ```no_run
    /// # async fn example(ann: chat_client::Client) -> Result<(), chat_client::Error> {
    /// assert_eq!(ann.me().await?.username, "ann");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn me(&self) -> Result<User, Error> {
        self.call::<GetMe>((), &(), &()).await
    }

    /// Returns the user with this id.
    ///
    /// # Errors
    /// Besides the [errors of every call](Client#errors-of-every-call), [`is_not_found`](Error::is_not_found) if
    /// there is no such user.
    ///
    /// ```no_run
    /// # use chat_client::Message;
    /// # async fn example(ann: chat_client::Client, message: Message) -> Result<(), chat_client::Error> {
    /// let sender = ann.user(message.sender).await?;
    /// println!("{}: {}", sender.username, message.text);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn user(&self, id: UserId) -> Result<User, Error> {
        self.call::<GetUser>(id, &(), &()).await
    }

    /// Changes the password of the caller.
    ///
    /// The token of this client stays valid; all other tokens of the caller are revoked.
    ///
    /// # Errors
    /// Besides the [errors of every call](Client#errors-of-every-call):
    /// - [`is_invalid`](Error::is_invalid) if `current` is wrong, or `new` is too short or too long.
    /// - [`is_throttled`](Error::is_throttled) after too many wrong passwords.
    ///
    /// ```no_run
    /// # async fn example(ann: chat_client::Client) -> Result<(), chat_client::Error> {
    /// ann.change_password("correct horse", "battery staple").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn change_password(
        &self,
        current: impl Into<String>,
        new: impl Into<String>,
    ) -> Result<(), Error> {
        let change = PasswordChange { current: current.into(), new: new.into() };
        self.call::<ChangePassword>((), &(), &change).await
    }
}
