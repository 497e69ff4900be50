//! Hashing and verification of passwords.
//!
//! New hashes are argon2id. Imported hashes may be Django's PBKDF2 or Django's argon2.

use crate::{
    Error,
    api::{FieldErrors, error_text, limits},
    auth::argon2id::Argon2id,
    runtime,
    store::PasswordHash,
};
use argon2::{
    Params,
    password_hash::{PasswordHasher, PasswordVerifier, phc},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::Sha256;
use std::{borrow::Cow, fmt, sync::Arc};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

/// The hash to verify if the user does not exist or has no password.
///
/// Sign-in then takes the same time as for other users. No password is known to have this hash.
const DUMMY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The maximum number of waiting calls; further calls fail with `Busy`.
const QUEUE: usize = 512;

/// The beginning of a hash by Django's PBKDF2 over HMAC-SHA256.
const DJANGO_PBKDF2: &str = "pbkdf2_sha256$";
/// Django's prefix of an argon2 hash in PHC form.
const DJANGO_ARGON2: &str = "argon2";

/// Reads a hash in Django's format.
///
/// Returns `None` for algorithms that this module cannot verify, and for accounts without a password.
///
/// ```
/// use chat_core::auth::password::from_django;
///
/// let digest = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
/// assert!(from_django(&format!("pbkdf2_sha256$870000$salt${digest}")).is_some());
/// assert!(from_django("!unusable").is_none());
/// ```
pub fn from_django(hash: &str) -> Option<PasswordHash> {
    let phc = hash.strip_prefix(DJANGO_ARGON2).filter(|rest| rest.starts_with("$argon2"));
    let hash = PasswordHash::new(phc.unwrap_or(hash));
    Scheme::of(&hash).is_some().then_some(hash)
}

/// A password that a user chose, of a length that is allowed.
///
/// It has [`PASSWORD_MIN`](limits::PASSWORD_MIN) to [`PASSWORD_MAX`](limits::PASSWORD_MAX) code points, and is not
/// trimmed. `Debug` does not show it.
///
/// ```
/// use chat_core::auth::password::NewPassword;
///
/// assert!(NewPassword::new("password", "correct horse").is_ok());
/// assert!(NewPassword::new("password", "short").is_err());
/// ```
#[derive(Clone)]
pub struct NewPassword<'a>(Cow<'a, str>);

impl<'a> NewPassword<'a> {
    /// Checks the length of a password.
    ///
    /// # Errors
    /// The password is too short or too long. `field` is its name in the error.
    pub fn new(field: &str, password: impl Into<Cow<'a, str>>) -> Result<Self, FieldErrors> {
        let password = password.into();
        let fault = match password.chars().count() {
            0..limits::PASSWORD_MIN => error_text::PASSWORD_TOO_SHORT,
            limits::PASSWORD_MIN..=limits::PASSWORD_MAX => return Ok(Self(password)),
            _ => error_text::PASSWORD_TOO_LONG,
        };
        Err(FieldErrors::one(field, fault))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for NewPassword<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NewPassword").finish_non_exhaustive()
    }
}

/// A parsed hash.
enum Scheme<'a> {
    Argon2(Box<phc::PasswordHash>),
    Pbkdf2 { rounds: u32, salt: &'a str, digest: Vec<u8> },
}

impl<'a> Scheme<'a> {
    fn of(hash: &'a PasswordHash) -> Option<Self> {
        let hash = hash.expose();
        if let Some(rest) = hash.strip_prefix(DJANGO_PBKDF2) {
            let mut parts = rest.split('$');
            let (rounds, salt, digest) = (parts.next()?.parse().ok()?, parts.next()?, parts.next()?);
            let digest = BASE64_STANDARD.decode(digest).ok().filter(|digest| digest.len() == 32)?;
            return (parts.next().is_none() && rounds > 0).then_some(Self::Pbkdf2 { rounds, salt, digest });
        }
        let phc = phc::PasswordHash::new(hash).ok()?;
        Params::try_from(&phc).ok()?;
        phc.algorithm.as_str().starts_with("argon2").then(|| Self::Argon2(Box::new(phc)))
    }

    fn verify(&self, password: &[u8]) -> bool {
        match self {
            Self::Argon2(hash) => Argon2id.verify_password(password, &**hash).is_ok(),
            Self::Pbkdf2 { rounds, salt, digest } => {
                let mut computed = [0; 32];
                pbkdf2::pbkdf2_hmac::<Sha256>(password, salt.as_bytes(), *rounds, &mut computed);
                computed.ct_eq(digest).into()
            }
        }
    }

    /// Returns whether a new hash would use another algorithm or other parameters.
    fn is_outdated(&self) -> bool {
        match self {
            Self::Argon2(hash) => {
                hash.algorithm.as_str() != "argon2id"
                    || !Params::try_from(&**hash).is_ok_and(|params| {
                        let ours = Argon2id::PARAMS;
                        (params.m_cost(), params.t_cost(), params.p_cost())
                            == (ours.m_cost(), ours.t_cost(), ours.p_cost())
                    })
            }
            Self::Pbkdf2 { .. } => true,
        }
    }
}

/// Hashes a password as the chat does, for imports.
///
/// Takes tens of milliseconds of CPU time, so call it outside of asynchronous code.
///
/// # Errors
/// [`Error::Fault`] if the operating system returns no random numbers.
pub fn hash(password: &str) -> Result<PasswordHash, Error> {
    hash_now(password.as_bytes())
}

fn hash_now(password: &[u8]) -> Result<PasswordHash, Error> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(Error::fault)?;
    let hash = Argon2id.hash_password_with_salt(password, &salt).map_err(Error::fault)?;
    Ok(PasswordHash::new(hash.to_string()))
}

/// The result of the verification of a password.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verification {
    /// The password is wrong.
    Wrong,
    /// The password is right.
    Right,
    /// The password is right but its hash is outdated; holds the hash to store.
    Outdated(PasswordHash),
}

/// Hashes passwords on the blocking pool.
///
/// The number of concurrent hashes is at most half the number of cores, but at least one. Each hash takes 19 MiB and
/// tens of milliseconds of CPU time, and requests that only read should not wait for it.
#[derive(Debug, Clone)]
pub(crate) struct Hasher {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Hasher {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            running: Arc::new(Semaphore::new((cores / 2).max(1))),
            waiting: Arc::new(Semaphore::new(QUEUE)),
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let busy = |_| Error::Unavailable(crate::store::StoreError::Busy);
        let waiting = self.waiting.clone().try_acquire_owned().map_err(busy)?;
        let running = self.running.clone().acquire_owned().await.map_err(Error::fault)?;
        drop(waiting);
        let task = runtime::spawn_blocking(move || {
            // The permit is held to the end of the work, even if the caller drops its future.
            let _running = running;
            work()
        });
        task.await?
    }

    pub(crate) async fn hash(&self, password: &str) -> Result<PasswordHash, Error> {
        let password = password.to_owned();
        self.run(move || hash_now(password.as_bytes())).await
    }

    /// Verifies a password.
    ///
    /// Without a hash the result is `Wrong`. This takes as long as with a hash.
    pub(crate) async fn verify(
        &self,
        password: &str,
        hash: Option<PasswordHash>,
    ) -> Result<Verification, Error> {
        let password = password.to_owned();
        self.run(move || {
            let Some((hash, scheme)) = hash.as_ref().and_then(|hash| Some((hash, Scheme::of(hash)?))) else {
                if let Some(scheme) = Scheme::of(&PasswordHash::new(DUMMY)) {
                    std::hint::black_box(scheme.verify(password.as_bytes()));
                }
                return Ok(Verification::Wrong);
            };
            debug_assert_ne!(hash.expose(), PasswordHash::UNUSABLE, "an unusable hash has no scheme");
            if !scheme.verify(password.as_bytes()) {
                Ok(Verification::Wrong)
            } else if scheme.is_outdated() {
                hash_now(password.as_bytes()).map(Verification::Outdated)
            } else {
                Ok(Verification::Right)
            }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn django(rounds: u32) -> PasswordHash {
        let mut digest = [0; 32];
        pbkdf2::pbkdf2_hmac::<Sha256>(b"1234", b"seasalt", rounds, &mut digest);
        from_django(&format!("pbkdf2_sha256${rounds}$seasalt${}", BASE64_STANDARD.encode(digest))).unwrap()
    }

    #[tokio::test]
    async fn an_imported_hash_is_verified_and_replaced() {
        let hasher = Hasher::new();
        let Verification::Outdated(new) = hasher.verify("1234", Some(django(1000))).await.unwrap() else {
            panic!("PBKDF2 is not outdated");
        };
        assert!(new.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_eq!(hasher.verify("1234", Some(new.clone())).await.unwrap(), Verification::Right);
        assert_eq!(hasher.verify("12345", Some(new)).await.unwrap(), Verification::Wrong);
        assert_eq!(hasher.verify("4321", Some(django(1000))).await.unwrap(), Verification::Wrong);
    }

    #[tokio::test]
    async fn no_password_is_right_without_a_usable_hash() {
        let hasher = Hasher::new();
        assert_eq!(hasher.verify("", None).await.unwrap(), Verification::Wrong);
        assert_eq!(hasher.verify("!", Some(PasswordHash::unusable())).await.unwrap(), Verification::Wrong);
    }

    #[test]
    fn the_dummy_hash_takes_as_long_as_a_real_one() {
        let dummy = PasswordHash::new(DUMMY);
        assert!(!Scheme::of(&dummy).unwrap().is_outdated());
    }

    #[test]
    fn unsupported_django_hashes_are_not_read() {
        for unusable in [
            "!abc",
            "",
            "md5$salt$0123",
            "bcrypt_sha256$$2b$12$x",
            "pbkdf2_sha256$1000$seasalt$",
            "pbkdf2_sha256$0$s$AA==",
        ] {
            assert!(from_django(unusable).is_none(), "{unusable}");
        }
        let argon2 =
            "argon2$argon2id$v=19$m=102400,t=2,p=8$c29tZXNhbHQ$ZGlnZXN0ZGlnZXN0ZGlnZXN0ZGlnZXN0ZGlnZXN0ZGk";
        assert!(from_django(argon2).unwrap().expose().starts_with("$argon2id$v=19$m=102400"));
    }
}
