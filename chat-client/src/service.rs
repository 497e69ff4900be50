//! What a server says of itself.

use crate::{Client, Error, error::Kind};
use chat_core::api::{
    Root,
    endpoints::{GetRoot, OPENAPI_PATH},
};

impl Client {
    /// Where the API starts: the addresses of threads and messages.
    pub async fn root(&self) -> Result<Root, Error> {
        self.call::<GetRoot>((), &(), &()).await
    }

    /// The OpenAPI document, as the server wrote it.
    pub async fn openapi(&self) -> Result<String, Error> {
        let document = self.get(&format!("{}{OPENAPI_PATH}", self.shared.base_path)).await?;
        String::from_utf8(document.into())
            .map_err(|_| Error::new(Kind::Decode("a document that is not UTF-8".to_owned())))
    }

    /// Fails unless the server's process lives.
    ///
    /// This and [`ready`](Self::ready) are the binary's own: a server mounted in another program need not have them.
    pub async fn health(&self) -> Result<(), Error> {
        self.get("/healthz").await.map(drop)
    }

    /// Fails unless the server can do its work: [`is_unavailable`](Error::is_unavailable) while its database is
    /// away. Like every reading it is tried again as the retry policy says.
    pub async fn ready(&self) -> Result<(), Error> {
        self.get("/readyz").await.map(drop)
    }
}
