//! Tokens: who is signed in.

use super::{SqlStore, catalogue as sql, dialect::Dialect, failure::Failure, value::Cells};
use crate::{
    api::{Timestamp, UserId},
    store::{NewToken, StoreError, TokenHash, TokenOwner},
};

pub(super) async fn insert<D: Dialect>(
    store: &SqlStore<D>,
    token: &NewToken,
    keep: u32,
) -> Result<(), Failure> {
    let mut tx = store.begin().await?;
    // Locked, so that of two log-ins at once each sees the other's token when it counts.
    if tx.first(D::OWN.lock_user, &[token.user.into()]).await?.is_none() {
        return Err(StoreError::NotFound.into());
    }
    let hash = (&token.hash.0).into();
    tx.run(sql::INSERT_TOKEN, &[hash, token.user.into(), token.created.into()]).await?;
    let others = i64::from(keep.saturating_sub(1));
    tx.run(sql::EVICT_TOKENS, &[token.user.into(), hash, others.into()]).await?;
    tx.commit().await
}

pub(super) async fn owner<D: Dialect>(
    store: &SqlStore<D>,
    token: &TokenHash,
) -> Result<Option<TokenOwner>, Failure> {
    let owner = |row: &dyn Cells| {
        Ok(TokenOwner {
            user: UserId::new(row.int(0)?),
            active: row.bool(1)?,
            expires: row.opt_int(2)?.map(Timestamp::from_micros),
        })
    };
    store.look_up_first(sql::TOKEN_OWNER, &[(&token.0).into()], owner).await
}

pub(super) async fn delete<D: Dialect>(store: &SqlStore<D>, token: &TokenHash) -> Result<bool, Failure> {
    Ok(store.write(sql::DELETE_TOKEN, &[(&token.0).into()]).await? > 0)
}

pub(super) async fn delete_all<D: Dialect>(store: &SqlStore<D>, user: UserId) -> Result<u64, Failure> {
    store.write(sql::DELETE_TOKENS, &[user.into()]).await
}
