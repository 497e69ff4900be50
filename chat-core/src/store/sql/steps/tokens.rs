//! Tokens.

use crate::store::sql::{
    dialect::{Dialect, ReadClass},
    failure::Failure,
    rows, statements as sql,
    tx::{Transaction, TxOutcome},
    value::{Column, Columns, Table},
};
use crate::{
    api::{Timestamp, TokenId, UserId},
    store::{MAX_USE_AHEAD, NewToken, StoreError, StoredToken, TokenHash, TokenOwner},
};

/// Adds a token, and returns the tokens of the same user that it revoked.
pub(crate) async fn insert<X: Transaction>(
    tx: &mut X,
    token: &NewToken,
    keep: u32,
) -> Result<TxOutcome<Vec<TokenHash>>, Failure> {
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
    tx.run_one(sql::INSERT_TOKEN, &args).await?;
    let others = i64::from(keep.saturating_sub(1));
    let latest = token.created.plus(MAX_USE_AHEAD);
    let args = [token.user.into(), hash, others.into(), token.created.into(), latest.into()];
    let evicted = tx.rows(sql::EVICT_TOKENS, &args).await?;
    let evicted = evicted.iter().map(|row| rows::token_hash(row, 0)).collect::<Result<_, _>>()?;
    Ok(TxOutcome::Commit(evicted))
}

/// Returns the owner of a token.
pub(crate) async fn owner<D: Dialect>(
    database: &D,
    token: &TokenHash,
) -> Result<Option<TokenOwner>, Failure> {
    let owner = |row: &dyn Columns| {
        Ok(TokenOwner {
            user: UserId::new(row.int(0)?),
            active: row.bool(1)?,
            last_used: Timestamp::from_micros(row.int(2)?),
            ttl: rows::ttl(row, 3)?,
        })
    };
    database.read_first(sql::TOKEN_OWNER, &[(&token.0).into()], owner).await
}

/// Returns the tokens of a user, newest first.
pub(crate) async fn list<D: Dialect>(database: &D, user: UserId) -> Result<Vec<StoredToken>, Failure> {
    database.read(ReadClass::Short, sql::TOKENS, &[user.into()], |row| rows::token(row)).await
}

/// Records when tokens were used.
pub(crate) async fn touch<X: Transaction>(
    tx: &mut X,
    uses: &[(TokenHash, Timestamp)],
) -> Result<TxOutcome<()>, Failure> {
    let table = Table::new([
        Column::OptBytes(uses.iter().map(|(token, _)| Some(&token.0[..])).collect()),
        Column::Ints(uses.iter().map(|(_, at)| at.as_micros()).collect()),
        Column::Ints(uses.iter().map(|(_, at)| at.plus(MAX_USE_AHEAD).as_micros()).collect()),
    ])?;
    tx.run_table(X::SQL.touch_tokens, &table).await?;
    Ok(TxOutcome::Commit(()))
}

/// Revokes a token. Returns `false` if there is no such token.
pub(crate) async fn delete<X: Transaction>(
    tx: &mut X,
    token: &TokenHash,
) -> Result<TxOutcome<bool>, Failure> {
    Ok(TxOutcome::Commit(tx.run(sql::DELETE_TOKEN, &[(&token.0).into()]).await? > 0))
}

/// Revokes a token of a user by its number.
pub(crate) async fn delete_by_id<X: Transaction>(
    tx: &mut X,
    user: UserId,
    id: TokenId,
) -> Result<TxOutcome<Option<TokenHash>>, Failure> {
    let Some(row) = tx.first(sql::DELETE_TOKEN_BY_ID, &[user.into(), id.into()]).await? else {
        return Ok(TxOutcome::RollBack(None));
    };
    Ok(TxOutcome::Commit(Some(rows::token_hash(&row, 0)?)))
}

/// Revokes all tokens of a user and returns their number.
pub(crate) async fn delete_all<X: Transaction>(tx: &mut X, user: UserId) -> Result<TxOutcome<u64>, Failure> {
    Ok(TxOutcome::Commit(tx.run(sql::DELETE_TOKENS, &[user.into()]).await?))
}
