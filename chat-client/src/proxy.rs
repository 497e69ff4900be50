//! The proxy of the environment, and the servers that are reached without it.

use crate::{Error, error::ErrorKind};
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;
use std::{env, ffi::OsString, fmt, net::IpAddr};

/// Returns the address of the proxy that the environment names for this server.
///
/// Returns `None` if it names none. The address contains no username and no password. A server on this machine has no
/// proxy, because through a proxy the traffic would leave the machine, with the token in clear.
///
/// # Errors
/// [`is_builder`](Error::is_builder) if the environment names a proxy that cannot be used. The request must not be sent
/// without a proxy then: the proxy may be the only permitted way, or hide the address of this machine.
pub(crate) fn of_environment(server: &Url) -> Result<Option<String>, Error> {
    let is_listed = |name| env::var(name).is_ok_and(|list| lists(&list, server));
    if is_loopback(server) || ["NO_PROXY", "no_proxy"].into_iter().any(is_listed) {
        return Ok(None);
    }
    let Ok(server_uri) = server.as_str().parse::<Uri>() else { return Ok(None) };
    // reqwest uses the same matcher, with the same variables.
    if let Some(proxy) = Matcher::from_system().intercept(&server_uri) {
        return Ok(address(proxy.uri()));
    }
    match ignored_variable(server.scheme()) {
        Some(name) if !is_excluded(&server_uri) => Err(unusable(name, server)),
        _ => Ok(None),
    }
}

/// Returns the address of a proxy, without the username and the password.
fn address(proxy: &Uri) -> Option<String> {
    let port = proxy.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}://{}{port}", proxy.scheme_str()?, proxy.host()?))
}

/// Returns the variable that names a proxy for this scheme, if the matcher has found none.
///
/// The matcher ignores a value that it cannot read. In a CGI program it reads no variables, because there a client can
/// set `HTTP_PROXY` with a header.
fn ignored_variable(scheme: &str) -> Option<&'static str> {
    let of_scheme = match scheme {
        "https" => ["HTTPS_PROXY", "https_proxy"],
        _ => ["HTTP_PROXY", "http_proxy"],
    };
    let is_blank = |value: OsString| value.to_str().is_some_and(|value| value.trim().is_empty());
    let is_set = |name: &&str| env::var_os(name).is_some_and(|value| !is_blank(value));
    let is_cgi = env::var_os("REQUEST_METHOD").is_some();
    of_scheme.into_iter().chain(["ALL_PROXY", "all_proxy"]).find(is_set).filter(|_| !is_cgi)
}

/// Returns whether `NO_PROXY` lists this server, as the matcher reads it.
fn is_excluded(server: &Uri) -> bool {
    let list = ["NO_PROXY", "no_proxy"].into_iter().find_map(|name| env::var(name).ok()).unwrap_or_default();
    Matcher::builder().all("http://proxy").no(list).build().intercept(server).is_none()
}

/// A variable that should have the URL of a proxy, but has another value.
///
/// The value is not shown, because it may contain a password.
#[derive(Debug)]
struct NotAProxy(&'static str);

impl fmt::Display for NotAProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not the URL of a proxy", self.0)
    }
}

impl std::error::Error for NotAProxy {}

fn unusable(name: &'static str, server: &Url) -> Error {
    let host = server.host_str().unwrap_or_default();
    let hint = format!(
        "set it to http://HOST:PORT, https://HOST:PORT or socks5h://HOST:PORT, or set NO_PROXY={host} to connect without \
         a proxy"
    );
    Error::with_source(ErrorKind::Builder("cannot use the proxy of the environment"), NotAProxy(name))
        .with_hint(hint)
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
