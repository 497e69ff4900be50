//! Who is connected, and who makes room for whom.

use super::{
    Limits,
    pace::{Pace, Standing},
};
use crate::{http::client_ip::client_network, metrics::Connections};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// All connections, by the network they come from.
#[derive(Debug)]
pub(super) struct Roster {
    limits: Arc<Limits>,
    guests: Mutex<Guests>,
    counted: Arc<Connections>,
    /// Closed when no connection is left.
    gone: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Guests {
    networks: HashMap<IpAddr, HashMap<u64, Arc<Pace>>>,
    count: usize,
    next: u64,
}

/// A connection's place, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    roster: Arc<Roster>,
    network: IpAddr,
    number: u64,
    pace: Arc<Pace>,
    _here: watch::Receiver<()>,
}

impl Roster {
    pub(super) fn new(limits: Arc<Limits>, counted: Arc<Connections>) -> Self {
        Self { limits, guests: Mutex::default(), counted, gone: watch::Sender::new(()) }
    }

    fn guests(&self) -> MutexGuard<'_, Guests> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a new connection, for which another one may have to go; none when all are busy.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<Place> {
        let place = self.place(peer);
        if place.is_some() { &self.counted.accepted } else { &self.counted.refused }.up();
        place
    }

    fn place(self: &Arc<Self>, peer: IpAddr) -> Option<Place> {
        let peer = peer.to_canonical();
        let network = client_network(peer);
        let mut guests = self.guests();
        if !self.limits.unlimited_addresses.iter().any(|address| address.to_canonical() == peer)
            && let Some(neighbours) = guests.networks.get(&network)
            && neighbours.len() >= self.limits.connections_per_address
        {
            self.make_room(neighbours.values(), self.limits.connections_per_address)?;
        }
        if guests.count >= self.limits.connections {
            self.make_room(guests.all(), self.limits.connections)?;
        }
        let number = guests.next;
        guests.next += 1;
        guests.count += 1;
        self.counted.open.up();
        let pace = Arc::new(Pace::new(self.limits.clone()));
        guests.networks.entry(network).or_default().insert(number, pace.clone());
        Some(Place { roster: self.clone(), network, number, pace, _here: self.gone.subscribe() })
    }

    /// Closes one connection, for want of means.
    pub(super) fn shed(&self) {
        self.make_room(self.guests().all(), 0);
    }

    fn make_room<'a>(&self, guests: impl Iterator<Item = &'a Arc<Pace>>, places: usize) -> Option<()> {
        match make_room(guests, places) {
            Room::There => {}
            Room::Made => self.counted.displaced.up(),
            Room::None => return None,
        }
        Some(())
    }

    /// Tells all connections that the server is stopping.
    pub(super) fn stop(&self) {
        self.guests().all().for_each(|pace| pace.stop());
    }

    /// Ends all connections.
    pub(super) fn cut(&self) {
        self.guests().all().for_each(|pace| pace.cut());
    }

    /// Completes when no connection is left.
    pub(super) async fn gone(&self) {
        self.gone.closed().await;
    }
}

impl Guests {
    fn all(&self) -> impl Iterator<Item = &Arc<Pace>> {
        self.networks.values().flat_map(HashMap::values)
    }
}

impl Place {
    pub(super) const fn pace(&self) -> &Arc<Pace> {
        &self.pace
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut guests = self.roster.guests();
        guests.count -= 1;
        self.roster.counted.open.down();
        if let Some(neighbours) = guests.networks.get_mut(&self.network) {
            neighbours.remove(&self.number);
            if neighbours.is_empty() {
                guests.networks.remove(&self.network);
            }
        }
    }
}

/// Whether there is room for a connection more.
enum Room {
    /// There was.
    There,
    /// Another connection had to go.
    Made,
    /// The server is working for all of them.
    None,
}

/// Sees to it that fewer than `places` connections remain.
///
/// Connections that have never completed a request cannot drive the others out of the second half of the places: a
/// crowd of them takes no more from those who talk than what these leave unused.
fn make_room<'a>(guests: impl Iterator<Item = &'a Arc<Pace>>, places: usize) -> Room {
    let (mut present, mut unproven) = (0, 0);
    let (mut stuck, mut silent, mut stale) = (None, None, None);
    for pace in guests {
        let Some(standing) = pace.standing() else { continue };
        present += 1;
        let (candidate, since) = match standing {
            Standing::Stuck(since) => (&mut stuck, since),
            Standing::Unproven(since) => {
                unproven += 1;
                (&mut silent, since)
            }
            Standing::Proven(since) => (&mut stale, since),
            Standing::Busy => continue,
        };
        if candidate.as_ref().is_none_or(|(oldest, _)| since < *oldest) {
            *candidate = Some((since, pace));
        }
    }
    if present < places {
        return Room::There;
    }
    let (first, second) = if unproven >= places / 2 { (silent, stale) } else { (stale, silent) };
    let made = [stuck, first, second].into_iter().flatten().any(|(_, pace)| pace.make_room());
    if made { Room::Made } else { Room::None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster(connections: usize, per_address: usize) -> Arc<Roster> {
        let limits = Limits { connections, connections_per_address: per_address, ..Limits::default() };
        Arc::new(Roster::new(Arc::new(limits), Arc::default()))
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    /// Completes a request.
    fn prove(place: &Place) {
        place.pace.request(false);
        place.pace.answering();
        place.pace.done(true);
    }

    fn cut(places: &[Place]) -> Vec<usize> {
        places.iter().enumerate().filter(|(_, place)| place.pace.is_cut()).map(|(i, _)| i).collect()
    }

    #[tokio::test]
    async fn the_longest_silent_makes_room() {
        let roster = roster(100, 2);
        let places: Vec<_> = (0..4).map(|_| roster.admit(address(1)).unwrap()).collect();
        assert_eq!(cut(&places), [0, 1]);
    }

    #[tokio::test]
    async fn a_crowd_that_says_nothing_leaves_those_alone_who_talk() {
        let roster = roster(1000, 10);
        let talking: Vec<_> = (0..5).map(|_| roster.admit(address(1)).unwrap()).collect();
        talking.iter().for_each(prove);
        let silent: Vec<_> = (0..100).map(|_| roster.admit(address(1)).unwrap()).collect();
        assert_eq!(cut(&talking), [] as [usize; 0]);
        assert_eq!(cut(&silent).len(), 95);
    }

    #[tokio::test]
    async fn newcomers_take_the_places_of_those_who_have_gone_quiet() {
        let roster = roster(1000, 10);
        let quiet: Vec<_> = (0..10).map(|_| roster.admit(address(1)).unwrap()).collect();
        quiet.iter().for_each(prove);
        let new: Vec<_> = (0..5).map(|_| roster.admit(address(1)).unwrap()).collect();
        assert_eq!(cut(&quiet), [0, 1, 2, 3, 4]);
        assert_eq!(cut(&new), [] as [usize; 0]);
    }

    #[tokio::test]
    async fn nobody_is_closed_while_the_server_works_for_him() {
        let roster = roster(1000, 2);
        let busy: Vec<_> = (0..2).map(|_| roster.admit(address(1)).unwrap()).collect();
        busy.iter().for_each(|place| place.pace.request(false));
        assert!(roster.admit(address(1)).is_none());
        assert_eq!(cut(&busy), [] as [usize; 0]);
        assert!(roster.admit(address(2)).is_some(), "another address has places of its own");
        drop(busy);
        assert!(roster.admit(address(1)).is_some(), "a place is given back");
    }

    #[tokio::test]
    async fn a_body_that_does_not_arrive_is_no_work() {
        let roster = roster(1000, 1);
        let slow = roster.admit(address(1)).unwrap();
        slow.pace.request(true);
        assert!(roster.admit(address(1)).is_some());
        assert!(slow.pace.is_cut());
    }

    #[tokio::test]
    async fn all_addresses_together_have_a_limit_too() {
        let roster = roster(3, 3);
        let places: Vec<_> = (0..5).map(|i| roster.admit(address(i)).unwrap()).collect();
        assert_eq!(cut(&places), [0, 1]);
    }

    #[tokio::test]
    async fn a_proxy_that_is_named_has_as_many_as_it_likes() {
        let limits =
            Limits { connections_per_address: 1, unlimited_addresses: vec![address(1)], ..Limits::default() };
        let roster = Arc::new(Roster::new(Arc::new(limits), Arc::default()));
        let mapped = IpAddr::V6(std::net::Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped());
        let places: Vec<_> = [address(1), address(1), mapped].map(|peer| roster.admit(peer).unwrap()).into();
        assert_eq!(cut(&places), [] as [usize; 0]);
    }

    #[tokio::test]
    async fn addresses_of_one_network_are_one_client() {
        let roster = roster(1000, 1);
        let [one, other, elsewhere] =
            ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"].map(|peer| peer.parse().unwrap());
        let first = roster.admit(one).unwrap();
        let _elsewhere = roster.admit(elsewhere).unwrap();
        assert!(!first.pace.is_cut());
        let _other = roster.admit(other).unwrap();
        assert!(first.pace.is_cut());
    }
}
