//! TLS, and HTTP/2 for the clients that ask for it in the handshake.

use super::{ServerLimits, tracked_stream::TrackedStream};
use hyper::server::conn::http2;
use hyper_util::rt::TokioExecutor;
use std::{
    fmt,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, InconsistentKeys, ServerConfig,
        crypto::{CryptoProvider, aws_lc_rs},
        pki_types::{
            CertificateDer, PrivateKeyDer,
            pem::{self, PemObject},
        },
        server::{ClientHello, ResolvesServerCert},
        sign::CertifiedKey,
    },
    server::TlsStream,
};

/// Maximum size of a PEM file in bytes.
///
/// A chain of certificates has some 10 kB. A file without an end, such as a device, must not fill the memory.
const MAX_PEM_BYTES: u64 = 1024 * 1024;

/// HTTP/2 in ALPN.
const ALPN_HTTP2: &[u8] = b"h2";
/// HTTP/1.1 in ALPN.
const ALPN_HTTP1: &[u8] = b"http/1.1";

/// Requests in flight on one HTTP/2 connection.
const HTTP2_STREAMS: u32 = 100;
/// Maximum number of streams that a client has reset before the server accepted them.
///
/// Requests that are cancelled at once cost the server more than the client.
const HTTP2_PENDING_RESETS: usize = 20;
/// Maximum number of streams that the server resets because of errors of the client.
const HTTP2_ERROR_RESETS: usize = 100;
/// Bytes of one request's body that a client may send before the server reads them.
///
/// This and the next two constants limit how much the server buffers for one client. Request bodies are small, and
/// responses are produced as they are sent.
const HTTP2_STREAM_WINDOW_BYTES: u32 = 64 * 1024;
/// Like [`HTTP2_STREAM_WINDOW_BYTES`], for all request bodies of a connection.
const HTTP2_CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// Bytes of one response that are buffered for a client.
const HTTP2_SEND_BUFFER_BYTES: usize = 64 * 1024;

/// The certificate and key of a [`Server`](crate::Server), from PEM files.
///
/// Clones share the certificate: [`reload`](Self::reload) on a clone renews it for a running server.
///
/// ```no_run
/// # async fn run(service: chat_server::ChatService) -> Result<(), Box<dyn std::error::Error>> {
/// use chat_server::{Server, Tls};
/// use tokio::net::TcpListener;
///
/// let tls = Tls::from_pem_files("chat.crt", "chat.key")?;
/// let renewed = tls.clone(); // call `renewed.reload()` when the files have changed
/// let listener = TcpListener::bind("0.0.0.0:443").await?;
/// Server::new(service).tls(tls).serve(listener, std::future::pending()).await;
/// # drop(renewed);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Tls {
    files: Arc<CertificateFiles>,
    config: Arc<ServerConfig>,
}

/// The error of a certificate that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read, or does not have the expected content.
    #[error("cannot read {what} from {path}", path = path.display())]
    File {
        /// What the file should contain: "a certificate" or "a private key".
        what: &'static str,
        /// The path of the file.
        path: PathBuf,
        /// The cause.
        source: pem::Error,
    },
    /// The key is protected with a passphrase.
    #[error("the private key in {path} is encrypted", path = path.display())]
    EncryptedKey {
        /// The path of the file.
        path: PathBuf,
    },
    /// The key belongs to another certificate than the first one of the file.
    #[error("the private key in {key} does not belong to the first certificate in {certificate}",
        key = key.display(), certificate = certificate.display())]
    KeyMismatch {
        /// The path of the certificate chain.
        certificate: PathBuf,
        /// The path of the key.
        key: PathBuf,
    },
    /// The certificate or the key is not supported.
    #[error("the certificate cannot be used with the key")]
    Unusable(#[from] rustls::Error),
}

impl TlsError {
    /// Returns what to do about the error, if there is advice.
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::File { .. } => "check the path, and that the file is in PEM format",
            Self::EncryptedKey { .. } => "decrypt it: openssl pkey -in FILE -out NEW-FILE",
            Self::KeyMismatch { .. } => {
                "use the key of the server's own certificate, which comes first in the file of the chain"
            }
            Self::Unusable(_) => {
                "use a certificate of X.509 version 3 (`openssl req -x509` with `-addext subjectAltName=DNS:HOST` makes one), \
                 and an RSA key of 2048 to 8192 bits, or an ECDSA or Ed25519 key"
            }
        })
    }
}

/// Lines that only an encrypted key has.
///
/// The first is in a key in PKCS #8, the second in a key in an older format.
const ENCRYPTED: [&str; 2] = ["-----BEGIN ENCRYPTED PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED"];

/// The paths of the certificate and its key, and the certificate in use.
#[derive(Debug)]
struct CertificateFiles {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Tls {
    /// Reads a certificate chain and its key from PEM files.
    ///
    /// The server's own certificate comes first in the chain.
    ///
    /// # Errors
    /// - [`TlsError::File`] if a file cannot be read, is larger than 1 MiB, or contains no certificate or no key.
    /// - [`TlsError::EncryptedKey`] if the only key in its file is encrypted.
    /// - [`TlsError::KeyMismatch`] if the key does not belong to the first certificate.
    /// - [`TlsError::Unusable`] if the key is of an unsupported kind, or the certificate is not of X.509 version 3.
    pub fn from_pem_files(certificate: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let (certificate, key) = (certificate.as_ref().to_owned(), key.as_ref().to_owned());
        let current = RwLock::new(read(&certificate, &key, &provider)?);
        let files = Arc::new(CertificateFiles { certificate, key, current });
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(files.clone());
        config.alpn_protocols = vec![ALPN_HTTP2.to_vec(), ALPN_HTTP1.to_vec()];
        Ok(Self { files, config: Arc::new(config) })
    }

    /// Returns the certificate chain in use, the server's own certificate first.
    ///
    /// The certificates may have expired: their dates are not checked.
    pub fn certificates(&self) -> Vec<CertificateDer<'static>> {
        self.files.current.read().unwrap_or_else(PoisonError::into_inner).cert.clone()
    }

    /// Reads the files again.
    ///
    /// New connections get the new certificate; after an error they get the previous one.
    ///
    /// # Errors
    /// Those of [`from_pem_files`](Self::from_pem_files).
    pub fn reload(&self) -> Result<(), TlsError> {
        let new = read(&self.files.certificate, &self.files.key, self.config.crypto_provider())?;
        *self.files.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CertificateFiles { certificate, key, current: _ } = &*self.files;
        f.debug_struct("Tls").field("certificate", certificate).field("key", key).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for CertificateFiles {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn read(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, TlsError> {
    let failed = |what, path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::File { what, path, source }
    };
    let chain: Vec<_> = pem_text(certificate)
        .and_then(|text| CertificateDer::pem_slice_iter(&text).collect())
        .and_then(|chain: Vec<_>| if chain.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(chain) })
        .map_err(failed("a certificate", certificate))?;
    let text = pem_text(key).map_err(failed("a private key", key))?;
    let secret = PrivateKeyDer::from_pem_slice(&text).map_err(|error| {
        if is_encrypted(&text) {
            TlsError::EncryptedKey { path: key.to_owned() }
        } else {
            failed("a private key", key)(error)
        }
    })?;
    match CertifiedKey::from_der(chain, secret, provider) {
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err(TlsError::KeyMismatch { certificate: certificate.to_owned(), key: key.to_owned() })
        }
        pair => Ok(Arc::new(pair?)),
    }
}

/// Reads a PEM file of at most [`MAX_PEM_BYTES`].
fn pem_text(path: &Path) -> Result<Vec<u8>, pem::Error> {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_PEM_BYTES + 1).read_to_end(&mut text));
    let read = read.map_err(pem::Error::Io)?;
    if read as u64 > MAX_PEM_BYTES {
        let error = io::Error::new(io::ErrorKind::FileTooLarge, "the file is larger than 1 MiB");
        return Err(pem::Error::Io(error));
    }
    Ok(text)
}

/// Returns whether a PEM file contains an encrypted private key.
fn is_encrypted(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    ENCRYPTED.iter().any(|mark| text.contains(mark))
}

/// Accepts TLS connections, and serves HTTP/2 on them.
#[derive(Clone)]
pub(super) struct TlsHandler {
    acceptor: TlsAcceptor,
    pub(super) http2: http2::Builder<TokioExecutor>,
}

impl TlsHandler {
    pub(super) fn new(tls: &Tls, limits: &ServerLimits) -> Self {
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        // The server sends no pings. In the receive buffer of a slow client, a ping waits behind the response. The
        // answer would be late, and the connection would be closed. The connection's state has a deadline for each
        // client that does not respond.
        http2
            .max_concurrent_streams(HTTP2_STREAMS)
            .max_pending_accept_reset_streams(HTTP2_PENDING_RESETS)
            .max_local_error_reset_streams(HTTP2_ERROR_RESETS)
            .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
            .initial_stream_window_size(HTTP2_STREAM_WINDOW_BYTES)
            .initial_connection_window_size(HTTP2_CONNECTION_WINDOW_BYTES)
            .max_send_buf_size(HTTP2_SEND_BUFFER_BYTES);
        Self { acceptor: tls.config.clone().into(), http2 }
    }

    /// Completes the handshake. Returns the stream, and whether HTTP/2 was agreed on.
    pub(super) async fn accept(&self, stream: TrackedStream) -> io::Result<(TlsStream<TrackedStream>, bool)> {
        let stream = self.acceptor.accept(stream).await?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(ALPN_HTTP2);
        Ok((stream, is_http2))
    }
}
