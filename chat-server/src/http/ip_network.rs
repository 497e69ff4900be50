//! The networks of trusted proxies.

use ipnet::{IpNet, Ipv4Net};
use std::{fmt, net::IpAddr, str::FromStr};

/// The number of bits before the IPv4 address in an IPv4-mapped IPv6 address.
const MAPPED_PREFIX_BITS: u8 = 96;

/// One IP address or a network in CIDR notation, such as `10.0.0.0/8`.
///
/// IPv4 addresses that are mapped to IPv6 count as IPv4.
///
/// ```
/// let proxies: chat_server::IpNetwork = "10.1.0.0/16".parse()?;
/// assert!(proxies.contains("10.1.2.3".parse()?));
/// assert!(!proxies.contains("10.2.0.1".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IpNetwork(IpNet);

/// The error of parsing a text that is neither an address nor a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address or network: write it as in 10.0.0.1, 2001:db8::1 or 10.0.0.0/8")]
pub struct ParseIpNetworkError;

impl IpNetwork {
    /// Returns whether an address is in the network.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl From<IpAddr> for IpNetwork {
    fn from(address: IpAddr) -> Self {
        Self(address.to_canonical().into())
    }
}

impl FromStr for IpNetwork {
    type Err = ParseIpNetworkError;

    /// Parses an address or a network.
    ///
    /// The bits of a network after its prefix are ignored.
    fn from_str(text: &str) -> Result<Self, ParseIpNetworkError> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(address.into());
        }
        let network: IpNet = text.parse().map_err(|_| ParseIpNetworkError)?;
        let mapped = match network {
            IpNet::V6(network) => network
                .addr()
                .to_ipv4_mapped()
                .zip(network.prefix_len().checked_sub(MAPPED_PREFIX_BITS))
                .and_then(|(address, bits)| Ipv4Net::new(address, bits).ok()),
            IpNet::V4(_) => None,
        };
        Ok(Self(mapped.map_or(network, IpNet::V4)))
    }
}

impl fmt::Debug for IpNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_the_addresses_with_its_prefix() {
        for (network, inside, outside) in [
            ("10.0.0.1", "10.0.0.1", "10.0.0.2"),
            ("10.0.0.1", "::ffff:10.0.0.1", "::ffff:10.0.0.2"),
            ("::ffff:10.0.0.1", "10.0.0.1", "10.0.0.2"),
            ("10.9.9.9/8", "10.255.0.1", "11.0.0.1"),
            ("::ffff:10.0.0.0/104", "10.255.0.1", "11.0.0.1"),
            ("192.0.2.0/31", "192.0.2.1", "192.0.2.2"),
            ("0.0.0.0/0", "198.51.100.7", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8:1::1", "2001:db9::1"),
            ("::1", "::1", "127.0.0.1"),
        ] {
            let parsed: IpNetwork = network.parse().unwrap();
            assert!(parsed.contains(inside.parse().unwrap()), "{network} {inside}");
            assert!(!parsed.contains(outside.parse().unwrap()), "{network} {outside}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "::/129", "localhost", "*", "10.0.0.1:80"] {
            assert_eq!(text.parse::<IpNetwork>(), Err(ParseIpNetworkError), "{text}");
        }
    }
}
