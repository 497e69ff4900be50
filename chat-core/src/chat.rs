//! The chat itself: a cheap handle around a store.

use crate::{
    api::{FieldErrors, limits},
    auth::password::Hasher,
    cache::{ListVersions, PageCache, Sessions, TokenUseBuffer},
    clock::{Clock, SystemClock},
    store::Store,
    text::MessageText,
};
use std::{sync::Arc, time::Duration};

/// The chat: every operation, and every decision on who may do what.
///
/// Cheap to clone. Each call names the user who acts; that he is who he says is the caller's business, or that of
/// [`Chat::sign_in`] and [`Chat::authenticate`].
#[derive(Debug, Clone)]
pub struct Chat {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) hasher: Hasher,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) uses: Arc<TokenUseBuffer>,
    pub(crate) lists: Arc<PageCache>,
    /// Left out where other nodes write to the same database, which is asked instead.
    pub(crate) changes: Option<Arc<ListVersions>>,
    pub(crate) text_max: usize,
    pub(crate) token_ttl: Option<Duration>,
}

/// Builds a [`Chat`] with other settings than the usual ones.
#[derive(Debug)]
#[must_use]
pub struct ChatBuilder {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    text_max: usize,
    token_ttl: Option<Duration>,
}

impl Chat {
    /// A chat on a store of your own, with the usual settings.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self::builder(store).build()
    }

    /// A chat on the database at `url` (`sqlite://PATH`, `sqlite::memory:` or `postgres://…`), created and migrated
    /// when need be. It should be the chat's own: its tables have plain names, such as `users`. On Postgres a schema
    /// will do, which `?options=-csearch_path%3Dchat` at the end of the address chooses.
    ///
    /// # Errors
    /// When the database cannot be opened; the error says what to do.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub async fn open(url: &str) -> Result<Self, crate::store::sql::OpenError> {
        use crate::store::sql::{Options, connect};
        Ok(Self::new(connect(url, &Options::default()).await?))
    }

    /// Starts from a store; see [`ChatBuilder`] for what can be set.
    pub fn builder(store: Arc<dyn Store>) -> ChatBuilder {
        ChatBuilder {
            store,
            clock: Arc::new(SystemClock),
            text_max: limits::TEXT_MAX,
            token_ttl: Some(Duration::from_secs(limits::TOKEN_TTL_DAYS * 24 * 3600)),
        }
    }

    /// The store below, for what is no part of chatting: health, imports, backups.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Trims and checks the text of a message.
    ///
    /// # Errors
    /// What is wrong with it, under the name `text`.
    pub fn text(&self, text: &str) -> Result<MessageText, FieldErrors> {
        MessageText::new(text, self.text_max)
    }

    /// Finishes what was begun and closes the database; later calls fail.
    pub async fn close(&self) {
        self.uses.write(&*self.store).await;
        self.store.close().await;
    }
}

impl ChatBuilder {
    /// Tells the time by another clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Allows texts of up to `code_points`; 250 by default.
    pub const fn text_max(mut self, code_points: usize) -> Self {
        self.text_max = code_points;
        self
    }

    /// Makes tokens that are void once they are unused for so long, or never; 90 days by default. A use is noted
    /// with some delay, up to a minute or an eighth of this. Tokens that were made before keep what they have.
    pub const fn token_ttl(mut self, unused: Option<Duration>) -> Self {
        self.token_ttl = unused;
        self
    }

    /// The chat.
    pub fn build(self) -> Chat {
        let changes = (!self.store.is_shared()).then(|| Arc::new(ListVersions::new()));
        Chat {
            store: self.store,
            clock: self.clock,
            hasher: Hasher::new(),
            sessions: Arc::new(Sessions::new()),
            uses: Arc::default(),
            lists: Arc::new(PageCache::new()),
            changes,
            text_max: self.text_max,
            token_ttl: self.token_ttl,
        }
    }
}
