//! The choice of the connection to evict for a new one.

use super::{activity::EvictionClass, connection_state::ConnectionState};
use std::sync::Arc;

/// Whether there is room for another connection.
pub(super) enum Room {
    /// A slot was free.
    Free,
    /// A connection was evicted.
    Evicted,
    /// All connections are busy.
    None,
}

/// Evicts one of `connections` if at least `slots` of them are open.
///
/// Connections that have never completed a request can evict others from at most half of the slots. Beyond that, they
/// evict each other. So a large number of them cannot lock out active clients.
pub(super) fn make_room<'a>(
    connections: impl Iterator<Item = &'a Arc<ConnectionState>>,
    slots: usize,
) -> Room {
    let (mut open, mut never_served_count) = (0, 0);
    let (mut stalled, mut never_served, mut served) = (None, None, None);
    for state in connections {
        let Some(class) = state.eviction_class() else { continue };
        open += 1;
        let (oldest, since) = match class {
            EvictionClass::Stalled(since) => (&mut stalled, since),
            EvictionClass::NeverServed(since) => {
                never_served_count += 1;
                (&mut never_served, since)
            }
            EvictionClass::Served(since) => (&mut served, since),
            EvictionClass::Busy => continue,
        };
        if oldest.as_ref().is_none_or(|(oldest_since, _)| since < *oldest_since) {
            *oldest = Some((since, state));
        }
    }
    if open < slots {
        return Room::Free;
    }
    let never_served_first = never_served_count >= slots / 2;
    let (first, second) = if never_served_first { (never_served, served) } else { (served, never_served) };
    let evicted = [stalled, first, second].into_iter().flatten().any(|(_, state)| state.evict());
    if evicted { Room::Evicted } else { Room::None }
}
