//! TLS, and what it brings along: HTTP/2 with the clients that ask for it during the handshake.

use super::{Limits, stream::PacedStream};
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ServerConfig,
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

/// The certificate a server shows. Clones share it, so that one of them can renew it while another serves.
#[derive(Clone)]
pub struct Tls {
    files: Arc<Files>,
    config: Arc<ServerConfig>,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read, or holds nothing of what it should.
    #[error("cannot read {what} from {path}: {source}", path = path.display())]
    File {
        /// What was looked for.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// The certificate and the key do not go together, or are of a kind that is not supported.
    #[error("the certificate cannot be used with the key: {0}")]
    Unusable(#[from] rustls::Error),
}

/// Where the certificate comes from, and the one in use.
#[derive(Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Tls {
    /// Reads a certificate, followed by those that lead to its root, and its key from files in PEM form.
    ///
    /// # Errors
    /// When one of them cannot be read, or they do not go together.
    pub fn from_pem_files(certificate: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let (certificate, key) = (certificate.as_ref().to_owned(), key.as_ref().to_owned());
        let current = RwLock::new(read(&certificate, &key, &provider)?);
        let files = Arc::new(Files { certificate, key, current });
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(files.clone());
        config.alpn_protocols = vec![HTTP2.to_vec(), b"http/1.1".to_vec()];
        Ok(Self { files, config: Arc::new(config) })
    }

    /// Reads the files again. Connections made from now on see what they hold; with an error, what they held before.
    ///
    /// # Errors
    /// As [`from_pem_files`](Self::from_pem_files).
    pub fn reload(&self) -> Result<(), TlsError> {
        let new = read(&self.files.certificate, &self.files.key, self.config.crypto_provider())?;
        *self.files.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Files { certificate, key, current: _ } = &*self.files;
        f.debug_struct("Tls").field("certificate", certificate).field("key", key).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Files {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn read(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, TlsError> {
    let failed = |what, path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::File { what, path, source }
    };
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .and_then(|chain: Vec<_>| if chain.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(chain) })
        .map_err(failed("a certificate", certificate))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(failed("a private key", key))?;
    Ok(Arc::new(CertifiedKey::from_der(chain, key, provider)?))
}

/// HTTP/2, as ALPN calls it.
const HTTP2: &[u8] = b"h2";

/// How often a client that says nothing over HTTP/2 is asked whether it is there, and how long it may take to answer.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// What makes secure connections.
#[derive(Clone)]
pub(super) struct Secure {
    acceptor: TlsAcceptor,
    pub(super) http2: http2::Builder<TokioExecutor>,
}

impl Secure {
    pub(super) fn new(tls: &Tls, limits: &Limits) -> Self {
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .max_concurrent_streams(100)
            // Requests that are taken back as soon as they are made cost the server more than the client.
            .max_pending_accept_reset_streams(20)
            .max_local_error_reset_streams(100)
            .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
            // What one client can make the server hold: bodies are small, and answers are made as they are taken.
            .initial_stream_window_size(64 * 1024)
            .initial_connection_window_size(1024 * 1024)
            .max_send_buf_size(64 * 1024);
        Self { acceptor: tls.config.clone().into(), http2 }
    }

    /// Shakes hands; says whether HTTP/2 was agreed on.
    pub(super) async fn accept(&self, stream: PacedStream) -> io::Result<(TlsStream<PacedStream>, bool)> {
        let stream = self.acceptor.accept(stream).await?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(HTTP2);
        Ok((stream, http2))
    }
}
