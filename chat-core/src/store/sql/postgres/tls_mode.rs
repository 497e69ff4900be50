//! The TLS mode of a connection, as libpq has it.

use crate::store::sql::{AddressPart, OpenError};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx_core::Url;
use std::{env, fs::File, sync::Arc};

/// The parameters and the variables that name a file for TLS.
const TLS_FILES: [(&[&str], &str); 3] = [
    (&["sslrootcert", "ssl-root-cert", "ssl-ca"], "PGSSLROOTCERT"),
    (&["sslcert", "ssl-cert"], "PGSSLCERT"),
    (&["sslkey", "ssl-key"], "PGSSLKEY"),
];

/// Adapts the TLS mode to that of libpq, and checks the files that it needs.
pub(super) fn adapt(mut connect_options: PgConnectOptions, url: &Url) -> Result<PgConnectOptions, OpenError> {
    let files = TLS_FILES.map(|(parameters, variable)| tls_file(url, parameters, variable));
    let mode = match connect_options.get_ssl_mode() {
        // With a file of certificate authorities, `require` verifies the certificate. The driver would not.
        PgSslMode::Require if files.first().is_some_and(Option::is_some) => PgSslMode::VerifyCa,
        // With `allow`, the driver would never use TLS. But a server can require TLS.
        PgSslMode::Allow => PgSslMode::Prefer,
        mode => mode,
    };
    connect_options = connect_options.ssl_mode(mode);
    if matches!(mode, PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull) {
        for (part, file) in files.into_iter().flatten() {
            let text = || format!("{file} of {part}");
            File::open(&file).map_err(|error| OpenError::TlsFile(text(), Arc::new(error)))?;
        }
    }
    Ok(connect_options)
}

/// Returns the path of a file that the address or a variable names, and which of them does.
fn tls_file(url: &Url, parameters: &[&str], variable: &str) -> Option<(AddressPart, String)> {
    let given = url.query_pairs().filter(|(name, _)| parameters.contains(&&**name)).last();
    let given = given.map(|(name, file)| (AddressPart::Parameter(name.into_owned()), file.into_owned()));
    let from_variable =
        || env::var(variable).ok().map(|file| (AddressPart::Variable(variable.to_owned()), file));
    given.or_else(from_variable).filter(|(_, file)| !file.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::address;

    #[test]
    fn the_modes_are_those_of_libpq() {
        for (parameters, mode) in [
            ("sslmode=require", "Require"),
            ("sslmode=require&sslrootcert=Cargo.toml", "VerifyCa"),
            ("sslmode=allow", "Prefer"),
            ("sslmode=disable", "Disable"),
        ] {
            let read = address(&format!("postgres://ann@db/chat?{parameters}")).unwrap();
            assert_eq!(format!("{:?}", read.connect_options.get_ssl_mode()), mode);
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let url = "postgres://ann@db/chat?sslrootcert=/no/such.pem&sslmode=";
        assert_eq!(
            address(&format!("{url}verify-full")).unwrap_err().to_string(),
            "cannot read /no/such.pem of the parameter sslrootcert of the database address"
        );
        address(&format!("{url}prefer")).unwrap();
    }
}
