//! The open connections, by client network, and the limits on their number.

use super::{
    ServerLimits,
    connection_state::ConnectionState,
    eviction::{self, Room},
};
use crate::{http::client_ip::client_network, metrics::Connections};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// All open connections of a server.
#[derive(Debug)]
pub(super) struct ConnectionRegistry {
    limits: Arc<ServerLimits>,
    peers: Mutex<PeerConnections>,
    metrics: Arc<Connections>,
    /// Each slot holds a receiver, so this closes after the last connection ends.
    open: watch::Sender<()>,
}

/// The connections of each client network.
#[derive(Debug, Default)]
struct PeerConnections {
    networks: HashMap<IpAddr, HashMap<u64, Arc<ConnectionState>>>,
    count: usize,
    next_id: u64,
}

/// The registration of one connection, removed when it is dropped.
#[derive(Debug)]
pub(super) struct ConnectionSlot {
    registry: Arc<ConnectionRegistry>,
    network: IpAddr,
    id: u64,
    state: Arc<ConnectionState>,
    _open: watch::Receiver<()>,
}

impl ConnectionRegistry {
    pub(super) fn new(limits: Arc<ServerLimits>, metrics: Arc<Connections>) -> Self {
        Self { limits, peers: Mutex::default(), metrics, open: watch::Sender::new(()) }
    }

    fn peers(&self) -> MutexGuard<'_, PeerConnections> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a slot for a new connection, or `None` if all others are busy.
    ///
    /// Evicts another connection if a limit is reached.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<ConnectionSlot> {
        let slot = self.take_slot(peer);
        if slot.is_some() { &self.metrics.accepted } else { &self.metrics.refused }.increment();
        slot
    }

    fn take_slot(self: &Arc<Self>, peer: IpAddr) -> Option<ConnectionSlot> {
        let peer = peer.to_canonical();
        let network = client_network(peer);
        let mut peers = self.peers();
        if !self.limits.unlimited_addresses.iter().any(|proxies| proxies.contains(peer))
            && let Some(same_network) = peers.networks.get(&network)
            && same_network.len() >= self.limits.connections_per_address
        {
            self.make_room(same_network.values(), self.limits.connections_per_address)?;
        }
        if peers.count >= self.limits.connections {
            self.make_room(peers.all(), self.limits.connections)?;
        }
        let id = peers.next_id;
        peers.next_id += 1;
        peers.count += 1;
        self.metrics.open.increment();
        let state = Arc::new(ConnectionState::new(self.limits.clone()));
        peers.networks.entry(network).or_default().insert(id, state.clone());
        Some(ConnectionSlot { registry: self.clone(), network, id, state, _open: self.open.subscribe() })
    }

    /// Evicts one connection, unless all are busy.
    pub(super) fn evict_one(&self) {
        self.make_room(self.peers().all(), 0);
    }

    fn make_room<'a>(
        &self,
        connections: impl Iterator<Item = &'a Arc<ConnectionState>>,
        slots: usize,
    ) -> Option<()> {
        match eviction::make_room(connections, slots) {
            Room::Free => {}
            Room::Evicted => self.metrics.displaced.increment(),
            Room::None => return None,
        }
        Some(())
    }

    /// Tells all connections that the server is draining.
    pub(super) fn begin_drain(&self) {
        self.peers().all().for_each(|state| state.begin_drain());
    }

    /// Closes all connections, even busy ones. Returns their number.
    pub(super) fn close_all(&self) -> usize {
        let peers = self.peers();
        peers.all().for_each(|state| state.close_now());
        peers.count
    }

    /// Completes when no connection is open.
    pub(super) async fn all_closed(&self) {
        self.open.closed().await;
    }
}

impl PeerConnections {
    fn all(&self) -> impl Iterator<Item = &Arc<ConnectionState>> {
        self.networks.values().flat_map(HashMap::values)
    }
}

impl ConnectionSlot {
    pub(super) const fn state(&self) -> &Arc<ConnectionState> {
        &self.state
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let mut peers = self.registry.peers();
        peers.count -= 1;
        self.registry.metrics.open.decrement();
        if let Some(same_network) = peers.networks.get_mut(&self.network) {
            same_network.remove(&self.id);
            if same_network.is_empty() {
                peers.networks.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(limits: ServerLimits) -> Arc<ConnectionRegistry> {
        Arc::new(ConnectionRegistry::new(Arc::new(limits), Arc::default()))
    }

    fn per_address(max: usize) -> Arc<ConnectionRegistry> {
        registry(ServerLimits::default().connections(1000).connections_per_address(max))
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    /// Opens connections from one address.
    fn open(registry: &Arc<ConnectionRegistry>, count: usize) -> Vec<ConnectionSlot> {
        (0..count).map(|_| registry.admit(address(1)).unwrap()).collect()
    }

    /// Completes a request.
    fn complete_request(slot: &ConnectionSlot) {
        slot.state.request_started(false);
        slot.state.response_started();
        slot.state.request_ended(true);
    }

    /// Returns the indices of the evicted connections.
    fn evicted(slots: &[ConnectionSlot]) -> Vec<usize> {
        slots.iter().enumerate().filter(|(_, slot)| slot.state.must_close()).map(|(i, _)| i).collect()
    }

    const NONE: [usize; 0] = [];

    #[tokio::test]
    async fn the_connection_that_waits_longest_is_evicted() {
        let slots = open(&per_address(2), 4);
        assert_eq!(evicted(&slots), [0, 1]);
    }

    #[tokio::test]
    async fn silent_connections_do_not_evict_active_ones() {
        let registry = per_address(10);
        let active = open(&registry, 5);
        active.iter().for_each(complete_request);
        let silent = open(&registry, 100);
        assert_eq!(evicted(&active), NONE);
        assert_eq!(evicted(&silent).len(), 95);
    }

    #[tokio::test]
    async fn new_connections_evict_idle_ones_from_half_of_the_slots() {
        let registry = per_address(10);
        let idle = open(&registry, 10);
        idle.iter().for_each(complete_request);
        let new = open(&registry, 5);
        assert_eq!(evicted(&idle), [0, 1, 2, 3, 4]);
        assert_eq!(evicted(&new), NONE);
    }

    #[tokio::test]
    async fn a_busy_connection_is_not_evicted() {
        let registry = per_address(2);
        let busy = open(&registry, 2);
        busy.iter().for_each(|slot| slot.state.request_started(false));
        assert!(registry.admit(address(1)).is_none());
        assert_eq!(evicted(&busy), NONE);
    }

    #[tokio::test]
    async fn each_address_has_slots_of_its_own() {
        let registry = per_address(1);
        let busy = registry.admit(address(1)).unwrap();
        busy.state.request_started(false);
        assert!(registry.admit(address(2)).is_some());
    }

    #[tokio::test]
    async fn a_closed_connection_frees_its_slot() {
        let registry = per_address(1);
        let busy = registry.admit(address(1)).unwrap();
        busy.state.request_started(false);
        drop(busy);
        assert!(registry.admit(address(1)).is_some());
    }

    #[tokio::test]
    async fn a_connection_waiting_for_a_request_body_is_not_busy() {
        let registry = per_address(1);
        let slow = registry.admit(address(1)).unwrap();
        slow.state.request_started(true);
        assert!(registry.admit(address(1)).is_some());
        assert!(slow.state.must_close());
    }

    #[tokio::test]
    async fn all_addresses_together_have_a_limit() {
        let registry = registry(ServerLimits::default().connections(3).connections_per_address(3));
        let slots: Vec<_> = (0..5).map(|i| registry.admit(address(i)).unwrap()).collect();
        assert_eq!(evicted(&slots), [0, 1]);
    }

    #[tokio::test]
    async fn an_unlimited_address_has_no_limit_of_its_own() {
        let limits = ServerLimits::default().connections_per_address(1).unlimited_addresses([address(1)]);
        let registry = registry(limits);
        let mapped = IpAddr::V6(std::net::Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped());
        let slots: Vec<_> = [address(1), address(1), mapped].map(|peer| registry.admit(peer).unwrap()).into();
        assert_eq!(evicted(&slots), NONE);
    }

    #[tokio::test]
    async fn an_ipv6_network_counts_as_one_address() {
        let registry = per_address(1);
        let [one, same_network, other_network] =
            ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"].map(|peer| peer.parse().unwrap());
        let first = registry.admit(one).unwrap();
        let _other_network = registry.admit(other_network).unwrap();
        assert!(!first.state.must_close());
        let _same_network = registry.admit(same_network).unwrap();
        assert!(first.state.must_close());
    }
}
