//! Argon2 that returns its memory to the operating system.

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{
        CustomizedPasswordHasher, PasswordHasher, Result,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};

/// Hashes and verifies passwords.
///
/// New hashes use the default parameters of the argon2 crate: 19 MiB, two passes, one lane. They are OWASP's first
/// recommendation for argon2id (Password Storage Cheat Sheet,
/// <https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html>).
pub(crate) struct Argon2id;

impl Argon2id {
    pub(crate) const PARAMS: Params = Params::DEFAULT;
}

impl PasswordHasher<PasswordHash> for Argon2id {
    fn hash_password_with_salt(&self, password: &[u8], salt: &[u8]) -> Result<PasswordHash> {
        self.hash_password_customized(password, salt, None, None, Self::PARAMS)
    }
}

impl CustomizedPasswordHasher<PasswordHash> for Argon2id {
    type Params = Params;

    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<u32>,
        params: Params,
    ) -> Result<PasswordHash> {
        let algorithm = algorithm.map(Algorithm::try_from).transpose()?.unwrap_or_default();
        let version = version.map(Version::try_from).transpose()?.unwrap_or_default();
        let mut output = vec![0; params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
        Argon2::new(algorithm, version, params.clone()).hash_password_into_with_memory(
            password,
            salt,
            &mut output,
            blocks(params.block_count()),
        )?;
        Ok(PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: ParamsString::try_from(&params)?,
            salt: Some(Salt::new(salt)?),
            hash: Some(Output::new(&output)?),
        })
    }
}

/// A number of blocks of 1 KiB that glibc always allocates with `mmap`.
///
/// glibc unmaps such an allocation when it is freed. It keeps smaller allocations, but cannot reuse them because the
/// blocks are aligned: a dozen log-ins would hold 200 MiB.
const MAPPED: usize = 33 * 1024;

/// Allocates this many blocks.
///
/// The capacity beyond them is never accessed, so it uses no memory.
fn blocks(count: usize) -> Vec<Block> {
    let mut blocks = Vec::with_capacity(count.max(MAPPED));
    blocks.resize(count, Block::default());
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::password_hash::PasswordVerifier;

    #[test]
    fn a_foreign_hash_is_verified_with_the_parameters_that_it_names() {
        let params = Params::new(64, 3, 2, Some(24)).unwrap();
        for (algorithm, version) in [("argon2id", 19), ("argon2i", 16), ("argon2d", 19)] {
            let others = Argon2::default().hash_password_customized(
                b"1234",
                b"salt of theirs",
                Some(algorithm),
                Some(version),
                params.clone(),
            );
            let hash = PasswordHash::new(&others.unwrap().to_string()).unwrap();
            assert!(Argon2id.verify_password(b"1234", &hash).is_ok(), "{hash}");
            assert!(Argon2id.verify_password(b"12345", &hash).is_err(), "{hash}");
        }
    }
}
