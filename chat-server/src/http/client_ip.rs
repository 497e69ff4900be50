//! The address of the client, even behind proxies.

use super::forwarded::{elements, parameter};
use http::{HeaderMap, header};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The header in which most proxies name the client's address.
///
/// The other is `Forwarded` (RFC 7239).
const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// Prefix length of the network that counts as one IPv6 client.
const IPV6_NETWORK_BITS: u32 = 64;

/// Returns the address of the client behind `peer`.
///
/// That is `peer` itself, unless it is a `trusted` proxy. Behind a trusted proxy it is the last hop that is not itself
/// a trusted proxy. The client may have forged every hop before that one.
///
/// A proxy writes one of the two headers and passes the other on as the client sent it. If both are present and
/// disagree, neither is used, and the result is `peer`.
pub(crate) fn client_ip(peer: IpAddr, headers: &HeaderMap, trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    if !trusted(peer) {
        return peer;
    }
    let last_untrusted = |hops: Vec<Option<IpAddr>>| {
        let mut client = peer;
        for hop in hops.into_iter().rev() {
            // A hop without a readable address identifies no client. The result is then the proxy that added this hop.
            let Some(hop) = hop else { break };
            client = hop;
            if !trusted(hop) {
                break;
            }
        }
        client
    };
    let x_forwarded_for =
        elements(headers, X_FORWARDED_FOR).map(|hops| last_untrusted(hops.map(address).collect()));
    let forwarded = elements(headers, header::FORWARDED.as_str())
        .map(|hops| last_untrusted(hops.map(forwarded_for).collect()));
    match (x_forwarded_for, forwarded) {
        (Some(one), Some(other)) if one != other => peer,
        (one, other) => one.or(other).unwrap_or(peer),
    }
}

/// Returns the network that counts as one client.
///
/// For IPv4 it is the address. For IPv6 it is the /64 network of the address, because one customer has a whole /64
/// network. Each of their devices can use trillions of addresses in it.
pub(crate) fn client_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let mask = !0 << (Ipv6Addr::BITS - IPV6_NETWORK_BITS);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    }
}

/// Reads the `for` parameter of an element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    address(parameter(element, "for")?)
}

/// Parses an address, with or without a port or the brackets of IPv6.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn client(peer: &str, lines: &[(&'static str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        let proxies = ["10.0.0.1", "10.0.0.2"].map(|proxy| proxy.parse::<IpAddr>().unwrap());
        client_ip(peer.parse().unwrap(), &headers, |peer| proxies.contains(&peer)).to_string()
    }

    const FOR: &str = X_FORWARDED_FOR;

    #[test]
    fn only_headers_of_a_trusted_proxy_are_used() {
        let lines = [(FOR, "192.0.2.1"), ("forwarded", "for=192.0.2.1")];
        assert_eq!(client("198.51.100.7", &lines), "198.51.100.7");
        assert_eq!(client("10.0.0.1", &lines), "192.0.2.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn the_last_hop_that_is_not_a_trusted_proxy_is_the_client() {
        for (lines, expected) in [
            (&[(FOR, "192.0.2.9, 192.0.2.1")][..], "192.0.2.1"),
            (&[(FOR, "192.0.2.9, 192.0.2.1,10.0.0.2")], "192.0.2.1"),
            (&[(FOR, "192.0.2.9"), (FOR, "192.0.2.1")], "192.0.2.1"),
            (&[(FOR, "10.0.0.2, 10.0.0.1")], "10.0.0.2"),
            (&[(FOR, "192.0.2.9, unknown")], "10.0.0.1"),
            (&[(FOR, "")], "10.0.0.1"),
            (&[(FOR, "192.0.2.1:4711")], "192.0.2.1"),
            (&[(FOR, "::ffff:192.0.2.1")], "192.0.2.1"),
            (&[(FOR, "[2001:db8::1]:4711")], "2001:db8::1"),
            (
                &[("forwarded", "for=192.0.2.9, For=\"[2001:db8::1]:4711\";proto=https;by=10.0.0.1")],
                "2001:db8::1",
            ),
            (&[("forwarded", "for=192.0.2.9;host=\"a,b\"")], "10.0.0.1"),
            (&[("forwarded", "for=_hidden")], "10.0.0.1"),
        ] {
            assert_eq!(client("10.0.0.1", lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn headers_that_disagree_are_ignored() {
        assert_eq!(client("10.0.0.1", &[(FOR, "192.0.2.1"), ("forwarded", "for=192.0.2.2")]), "10.0.0.1");
    }

    #[test]
    fn an_ipv6_client_is_its_network() {
        let network = |text: &str| client_network(text.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
    }
}
