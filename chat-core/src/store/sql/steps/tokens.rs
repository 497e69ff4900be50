//! Tokens: who is signed in.

use crate::store::sql::{
    SqlStore,
    dialect::Dialect,
    failure::Failure,
    rows, statements as sql,
    value::{Arg, Cells, Column},
};
use crate::{
    api::{Timestamp, TokenId, UserId},
    store::{NewToken, StoreError, StoredToken, TokenHash, TokenOwner},
};

pub(crate) async fn insert<D: Dialect>(
    store: &SqlStore<D>,
    token: &NewToken,
    keep: u32,
) -> Result<Vec<TokenHash>, Failure> {
    let mut tx = store.begin().await?;
    let Some(row) = tx.first(sql::NEXT_TOKEN_ID, &[token.user.into()]).await? else {
        return Err(StoreError::NotFound.into());
    };
    let hash = (&token.hash.0).into();
    let args = [
        hash,
        token.user.into(),
        row.int(0)?.into(),
        token.name.as_deref().into(),
        token.created.into(),
        token.ttl.map(rows::micros).into(),
    ];
    tx.run(sql::INSERT_TOKEN, &args).await?;
    let others = i64::from(keep.saturating_sub(1));
    let gone = [token.user.into(), hash, others.into(), token.created.into()];
    let gone = tx.rows(sql::EVICT_TOKENS, &gone).await?;
    let gone = gone.iter().map(|row| rows::token_hash(row, 0)).collect::<Result<_, _>>()?;
    tx.commit().await?;
    Ok(gone)
}

pub(crate) async fn owner<D: Dialect>(
    store: &SqlStore<D>,
    token: &TokenHash,
) -> Result<Option<TokenOwner>, Failure> {
    let owner = |row: &dyn Cells| {
        Ok(TokenOwner {
            user: UserId::new(row.int(0)?),
            active: row.bool(1)?,
            last_used: Timestamp::from_micros(row.int(2)?),
            ttl: rows::ttl(row, 3)?,
        })
    };
    store.look_up_first(sql::TOKEN_OWNER, &[(&token.0).into()], owner).await
}

pub(crate) async fn list<D: Dialect>(store: &SqlStore<D>, user: UserId) -> Result<Vec<StoredToken>, Failure> {
    store.look_up(sql::TOKENS, &[user.into()], |row: &dyn Cells| rows::token(row)).await
}

pub(crate) async fn touch<D: Dialect>(
    store: &SqlStore<D>,
    uses: &[(TokenHash, Timestamp)],
) -> Result<(), Failure> {
    let columns = [
        Column::OptBytes(uses.iter().map(|(token, _)| Some(&token.0[..])).collect()),
        Column::Ints(uses.iter().map(|(_, at)| at.as_micros()).collect()),
    ];
    store.write(D::SQL.touch_tokens, &[Arg::Rows(&columns)]).await.map(drop)
}

pub(crate) async fn delete<D: Dialect>(store: &SqlStore<D>, token: &TokenHash) -> Result<bool, Failure> {
    Ok(store.write(sql::DELETE_TOKEN, &[(&token.0).into()]).await? > 0)
}

pub(crate) async fn delete_by_id<D: Dialect>(
    store: &SqlStore<D>,
    user: UserId,
    id: TokenId,
) -> Result<Option<TokenHash>, Failure> {
    let mut tx = store.begin().await?;
    let Some(row) = tx.first(sql::DELETE_TOKEN_BY_ID, &[user.into(), id.into()]).await? else {
        return Ok(None);
    };
    tx.commit().await?;
    Ok(Some(rows::token_hash(&row, 0)?))
}

pub(crate) async fn delete_all<D: Dialect>(store: &SqlStore<D>, user: UserId) -> Result<u64, Failure> {
    store.write(sql::DELETE_TOKENS, &[user.into()]).await
}
