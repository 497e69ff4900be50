//! The address of a Postgres database, and the environment variables of libpq.
//!
//! The driver logs each parameter that it does not know, with its value, which may be a password. It also ignores
//! invalid values of variables. So every parameter, and every variable of [`VARIABLES`], is checked before the driver
//! parses the address.

use super::{
    parameters::{VARIABLES, check_parameter, check_variable},
    session_settings::SessionSettings,
    tls_mode,
};
use crate::store::sql::OpenError;
use sqlx::postgres::PgConnectOptions;
use sqlx_core::Url;
use std::{borrow::Cow, env, str::FromStr, sync::Arc};
use tracing::dispatcher::{self, Dispatch};

/// The default name of connections in `pg_stat_activity`.
///
/// The address or `PGAPPNAME` can have another name.
const APPLICATION_NAME: &str = "chat";

/// Where a database is, and how to connect to it.
#[derive(Debug, Clone)]
pub(in crate::store::sql) struct PostgresAddress {
    /// What the driver needs to log in.
    pub(super) connect_options: PgConnectOptions,
    /// What is set after the log-in.
    pub(in crate::store::sql) settings: SessionSettings,
}

/// Parses an address.
///
/// If neither the address nor `PGUSER` names a user, the name of the operating system's user is used.
///
/// # Errors
/// [`OpenError::Address`] if the address has another form, [`OpenError::UnsupportedParameter`] and
/// [`OpenError::InvalidParameter`] for a parameter or variable, [`OpenError::SeveralHosts`], [`OpenError::NoUser`], and
/// [`OpenError::TlsFile`]. No error contains a value of the address, except the path of a file that cannot be read.
pub(in crate::store::sql) fn address(url: &str) -> Result<PostgresAddress, OpenError> {
    let (authority, query) = parts(url)?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.contains(',') {
        return Err(OpenError::SeveralHosts);
    }
    let url = &*with_user_in_query(url, authority, host);
    let parsed = Url::parse(url).map_err(|_| OpenError::Address)?;
    for (name, value) in parsed.query_pairs() {
        check_parameter(&name, &value, query, authority)?;
    }
    let is_given = |parameter: &str| match parameter {
        "host" | "hostaddr" => !host.is_empty() || parsed.query_pairs().any(|(name, _)| name == parameter),
        "port" if parsed.port().is_some() => true,
        _ => parsed.query_pairs().any(|(name, _)| name == parameter),
    };
    for (variable, parameter) in VARIABLES {
        if let Ok(value) = env::var(variable)
            && !is_given(parameter)
        {
            check_variable(variable, parameter, &value)?;
        }
    }
    let user = default_user(!parsed.username().is_empty() || is_given("user"))?;
    let (log_in_url, settings) = SessionSettings::of(&parsed);
    // The driver logs lines of a password file that it cannot read, with the password.
    let connect_options =
        dispatcher::with_default(&Dispatch::none(), || PgConnectOptions::from_str(log_in_url.as_str()));
    let mut connect_options = tls_mode::adapt(connect_options.map_err(|_| OpenError::Address)?, &parsed)?;
    if let Some(user) = user {
        connect_options = connect_options.username(&user);
    }
    // The driver looks up the name of a host. The brackets of an IPv6 address are not part of the address.
    if let Some(bare) = connect_options.get_host().strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        let bare = bare.to_owned();
        connect_options = connect_options.host(&bare);
    }
    if connect_options.get_application_name().is_none_or(str::is_empty) {
        connect_options = connect_options.application_name(APPLICATION_NAME);
    }
    // PgBouncer refuses this parameter, and no column needs it.
    Ok(PostgresAddress { connect_options: connect_options.extra_float_digits(None), settings })
}

/// Returns the authority and the query of an address.
///
/// # Errors
/// [`OpenError::Address`] if it has no `://`, or has a fragment: then a password has a `#` that is not percent-encoded.
fn parts(url: &str) -> Result<(&str, &str), OpenError> {
    let (_, rest) = url.split_once("://").filter(|_| !url.contains('#')).ok_or(OpenError::Address)?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    Ok((place.split_once('/').map_or(place, |(authority, _)| authority), query))
}

/// Moves the user and the password into the query if the address has no host.
///
/// `postgres://ann@/chat` uses the host of `PGHOST` or the socket of the default folder. The parser of the driver
/// refuses such an address.
fn with_user_in_query<'u>(url: &'u str, authority: &str, host: &str) -> Cow<'u, str> {
    let (true, Some((scheme, rest))) = (host.is_empty() && !authority.is_empty(), url.split_once("://"))
    else {
        return url.into();
    };
    let rest = rest.strip_prefix(authority).unwrap_or(rest);
    // In a query, these characters have another meaning.
    let encoded = |text: &str| text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    let named = authority.strip_suffix('@').unwrap_or(authority);
    let (user, password) = named.split_once(':').map_or((named, None), |(user, word)| (user, Some(word)));
    let before = if rest.contains('?') { '&' } else { '?' };
    let password = password.map(|word| format!("&password={}", encoded(word))).unwrap_or_default();
    format!("{scheme}://{rest}{before}user={}{password}", encoded(user)).into()
}

/// Returns the user of the operating system if no other user is named.
///
/// `is_named` is whether the address names a user. `PGUSER` can name one too.
fn default_user(is_named: bool) -> Result<Option<String>, OpenError> {
    if is_named || env::var_os("PGUSER").is_some_and(|user| !user.is_empty()) {
        return Ok(None);
    }
    whoami::username().map(Some).map_err(|error| OpenError::NoUser(Arc::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::postgres::PgSslMode;

    fn refusal(url: &str) -> String {
        address(url).unwrap_err().to_string()
    }

    #[test]
    fn parameters_that_the_driver_uses_are_passed_on() {
        let read = |url: &str| address(url).unwrap().connect_options;
        let options = read(
            "postgres://ann@db:6432/chat?sslmode=verify-full&sslrootcert=Cargo.toml&application_name=eu",
        );
        assert_eq!((options.get_host(), options.get_port()), ("db", 6432));
        assert_eq!(options.get_username(), "ann");
        assert!(matches!(options.get_ssl_mode(), PgSslMode::VerifyFull));
        assert_eq!(options.get_application_name(), Some("eu"));
        let named = read("postgres:///?host=/run/pg&user=ben&dbname=chat&port=1");
        assert_eq!((named.get_username(), named.get_database(), named.get_port()), ("ben", Some("chat"), 1));
        assert_eq!(named.get_application_name(), Some("chat"));
    }

    #[test]
    fn the_settings_of_options_are_not_sent_at_the_log_in() {
        let url = "postgres://ann@db/chat?options=-csearch_path%3Da%2Bb&user=ben&options[lock_timeout]=5s";
        let read = address(url).unwrap();
        assert_eq!((read.connect_options.get_options(), read.connect_options.get_username()), (None, "ben"));
        let mut settings = SessionSettings::default();
        settings.add("search_path", "a+b");
        settings.add("lock_timeout", "5s");
        assert_eq!(read.settings, settings);
        let other = address("postgres://ann@db/chat?options=-csearch_path%3Da%20-e").unwrap();
        assert_eq!(other.connect_options.get_options(), Some("-csearch_path=a -e"));
        assert_eq!(other.settings, SessionSettings::default());
    }

    #[test]
    fn an_ipv6_host_has_no_brackets() {
        for url in
            ["postgres://ann@[fd00::1]:6432/chat", "postgres:///chat?host=[fd00::1]&user=ann&port=6432"]
        {
            let read = address(url).unwrap().connect_options;
            assert_eq!((read.get_host(), read.get_port()), ("fd00::1", 6432), "{url}");
        }
    }

    #[test]
    fn an_address_may_have_a_user_and_no_host() {
        for url in ["postgres://a+n%20n:p%40=w@/chat?host=/run/pg", "postgres://a+n%20n@/chat?host=/run/pg"] {
            let options = address(url).unwrap().connect_options;
            assert_eq!((options.get_username(), options.get_database()), ("a+n n", Some("chat")));
            assert_eq!(options.get_socket().and_then(|socket| socket.to_str()), Some("/run/pg"));
        }
    }

    #[test]
    fn parameters_without_effect_are_accepted() {
        let ignored =
            "connect_timeout=10&keepalives=1&keepalives_idle=30&keepalives_interval=5&keepalives_count=3";
        address(&format!("postgres://ann@db/chat?{ignored}&channel_binding=prefer")).unwrap();
        address("postgres://ann@db/chat?channel_binding=disable").unwrap();
    }

    #[test]
    fn other_parameters_are_refused_by_name_without_their_value() {
        for name in ["target_session_attrs", "sslcrl", "passfile", "load_balance_hosts", "pgbouncer"] {
            let refusal = refusal(&format!("postgres://ann@db/chat?sslmode=prefer&{name}=s3cret"));
            assert!(refusal.contains(name) && !refusal.contains("s3cret"), "{refusal}");
        }
        for name in ["channel_binding", "sslmode", "port", "hostaddr"] {
            let refusal = refusal(&format!("postgres://ann@db/chat?{name}=s3cret"));
            assert!(refusal.contains(name) && !refusal.contains("s3cret"), "{refusal}");
        }
    }

    #[test]
    fn several_hosts_are_refused() {
        for url in [
            "postgres://ann@one,two/chat",
            "postgres://ann:p,w@one:5432,two:5432/chat",
            "postgres:///chat?host=one,two",
            "postgres://ann@one/chat?port=1,2",
        ] {
            assert!(matches!(address(url), Err(OpenError::SeveralHosts)), "{url}");
        }
        address("postgres://ann:p,w@one/chat").unwrap();
    }

    /// The parser can read a part of such a password as the name of a parameter.
    #[test]
    fn no_part_of_a_password_that_is_not_encoded_is_in_an_error() {
        for url in [
            "postgres://ann:12#s3cret@db/chat",
            "postgres://ann:12?s3cret@db/chat",
            "postgres://ann:12?s3cret=1@db/chat",
            "postgres://ann:p/s3cret@db/chat",
            "postgres://ann@db/chat?password=top&s3cret",
            "postgres://ann@db/chat?password=top#s3cret",
        ] {
            let error = address(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{url}: {error:?}");
        }
    }
}
