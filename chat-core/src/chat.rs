//! [`Chat`]: a handle to a store that is cheap to clone.

use crate::{
    api::{FieldErrors, limits},
    auth::password::Hasher,
    cache::{PageCache, SessionCache, TokenUseBuffer},
    clock::{Clock, SystemClock},
    store::Store,
    text::MessageText,
};
use std::{sync::Arc, time::Duration};

/// The chat: every operation, with the checks of who may do what.
///
/// Cheap to clone. An operation takes the id of the acting user. The application has to authenticate that user, for
/// example with [`Chat::sign_in`] and [`Chat::authenticate`].
///
/// The calls need a Tokio runtime with time enabled; see [the crate's page](crate#runtime). A send is executed in the
/// runtime in which the chat was opened. While that runtime does not run, the send waits without a timeout.
#[derive(Debug, Clone)]
pub struct Chat {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) hasher: Hasher,
    pub(crate) sessions: Arc<SessionCache>,
    pub(crate) uses: Arc<TokenUseBuffer>,
    pub(crate) pages: Arc<PageCache>,
    pub(crate) text_max: usize,
    pub(crate) token_ttl: Option<Duration>,
}

/// Builds a [`Chat`] with other settings than the defaults.
#[derive(Debug)]
#[must_use]
pub struct ChatBuilder {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    text_max: usize,
    token_ttl: Option<Duration>,
}

impl Chat {
    /// Creates a chat on a store, with the default settings.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self::builder(store).build()
    }

    /// Opens a chat on the database at `url`, with the default settings.
    ///
    /// Brings the schema up to date. A missing SQLite file is created, but a Postgres database has to exist.
    ///
    /// `url` is `sqlite://PATH`, `sqlite::memory:` or `postgres://...`. Do not share the database with another
    /// application: the tables of the chat have plain names, such as `users`. On Postgres a separate schema is enough.
    /// Select it with `?options=-csearch_path%3Dchat` at the end of the URL.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// use chat_core::{Chat, api::UserId};
    ///
    /// let chat = Chat::open("sqlite::memory:").await?;
    /// chat.ensure_user(UserId::new(1), "ann").await?;
    /// chat.close().await;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`sql::connect`](crate::store::sql::connect): the URL is invalid, or the database cannot be opened or
    /// migrated.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub async fn open(url: &str) -> Result<Self, crate::store::sql::OpenError> {
        use crate::store::sql::{Options, connect};
        Ok(Self::new(connect(url, &Options::default()).await?))
    }

    /// Returns a builder of a chat on a store.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// use chat_core::{Chat, store::sql};
    /// use std::time::Duration;
    ///
    /// let store = sql::connect("sqlite::memory:", &sql::Options::default()).await?;
    /// let chat = Chat::builder(store)
    ///     .text_max(1000)
    ///     .token_ttl(Some(Duration::from_secs(24 * 3600)))
    ///     .build();
    /// assert!(chat.text(&"a".repeat(1000)).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder(store: Arc<dyn Store>) -> ChatBuilder {
        ChatBuilder {
            store,
            clock: Arc::new(SystemClock),
            text_max: limits::TEXT_MAX,
            token_ttl: Some(Duration::from_secs(limits::TOKEN_TTL_DAYS * 24 * 3600)),
        }
    }

    /// Returns the store, for example for health checks, imports and backups.
    ///
    /// A change that is made directly through the store does not invalidate the caches of this chat. After such a
    /// change, cached pages and sessions may be up to two seconds old.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Trims the text of a message and checks it.
    ///
    /// # Errors
    /// The text is blank, longer than this chat allows or contains U+0000. The error is in the field `text`.
    pub fn text(&self, text: &str) -> Result<MessageText, FieldErrors> {
        MessageText::new(text, self.text_max)
    }

    /// Writes buffered token uses, finishes running work and closes the database.
    ///
    /// Later calls that need the database fail.
    pub async fn close(&self) {
        self.uses.flush(&*self.store).await;
        self.store.close().await;
    }
}

impl ChatBuilder {
    /// Sets the clock; the default is the wall clock of the machine.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the maximum length of a message in code points; 250 by default.
    pub const fn text_max(mut self, code_points: usize) -> Self {
        self.text_max = code_points;
        self
    }

    /// Sets the time without use after which new tokens expire; 90 days by default.
    ///
    /// With `None`, new tokens do not expire. Existing tokens keep the time with which they were created.
    ///
    /// A use of a token on one node is visible on other nodes after a delay. The maximum delay is an eighth of this
    /// time, but at least five seconds and at most one minute. With `None` it is one minute.
    pub const fn token_ttl(mut self, unused: Option<Duration>) -> Self {
        self.token_ttl = unused;
        self
    }

    /// Builds the chat.
    pub fn build(self) -> Chat {
        Chat {
            pages: Arc::new(PageCache::new(&self.store)),
            store: self.store,
            clock: self.clock,
            hasher: Hasher::new(),
            sessions: Arc::new(SessionCache::new()),
            uses: Arc::default(),
            text_max: self.text_max,
            token_ttl: self.token_ttl,
        }
    }
}
