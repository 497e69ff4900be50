//! The parameters of the address of a Postgres database, and the variables that set them.

use crate::store::sql::{AddressPart, OpenError};
use std::net::IpAddr;

/// Whether and how a parameter is used.
#[derive(Debug, Clone, Copy)]
enum Treatment {
    /// It is used by the driver, or set after the log-in.
    Used(Form),
    /// It is accepted, and has no effect.
    Ignored,
    /// It is accepted with one of these values, and has no effect.
    IgnoredIf(&'static [&'static str]),
}

/// The form of a value.
#[derive(Debug, Clone, Copy)]
enum Form {
    Any,
    /// A name, an address or the folder of a socket.
    Host,
    IpAddress,
    Port,
    SslMode,
}

use Form::{Any, Host, IpAddress, Port, SslMode};
use Treatment::{Ignored, IgnoredIf, Used};

/// The parameters that are accepted.
///
/// The names are those of libpq, and for some parameters also those of the driver. The parameters without effect are
/// about timeouts, for which the program has its own settings. The accepted values of `channel_binding` require
/// nothing.
const PARAMETERS: [(&str, Treatment); 24] = [
    ("host", Used(Host)),
    ("hostaddr", Used(IpAddress)),
    ("port", Used(Port)),
    ("dbname", Used(Any)),
    ("user", Used(Any)),
    ("password", Used(Any)),
    ("application_name", Used(Any)),
    ("options", Used(Any)),
    ("sslmode", Used(SslMode)),
    ("ssl-mode", Used(SslMode)),
    ("sslrootcert", Used(Any)),
    ("ssl-root-cert", Used(Any)),
    ("ssl-ca", Used(Any)),
    ("sslcert", Used(Any)),
    ("ssl-cert", Used(Any)),
    ("sslkey", Used(Any)),
    ("ssl-key", Used(Any)),
    ("connect_timeout", Ignored),
    ("keepalives", Ignored),
    ("keepalives_idle", Ignored),
    ("keepalives_interval", Ignored),
    ("keepalives_count", Ignored),
    ("channel_binding", IgnoredIf(&["prefer", "disable"])),
    // Sets one variable of the server: `options[search_path]=chat`.
    ("options[", Used(Any)),
];

/// The environment variables of libpq that are checked.
///
/// Each is listed with the parameter that it sets. The driver reads some of them. The others must not be ignored
/// without an error.
pub(super) const VARIABLES: [(&str, &str); 10] = [
    ("PGHOST", "host"),
    ("PGHOSTADDR", "hostaddr"),
    ("PGPORT", "port"),
    ("PGSSLMODE", "sslmode"),
    ("PGCHANNELBINDING", "channel_binding"),
    ("PGREQUIREAUTH", "require_auth"),
    ("PGREQUIREPEER", "requirepeer"),
    ("PGSERVICE", "service"),
    ("PGSSLCRL", "sslcrl"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
];

const SSL_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// The longest name of a parameter that an error repeats, in bytes.
const MAX_NAME: usize = 40;

fn treatment(name: &str) -> Option<Treatment> {
    let accepts = |known: &str| name == known || (known.ends_with('[') && name.starts_with(known));
    PARAMETERS.iter().find(|(known, _)| accepts(known)).map(|&(_, treatment)| treatment)
}

/// Checks a parameter of an address, given its query and its authority.
pub(super) fn check_parameter(
    name: &str,
    value: &str,
    query: &str,
    authority: &str,
) -> Result<(), OpenError> {
    let Some(treatment) = treatment(name) else {
        // The name may be a part of a password that is not percent-encoded.
        let is_name = name.len() <= MAX_NAME
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
            && query.split('&').any(|pair| pair.split_once('=').is_some_and(|(before, _)| before == name))
            && (authority.contains('@') || !query.contains('@'));
        return Err(if is_name {
            OpenError::UnsupportedParameter(AddressPart::Parameter(name.to_owned()))
        } else {
            OpenError::Address
        });
    };
    check_value(treatment, value, || AddressPart::Parameter(name.to_owned()))
}

/// Checks a variable, given the parameter that it sets.
pub(super) fn check_variable(variable: &str, parameter: &str, value: &str) -> Result<(), OpenError> {
    // libpq treats an empty variable like one that is not set. The driver does not always do so.
    let is_default = value.is_empty() && !matches!(parameter, "host" | "hostaddr")
        || (parameter, value) == ("target_session_attrs", "any");
    let part = || AddressPart::Variable(variable.to_owned());
    match treatment(parameter) {
        _ if is_default => Ok(()),
        Some(treatment) => check_value(treatment, value, part),
        None => Err(OpenError::UnsupportedParameter(part())),
    }
}

/// Checks the value of a part of the address.
fn check_value(
    treatment: Treatment,
    value: &str,
    part: impl FnOnce() -> AddressPart,
) -> Result<(), OpenError> {
    let is_valid = match treatment {
        Used(Host | IpAddress | Port) if value.contains(',') => return Err(OpenError::SeveralHosts),
        Used(Any) | Ignored => true,
        Used(Host) => !value.is_empty(),
        Used(IpAddress) => value.parse::<IpAddr>().is_ok(),
        Used(Port) => value.parse::<u16>().is_ok(),
        Used(SslMode) => SSL_MODES.contains(&value),
        IgnoredIf(accepted) => accepted.contains(&value),
    };
    if is_valid { Ok(()) } else { Err(OpenError::InvalidParameter(part())) }
}
