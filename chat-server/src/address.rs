//! Where a client is: its own address, also behind proxies.

use http::{HeaderMap, header};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The header most proxies tell a client's address in. `Forwarded` (RFC 7239) is the other.
const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The address of the client behind `peer`: `peer` itself, unless that is a proxy whose word is `trusted`. Then it is
/// the hop next to the last that is no such proxy: what stands before it in the headers the client may have made up.
///
/// A proxy writes one of the two headers and hands the other on as the client sent it. So when both are there and do
/// not agree neither counts, and the client is taken to be where the proxy is.
pub(crate) fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    if !trusted(peer) {
        return peer;
    }
    let last_stranger = |hops: Vec<Option<IpAddr>>| {
        let mut client = peer;
        for hop in hops.into_iter().rev() {
            // Whom a proxy does not name could be anybody behind it.
            let Some(hop) = hop else { break };
            client = hop;
            if !trusted(hop) {
                break;
            }
        }
        client
    };
    let plain = values(headers, X_FORWARDED_FOR).map(|hops| last_stranger(hops.map(address).collect()));
    let standard = values(headers, header::FORWARDED.as_str())
        .map(|hops| last_stranger(hops.map(forwarded_for).collect()));
    match (plain, standard) {
        (Some(one), Some(other)) if one != other => peer,
        (plain, standard) => plain.or(standard).unwrap_or(peer),
    }
}

/// What is counted as one address: of IPv6 one customer's network, where every device has addresses by the trillion.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (!0 << 64)).into(),
    }
}

/// The elements of a header's lists, in order; `None` when it is not there.
fn values<'a>(headers: &'a HeaderMap, name: &str) -> Option<impl Iterator<Item = &'a str>> {
    headers.contains_key(name).then(|| {
        let lines = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default());
        lines.flat_map(|line| line.split(',')).collect::<Vec<_>>().into_iter()
    })
}

/// The `for` of an element of `Forwarded`. A quoted text that holds a comma is none that we could read.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, node) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    let node = node.trim();
    address(node.strip_prefix('"').and_then(|node| node.strip_suffix('"')).unwrap_or(node))
}

/// An address, with or without a port or the brackets of IPv6.
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
        client_address(peer.parse().unwrap(), &headers, |peer| proxies.contains(&peer)).to_string()
    }

    const FOR: &str = X_FORWARDED_FOR;

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let lines = [(FOR, "192.0.2.1"), ("forwarded", "for=192.0.2.1")];
        assert_eq!(client("198.51.100.7", &lines), "198.51.100.7");
        assert_eq!(client("10.0.0.1", &lines), "192.0.2.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn the_last_hop_that_is_no_proxy_of_ours_is_the_client() {
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
    fn headers_that_contradict_each_other_are_not_believed() {
        assert_eq!(client("10.0.0.1", &[(FOR, "192.0.2.1"), ("forwarded", "for=192.0.2.2")]), "10.0.0.1");
    }

    #[test]
    fn an_ipv6_host_is_its_network() {
        let network = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
    }
}
