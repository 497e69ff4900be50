//! The only module that reads the wall clock.

use crate::api::Timestamp;
use std::fmt;

/// A source of the current time.
///
/// Tests and replays can implement a source of their own.
///
/// ```
/// use chat_core::{api::Timestamp, clock::Clock};
///
/// /// A clock that stands still.
/// #[derive(Debug)]
/// struct Fixed(Timestamp);
///
/// impl Clock for Fixed {
///     fn now(&self) -> Timestamp {
///         self.0
///     }
/// }
///
/// # #[cfg(feature = "sqlite")]
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// use chat_core::{Chat, api::UserId, store::sql};
///
/// let noon: Timestamp = "2026-01-31T12:00:00Z".parse()?;
/// let store = sql::connect("sqlite::memory:", &sql::Options::default()).await?;
/// let chat = Chat::builder(store).clock(Fixed(noon)).build();
///
/// chat.ensure_user(UserId::new(1), "ann").await?;
/// assert_eq!(chat.account(UserId::new(1)).await?.created, noon);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns the current time.
    fn now(&self) -> Timestamp;
}

/// The wall clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the only module that reads the wall clock")]
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
    }
}
