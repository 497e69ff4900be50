//! The server over TLS, with HTTP/1.1 and HTTP/2.

use crate::program::Program;
use crate::raw_connection::{Gate, ROOT, RawConnection, SHORT, listen, no_limits, service, within_deadline};
use bytes::Bytes;
use chat_server::{ChatServiceBuilder, Server, ServerLimits, Tls};
use http::{Request, Version};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::{net::SocketAddr, path::PathBuf, sync::Arc};
use tokio::{net::TcpStream, sync::oneshot, task::JoinHandle};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::CertificateDer},
};

/// A folder with a certificate and its key.
pub(crate) struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("chat.crt")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("chat.key")
    }

    /// Writes a new certificate and its key. Returns the certificate.
    pub(crate) fn renew(&self) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(["chat.example".to_owned()]).unwrap();
        std::fs::write(self.certificate(), made.cert.pem()).unwrap();
        std::fs::write(self.key(), made.signing_key.serialize_pem()).unwrap();
        made.cert.der().clone()
    }

    pub(crate) fn tls(&self) -> Tls {
        Tls::from_pem_files(self.certificate(), self.key()).unwrap()
    }
}

/// Starts a server over TLS. The sender stops it.
pub(crate) async fn serve(
    service: ChatServiceBuilder,
    limits: ServerLimits,
    tls: Tls,
) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let (listener, address) = listen().await;
    let (stop, stopped) = oneshot::channel();
    let stopped = async { stopped.await.unwrap_or_default() };
    let ended = tokio::spawn(Server::new(service.build()).limits(limits).tls(tls).serve(listener, stopped));
    (address, stop, ended)
}

/// Connects as a client that trusts only this certificate.
async fn connect(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
    protocols: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    connect_over(TcpStream::connect(address).await?, trusted, protocols).await
}

/// Connects over an open TCP connection.
pub(crate) async fn connect_over(
    stream: TcpStream,
    trusted: &CertificateDer<'static>,
    protocols: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    within_deadline(TlsConnector::from(Arc::new(config)).connect("chat.example".try_into().unwrap(), stream))
        .await
}

/// Connects as an HTTP/2 client that trusts only this certificate.
async fn connect_http2(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
) -> (http2::SendRequest<Empty<Bytes>>, JoinHandle<hyper::Result<()>>) {
    let stream = connect(address, trusted, &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (client, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    (client, tokio::spawn(connection))
}

fn request(method: &str, path: &str) -> Request<Empty<Bytes>> {
    let uri = format!("https://chat.example/chat-api{path}");
    Request::builder().method(method).uri(uri).body(Empty::new()).unwrap()
}

#[tokio::test]
async fn http1_is_served_and_links_are_https() {
    let files = Files::new();
    let trusted = files.renew();
    let (address, _stop, _ended) = serve(service().await, no_limits(), files.tls()).await;
    for protocols in [&[&b"http/1.1"[..]][..], &[]] {
        let mut connection = RawConnection(connect(address, &trusted, protocols).await.unwrap());
        let response = connection.ask(ROOT).await;
        assert_eq!(response.status, 200);
        assert!(response.body.contains("\"https://chat/chat-api/threads/\""), "{response:?}");
    }
}

#[tokio::test]
async fn http2_is_served_to_clients_that_ask_for_it() {
    let files = Files::new();
    let trusted = files.renew();
    let (address, _stop, _ended) = serve(service().await, no_limits(), files.tls()).await;
    let (mut client, _connection) = connect_http2(address, &trusted).await;
    let response = within_deadline(client.send_request(request("GET", "/"))).await.unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_2));
    let body = within_deadline(response.into_body().collect()).await.unwrap().to_bytes();
    assert!(body.starts_with(b"{\"threads\":\"https://chat.example/chat-api/threads/\""), "{body:?}");
}

#[tokio::test]
async fn over_http2_a_request_in_flight_is_answered_at_shutdown() {
    let files = Files::new();
    let trusted = files.renew();
    let gate = Gate::new();
    let gated = service().await.authenticator(gate.clone());
    let (address, stop, ended) = serve(gated, no_limits(), files.tls()).await;
    let (mut client, connection) = connect_http2(address, &trusted).await;
    let response = tokio::spawn(client.send_request(request("GET", "/threads/")));
    gate.reached().await;
    stop.send(()).unwrap();
    gate.open();
    assert_eq!(within_deadline(response).await.unwrap().unwrap().status(), 200);
    within_deadline(ended).await.unwrap();
    within_deadline(connection).await.unwrap().unwrap();
}

#[tokio::test]
async fn over_http2_a_writing_request_finishes_after_a_reset() {
    let files = Files::new();
    let trusted = files.renew();
    let gate = Gate::new();
    let gated = service().await.authenticator(gate.clone());
    let (address, _stop, _ended) = serve(gated, no_limits(), files.tls()).await;
    let (mut client, connection) = connect_http2(address, &trusted).await;
    let response = tokio::spawn(client.send_request(request("POST", "/threads/")));
    gate.reached().await;
    response.abort();
    connection.abort();
    assert!(connection.await.unwrap_err().is_cancelled());
    // A response on another connection shows that the server has run since the reset.
    let mut connection = RawConnection(connect(address, &trusted, &[]).await.unwrap());
    assert_eq!(connection.ask(ROOT).await.status, 200);
    gate.open();
    gate.passed().await;
}

#[tokio::test]
async fn over_http2_an_idle_connection_is_closed() {
    let files = Files::new();
    let trusted = files.renew();
    let limits = no_limits().idle_timeout(SHORT);
    let (address, _stop, _ended) = serve(service().await, limits, files.tls()).await;
    let (mut client, connection) = connect_http2(address, &trusted).await;
    assert_eq!(within_deadline(client.send_request(request("GET", "/"))).await.unwrap().status(), 200);
    // The connection ends with or without an error. `client` is not dropped yet, so the server has closed it.
    let _ = within_deadline(connection).await.unwrap();
    drop(client);
}

#[tokio::test]
async fn over_http2_a_response_that_the_client_does_not_read_is_aborted() {
    let files = Files::new();
    let trusted = files.renew();
    let limits = no_limits().write_timeout(SHORT);
    let (address, _stop, _ended) = serve(service().await, limits, files.tls()).await;
    let stream = connect(address, &trusted, &[b"h2"]).await.unwrap();
    let (mut client, connection) = http2::Builder::new(TokioExecutor::new())
        // Room for the beginning of a response. The window does not grow, because the client reads nothing.
        .initial_stream_window_size(100)
        .handshake(TokioIo::new(stream))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let response = within_deadline(client.send_request(request("GET", "/openapi.json"))).await.unwrap();
    assert_eq!(response.status(), 200);
    let _ = within_deadline(connection).await.unwrap();
    assert!(
        within_deadline(response.into_body().collect()).await.is_err(),
        "the response was not sent as a whole"
    );
}

#[tokio::test]
async fn a_connection_without_a_complete_handshake_is_closed() {
    let files = Files::new();
    files.renew();
    let limits = no_limits().first_byte_timeout(SHORT).header_timeout(SHORT);
    let (address, _stop, _ended) = serve(service().await, limits, files.tls()).await;
    RawConnection::connect(address).await.closed().await;
    // The beginning of a ClientHello.
    let mut connection = RawConnection::connect(address).await;
    connection.send("\x16\x03\x01").await;
    connection.closed().await;
}

#[tokio::test]
async fn a_reloaded_certificate_is_used_for_new_connections() {
    let files = Files::new();
    let old = files.renew();
    let tls = files.tls();
    let (address, _stop, _ended) = serve(service().await, no_limits(), tls.clone()).await;
    let mut kept = RawConnection(connect(address, &old, &[]).await.unwrap());

    std::fs::write(files.certificate(), "not a certificate").unwrap();
    assert!(tls.reload().unwrap_err().to_string().starts_with("cannot read a certificate from "));
    assert!(connect(address, &old, &[]).await.is_ok(), "the old one stays in use");

    let new = files.renew();
    tls.reload().unwrap();
    assert!(connect(address, &old, &[]).await.is_err());
    assert_eq!(RawConnection(connect(address, &new, &[]).await.unwrap()).ask(ROOT).await.status, 200);
    assert_eq!(kept.ask(ROOT).await.status, 200, "open connections stay open");
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let (files, others) = (Files::new(), Files::new());
    files.renew();
    others.renew();
    let error = Tls::from_pem_files(files.certificate(), others.key()).unwrap_err().to_string();
    assert!(error.contains("does not belong to the first certificate in"), "{error}");
    let error = Tls::from_pem_files(files.certificate(), files.certificate()).unwrap_err().to_string();
    assert!(error.starts_with("cannot read a private key from "), "{error}");
    assert!(!format!("{:?}", files.tls()).contains("PRIVATE"));
}

#[cfg(unix)]
#[tokio::test]
async fn the_program_reloads_the_certificate_at_sighup() {
    let files = Files::new();
    let old = files.renew();
    let program = Program::new();
    let (certificate, key) = (files.certificate(), files.key());
    let mut server =
        program.serve(&format!("--tls-cert {} --tls-key {}", certificate.display(), key.display()));
    let address = server.address.parse().unwrap();
    assert_eq!(RawConnection(connect(address, &old, &[]).await.unwrap()).ask(ROOT).await.status, 200);

    let new = files.renew();
    server.signal("HUP");
    server.logged("certificate reloaded");
    assert_eq!(RawConnection(connect(address, &new, &[]).await.unwrap()).ask(ROOT).await.status, 200);
    assert_eq!(server.stop("TERM").0.code(), Some(0));
}

#[test]
fn the_program_names_the_file_without_a_certificate() {
    let program = Program::new();
    let refusal = program.run("serve --listen 127.0.0.1:0 --tls-cert chat.crt --tls-key chat.key").refused(1);
    assert!(refusal.starts_with("cannot read a certificate from chat.crt: "), "{refusal}");
    assert!(!program.path("chat.db").exists(), "no database was created");
}

#[test]
fn the_program_needs_the_key_with_the_certificate() {
    assert_eq!(Program::new().run("serve --tls-cert chat.crt").status, Some(2));
}
