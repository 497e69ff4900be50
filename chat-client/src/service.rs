//! The server itself: the root of its API, its OpenAPI document and its health.

use crate::{Client, Error, error::ErrorKind};
use chat_core::api::{
    Root,
    endpoints::{GetRoot, OPENAPI_PATH},
};

impl Client {
    /// Returns the root of the API: the addresses of the threads and the messages.
    ///
    /// It needs no token.
    ///
    /// # Errors
    /// The [errors of every call](Client#errors-of-every-call).
    ///
    /// ```no_run
    /// # async fn example(client: chat_client::Client) -> Result<(), chat_client::Error> {
    /// println!("{}", client.root().await?.threads);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn root(&self) -> Result<Root, Error> {
        self.call::<GetRoot>((), &(), &()).await
    }

    /// Returns the OpenAPI document of the server, as JSON.
    ///
    /// It needs no token.
    ///
    /// # Errors
    /// The [errors of every call](Client#errors-of-every-call).
    ///
    /// ```no_run
    /// # async fn example(client: chat_client::Client) -> Result<(), chat_client::Error> {
    /// println!("{}", client.openapi().await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn openapi(&self) -> Result<String, Error> {
        let document = self.get(&format!("{}{OPENAPI_PATH}", self.shared.base_path)).await?;
        String::from_utf8(document.into())
            .map_err(|_| Error::new(ErrorKind::Decode("the OpenAPI document is not UTF-8".to_owned())))
    }

    /// Checks that the process of the server is alive (`/healthz`).
    ///
    /// The `chat-server` program serves this path and that of [`ready`](Self::ready), below the root. A program that
    /// mounts the API may not serve them. The error is then [`is_decode`](Error::is_decode). The call is retried like
    /// every read.
    ///
    /// # Errors
    /// The [errors of every call](Client#errors-of-every-call).
    ///
    /// ```no_run
    /// # async fn example(client: chat_client::Client) -> Result<(), chat_client::Error> {
    /// client.health().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn health(&self) -> Result<(), Error> {
        self.get("/healthz").await.map(drop)
    }

    /// Checks that the server can serve requests (`/readyz`).
    ///
    /// The call is retried like every read.
    ///
    /// # Errors
    /// The [errors of every call](Client#errors-of-every-call), among them
    /// [`is_unavailable`](Error::is_unavailable) while the database of the server is not available.
    ///
    /// ```no_run
    /// # async fn example(client: chat_client::Client) -> Result<(), chat_client::Error> {
    /// client.ready().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn ready(&self) -> Result<(), Error> {
        self.get("/readyz").await.map(drop)
    }
}
