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
    let (mut open, mut unproven_count) = (0, 0);
    let (mut stalled, mut unproven, mut proven) = (None, None, None);
    for state in connections {
        let Some(class) = state.eviction_class() else { continue };
        open += 1;
        let (oldest, since) = match class {
            EvictionClass::Stalled(since) => (&mut stalled, since),
            EvictionClass::Unproven(since) => {
                unproven_count += 1;
                (&mut unproven, since)
            }
            EvictionClass::Proven(since) => (&mut proven, since),
            EvictionClass::Busy => continue,
        };
        if oldest.as_ref().is_none_or(|(oldest_since, _)| since < *oldest_since) {
            *oldest = Some((since, state));
        }
    }
    if open < slots {
        return Room::Free;
    }
    let unproven_first = unproven_count >= slots / 2;
    let (first, second) = if unproven_first { (unproven, proven) } else { (proven, unproven) };
    let evicted = [stalled, first, second].into_iter().flatten().any(|(_, state)| state.evict());
    if evicted { Room::Evicted } else { Room::None }
}
