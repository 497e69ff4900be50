//! The proxy of the environment, and the servers that are reached without it.

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;
use std::{env, net::IpAddr};

/// Returns the address of the proxy that the environment names for this server.
///
/// Returns `None` if it names none. The address contains no username and no password. A server on this machine has no
/// proxy, because through a proxy the traffic would leave the machine, with the token in clear.
pub(crate) fn of_environment(server: &Url) -> Option<String> {
    let is_listed = |name| env::var(name).is_ok_and(|list| lists(&list, server));
    if is_loopback(server) || ["NO_PROXY", "no_proxy"].into_iter().any(is_listed) {
        return None;
    }
    // reqwest uses the same matcher, with the same variables.
    let proxy = Matcher::from_system().intercept(&server.as_str().parse().ok()?)?;
    let uri = proxy.uri();
    let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}://{}{port}", uri.scheme_str()?, uri.host()?))
}

/// Returns whether `NO_PROXY` contains an asterisk, or this host with this port.
///
/// The matcher of reqwest applies the asterisk to names only, not to IP addresses, and does not support ports. It
/// checks all other entries.
fn lists(list: &str, server: &Url) -> bool {
    let (host, port) = (server.host_str().unwrap_or_default(), server.port_or_known_default());
    let address = port.map(|port| format!("{host}:{port}"));
    let listed =
        |entry: &str| entry == "*" || address.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(entry));
    list.split(',').map(str::trim).any(listed)
}

fn is_loopback(server: &Url) -> bool {
    let host = server.host_str().unwrap_or_default();
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match host.parse::<IpAddr>().map(|address| address.to_canonical()) {
        // The unspecified address, 0.0.0.0, connects to this machine as well.
        Ok(address) => address.is_loopback() || address.is_unspecified(),
        Err(_) => {
            let name = host.strip_suffix('.').unwrap_or(host);
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_this_machine_is_a_loopback_address_or_localhost() {
        for (address, expected) in [
            ("http://127.0.0.1:8000", true),
            ("http://127.1:8000", true),
            ("http://127.8.9.10", true),
            ("http://[::1]:8000", true),
            ("http://[::ffff:127.0.0.1]", true),
            ("http://0.0.0.0:8000", true),
            ("http://[::]:8000", true),
            ("http://LOCALHOST:8000", true),
            ("http://localhost.", true),
            ("https://chat.localhost", true),
            ("http://10.0.0.1", false),
            ("http://128.0.0.1", false),
            ("http://localhost.example", false),
            ("http://notlocalhost", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(address).unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn an_asterisk_lists_all_hosts_and_a_port_only_its_own() {
        for (list, server, expected) in [
            ("*", "http://10.0.0.1", true),
            (" * ", "https://chat.example", true),
            ("other.example, *", "http://[2001:db8::1]:8000", true),
            ("Chat.Example:8000", "http://chat.example:8000", true),
            ("10.0.0.1:443", "https://10.0.0.1", true),
            ("[2001:db8::1]:80", "http://[2001:db8::1]", true),
            ("chat.example:8001", "http://chat.example:8000", false),
            ("", "http://chat.example", false),
            ("*.example", "http://chat.example", false),
        ] {
            assert_eq!(lists(list, &Url::parse(server).unwrap()), expected, "{list} {server}");
        }
    }
}
