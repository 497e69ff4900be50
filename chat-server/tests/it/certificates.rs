//! Reports of certificates that are not valid, and of keys that cannot be used.

use crate::program::Program;
use chat_core::clock::{Clock, SystemClock};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

/// The options of a server with the files that [`write`] writes.
const TLS: &str = "--tls-cert chat.crt --tls-key chat.key";

/// Writes a certificate that is valid from one year to another, and its key.
fn write(program: &Program, from: i32, to: i32) {
    let mut params = CertificateParams::new(["chat.example".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(from, 1, 2), date_time_ymd(to, 3, 4));
    write_with(program, &params);
}

/// Writes a certificate with these parameters, and its key.
fn write_with(program: &Program, params: &CertificateParams) {
    let key = KeyPair::generate().unwrap();
    program.write("chat.crt", &params.self_signed(&key).unwrap().pem());
    program.write("chat.key", &key.serialize_pem());
}

/// Returns the lines of `doctor` about the certificate.
fn doctor(program: &Program) -> String {
    let found = program.run(&format!("doctor --database-url sqlite::memory: {TLS}"));
    let lines: Vec<_> = found.stdout.lines().collect();
    let about = lines.windows(2).filter(|pair| pair[0].contains("certificate: "));
    about.flatten().copied().collect::<Vec<_>>().join("\n")
}

#[test]
fn a_certificate_that_is_not_valid_is_reported() {
    let program = Program::new();
    for (from, to, text) in [
        (2020, 2021, "expired at 2021-03-04T00:00:00Z"),
        (2999, 3000, "is not valid before 2999-01-02T00:00:00Z"),
    ] {
        write(&program, from, to);
        let found = doctor(&program);
        assert!(found.starts_with("problem") && found.contains(text), "{found}");
        // It is reported, and served.
        let server = program.serve(TLS);
        let (status, ..) = server.stop("TERM");
        assert_eq!(status.code(), Some(0));
        let mut command = program.command(&format!("serve --listen 127.0.0.1:0 {TLS}"));
        let mut child = command.spawn().unwrap();
        let mut log = std::io::BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        std::io::BufRead::read_line(&mut log, &mut first).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(first.contains("ERROR") && first.contains(text), "{first}");
    }
}

#[cfg(unix)]
#[test]
fn sighup_reports_a_certificate_that_is_not_valid() {
    let program = Program::new();
    write(&program, 2020, 2999);
    assert!(!doctor(&program).contains("expire"), "{}", doctor(&program));
    let mut server = program.serve(TLS);
    write(&program, 2020, 2021);
    server.signal("HUP");
    server.logged("certificate reloaded");
    server.logged("expired at 2021-03-04T00:00:00Z");
    program.write(
        "chat.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    server.signal("HUP");
    server.logged("the private key in chat.key is encrypted");
    program.write("chat.key", &KeyPair::generate().unwrap().serialize_pem());
    server.signal("HUP");
    server.logged("the private key in chat.key does not belong to the first certificate in chat.crt");
    write(&program, 2998, 2999);
    server.signal("HUP");
    server.logged("is not valid before 2998-01-02T00:00:00Z");
    assert_eq!(server.stop("TERM").0.code(), Some(0));
}

#[test]
fn a_key_that_cannot_be_used_is_named() {
    let program = Program::new();
    write(&program, 2020, 2999);
    let pkcs8 = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let older = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n\
                 -----END RSA PRIVATE KEY-----\n";
    let other = KeyPair::generate().unwrap().serialize_pem();
    for (key, text, advice) in [
        (pkcs8, "the private key in chat.key is encrypted", "openssl pkey"),
        (older, "the private key in chat.key is encrypted", "openssl pkey"),
        (
            &other,
            "the private key in chat.key does not belong to the first certificate in chat.crt",
            "comes first",
        ),
    ] {
        program.write("chat.key", key);
        let refusal = program.run(&format!("serve --listen 127.0.0.1:0 {TLS}")).refused(1);
        assert!(refusal.starts_with(text) && refusal.contains(advice), "{refusal}");
        let found = doctor(&program);
        assert!(found.starts_with("problem") && found.contains(text) && found.contains(advice), "{found}");
    }
}

#[test]
fn a_certificate_that_expires_while_the_server_runs_is_reported() {
    let program = Program::new();
    // Long enough for the server to start before the end.
    let end = SystemClock.now().as_micros().unsigned_abs() / 1_000_000 + 8;
    let mut params = CertificateParams::new(["chat.example".to_owned()]).unwrap();
    params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(end);
    write_with(&program, &params);
    let mut server = program.serve(&format!("--metrics-listen 127.0.0.1:0 {TLS}"));
    let line = server.logged("metrics at http://");
    let address = line.split("http://").nth(1).unwrap().split("/metrics").next().unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    socket.write_all(b"GET /metrics HTTP/1.1\r\nHost: chat\r\nConnection: close\r\n\r\n").unwrap();
    let mut metrics = String::new();
    socket.read_to_string(&mut metrics).unwrap();
    assert!(metrics.contains(&format!("\nchat_certificate_expiry_timestamp_seconds {end}\n")), "{metrics}");
    #[cfg(target_os = "linux")]
    assert_eq!(without_values(&metrics), METRICS_OF_THE_PROGRAM);
    let line = server.logged(" expired at ");
    assert!(line.contains("ERROR"), "{line}");
    assert_eq!(server.stop("TERM").0.code(), Some(0));
}

/// The metrics that the program adds to those of the service, on Linux. Each value is replaced with `N`.
#[cfg(target_os = "linux")]
const METRICS_OF_THE_PROGRAM: &str = "\
# HELP process_start_time_seconds Start time of the process since the Unix epoch.
# TYPE process_start_time_seconds gauge
process_start_time_seconds N
# HELP process_cpu_seconds_total User and system CPU time spent.
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total N
# HELP process_resident_memory_bytes Resident memory size.
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes N
# HELP process_open_fds Open file descriptors.
# TYPE process_open_fds gauge
process_open_fds N
# HELP process_max_fds Limit on open file descriptors.
# TYPE process_max_fds gauge
process_max_fds N
# HELP chat_log_dropped_lines_total Lines of the log that were dropped, because standard error was not read in time or \
could not be written.
# TYPE chat_log_dropped_lines_total counter
chat_log_dropped_lines_total N
# HELP chat_certificate_expiry_timestamp_seconds When the first certificate of the chain in use expires, in seconds \
since 1970.
# TYPE chat_certificate_expiry_timestamp_seconds gauge
chat_certificate_expiry_timestamp_seconds N
";

/// Returns the metrics from those of the process on, with each value replaced.
#[cfg(target_os = "linux")]
fn without_values(metrics: &str) -> String {
    let start = metrics.find("# HELP process_start_time_seconds").unwrap();
    let line = |line: &str| match line.split_once(' ') {
        Some((name, value)) if value.parse::<f64>().is_ok() => format!("{name} N\n"),
        _ => format!("{line}\n"),
    };
    metrics[start..].lines().map(line).collect()
}

/// A certificate of X.509 version 1, as `openssl x509 -req` makes it without `-extfile`, and its key.
const VERSION_1: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIIBKzCB0QIUAVWJ+vtbNCJ5naG4vLywyhWa8D4wCgYIKoZIzj0EAwIwFzEVMBMG\n\
A1UEAwwMY2hhdC5leGFtcGxlMCAXDTI2MTEyNjE3Mzk0M1oYDzIxMjYxMTAyMTcz\n\
OTQzWjAXMRUwEwYDVQQDDAxjaGF0LmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjO\n\
PQMBBwNCAARSFv8/LsjmpQyTjkooFYp5tBx0dydFbOqPE8Wj8lhnb50wZip3cV/e\n\
dEbFXahmRersPdhfkItDhi4v1yM5MGzrMAoGCCqGSM49BAMCA0kAMEYCIQCHF+Kq\n\
dUQ+mE0aDsj6L/fHHaz4HSJDqe7WLfMMj70KhAIhAKmgcC1KZR6fXsB2VyHwLb0W\n\
RAk5ZPmSFu2layjDE4Oi\n\
-----END CERTIFICATE-----\n\
";
const VERSION_1_KEY: &str = "\
-----BEGIN PRIVATE KEY-----\n\
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjOaR8qOOAdpugoqz\n\
f5lR8SihLOpVjE6vDYn+m/oPQhyhRANCAARSFv8/LsjmpQyTjkooFYp5tBx0dydF\n\
bOqPE8Wj8lhnb50wZip3cV/edEbFXahmRersPdhfkItDhi4v1yM5MGzr\n\
-----END PRIVATE KEY-----\n\
";

#[test]
fn a_certificate_of_version_1_is_refused_with_advice() {
    let program = Program::new();
    program.write("chat.crt", VERSION_1);
    program.write("chat.key", VERSION_1_KEY);
    let refusal = program.run(&format!("serve --listen 127.0.0.1:0 {TLS}")).refused(1);
    assert!(refusal.contains("use a certificate of X.509 version 3"), "{refusal}");
    assert!(doctor(&program).contains("use a certificate of X.509 version 3"), "{}", doctor(&program));
}

/// A file without an end would fill the memory.
#[test]
#[cfg(unix)]
fn a_certificate_or_key_file_without_an_end_is_refused() {
    let program = Program::new();
    write(&program, 2020, 2999);
    for options in ["--tls-cert /dev/zero --tls-key chat.key", "--tls-cert chat.crt --tls-key /dev/zero"] {
        let refusal = program.run(&format!("serve --listen 127.0.0.1:0 {options}")).refused(1);
        assert!(refusal.contains("the file is larger than 1 MiB"), "{refusal}");
    }
}
