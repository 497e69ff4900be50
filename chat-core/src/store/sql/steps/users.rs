//! Users and their names.

use crate::store::sql::{
    dialect::{Dialect, ReadClass},
    failure::Failure,
    message_operations::WriteMessages,
    rows, statements as sql,
    tx::{Transaction, TxOutcome},
    value::{Columns, saturating_i64, saturating_u64},
};
use crate::{
    api::{Participants, User, UserId},
    store::{Account, Counted, EnsuredUser, NewUser, PasswordHash, RevokeTokens, Slice},
};

/// Returns the key by which names are compared and searched.
///
/// A search compares prefixes: if a text is a prefix of a name, its key must be a prefix of the name's key. Therefore
/// each character is converted to lowercase separately. `str::to_lowercase` converts a sigma at the end of a word
/// differently.
pub(crate) fn name_key(name: &str) -> String {
    name.chars().flat_map(char::to_lowercase).collect()
}

/// Returns whether a user can have this name.
///
/// Postgres stores no text with a NUL character.
fn is_storable(name: &str) -> bool {
    !name.contains('\0')
}

/// Adds a user and returns the new id.
pub(crate) async fn insert<X: Transaction>(tx: &mut X, user: &NewUser) -> Result<TxOutcome<UserId>, Failure> {
    let key = name_key(&user.username);
    let args = [(&*user.username).into(), (&*key).into(), user.password.expose().into(), user.created.into()];
    let id = tx.one(sql::INSERT_USER, &args).await?.int(0)?;
    tx.run_one(sql::COUNT_USERS, &[1.into()]).await?;
    Ok(TxOutcome::Commit(UserId::new(id)))
}

/// Adds a user with a given id, or renames the user who has it.
pub(crate) async fn ensure<X: WriteMessages>(
    tx: &mut X,
    user: &EnsuredUser,
) -> Result<TxOutcome<()>, Failure> {
    let key = name_key(&user.username);
    tx.run_optional(X::SQL.lock_user_ids).await?;
    match tx.first(X::SQL.lock_user, &[user.id.into()]).await? {
        Some(row) if row.text(1)? == user.username => return Ok(TxOutcome::RollBack(())),
        Some(row) => {
            let old_key = row.text(2)?;
            tx.run_one(sql::RENAME_USER, &[user.id.into(), (&*user.username).into(), (&*key).into()]).await?;
            if old_key != key {
                tx.run(sql::PROMOTE_NAME_OWNER, &[(&*old_key).into()]).await?;
            }
        }
        None => {
            let args = [
                user.id.into(),
                (&*user.username).into(),
                (&*key).into(),
                PasswordHash::UNUSABLE.into(),
                user.created.into(),
            ];
            tx.run_one(sql::INSERT_USER_WITH_ID, &args).await?;
            tx.run_optional(X::SQL.sync_user_id_sequence).await?;
            tx.run_one(sql::COUNT_USERS, &[1.into()]).await?;
            // The id may be reused: bump the list version so that pages cached for the previous user cannot match.
            tx.touch_lists(Participants::one(user.id)).await?;
        }
    }
    Ok(TxOutcome::Commit(()))
}

/// Returns the user with this id.
pub(crate) async fn account<D: Dialect>(database: &D, id: UserId) -> Result<Option<Account>, Failure> {
    database.read_first(sql::ACCOUNT, &[id.into()], |row| rows::account(row)).await
}

/// Returns the user with exactly this name.
pub(crate) async fn account_by_name<D: Dialect>(
    database: &D,
    name: &str,
) -> Result<Option<Account>, Failure> {
    if !is_storable(name) {
        return Ok(None);
    }
    database.read_first(sql::ACCOUNT_BY_NAME, &[name.into()], |row| rows::account(row)).await
}

/// Returns whether a user has this name, compared case-insensitively.
pub(crate) async fn is_name_taken<D: Dialect>(database: &D, name: &str) -> Result<bool, Failure> {
    if !is_storable(name) {
        return Ok(false);
    }
    Ok(database.read_first(sql::NAME_HOLDER, &[(&*name_key(name)).into()], |_| Ok(())).await?.is_some())
}

/// Returns at most `limit` users with ids above `after`, by ascending id.
pub(crate) async fn accounts<D: Dialect>(
    database: &D,
    after: Option<UserId>,
    limit: u64,
) -> Result<Vec<Account>, Failure> {
    let after = after.map_or(i64::MIN, UserId::get);
    let args = [after.into(), saturating_i64(limit).into()];
    database.read(ReadClass::of(limit, 0), sql::ACCOUNTS, &args, |row| rows::account(row)).await
}

/// Returns a part of the users whose names begin with `search`, ordered by name.
pub(crate) async fn page<D: Dialect>(
    database: &D,
    search: &str,
    slice: Slice,
) -> Result<Counted<User>, Failure> {
    if !is_storable(search) {
        return Ok(Counted { count: 0, items: Vec::new() });
    }
    let (limit, offset) = (saturating_i64(slice.limit).into(), saturating_i64(slice.offset).into());
    // An empty page is one row with a count and no user.
    let entry = |row: &dyn Columns| {
        let user = row.opt_int(1)?.map(|_| rows::user(row)).transpose()?;
        Ok((row.int(0)?, user))
    };
    let entries = if search.is_empty() {
        database.read(ReadClass::of(slice.limit, slice.offset), sql::USERS, &[limit, offset], entry).await?
    } else {
        let from = name_key(search);
        let to = after_prefix(&from);
        let args = [limit, offset, (&*from).into(), (&*to).into()];
        // The statement counts every name with the prefix.
        database.read(ReadClass::Long, sql::USERS_FOUND, &args, entry).await?
    };
    let count = entries.first().map_or(0, |(count, _)| *count);
    Ok(Counted {
        count: saturating_u64(count),
        items: entries.into_iter().filter_map(|(_, user)| user).collect(),
    })
}

/// Returns the end of the range of texts that begin with `prefix`.
///
/// A text begins with `prefix` if and only if it sorts at or after `prefix` and before this end. A prefix that has only
/// the character U+10FFFF is an exception: it has no such end.
fn after_prefix(prefix: &str) -> String {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        // The surrogates between these two are not characters.
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            end.push(next);
            return end;
        }
    }
    format!("{prefix}{}", char::MAX)
}

/// A new password.
#[derive(Debug)]
pub(crate) struct PasswordChange {
    pub(crate) user: UserId,
    /// The hash to replace; any hash if `None`.
    pub(crate) expected: Option<PasswordHash>,
    pub(crate) new: PasswordHash,
    pub(crate) revoke: RevokeTokens,
}

/// Replaces the password hash of a user and revokes tokens.
///
/// Returns `false` if there is no such user, or if the current hash is not the expected one.
pub(crate) async fn set_password<X: Transaction>(
    tx: &mut X,
    change: &PasswordChange,
) -> Result<TxOutcome<bool>, Failure> {
    let PasswordChange { user, expected, new, revoke } = change;
    let user = *user;
    let changed = match expected {
        None => tx.run(sql::SET_PASSWORD, &[user.into(), new.expose().into()]).await?,
        Some(old) => {
            tx.run(sql::SET_PASSWORD_IF, &[user.into(), new.expose().into(), old.expose().into()]).await?
        }
    };
    if changed == 0 {
        return Ok(TxOutcome::RollBack(false));
    }
    match revoke {
        RevokeTokens::None => 0,
        RevokeTokens::All => tx.run(sql::DELETE_TOKENS, &[user.into()]).await?,
        RevokeTokens::AllExcept(keep) => {
            tx.run(sql::DELETE_OTHER_TOKENS, &[user.into(), (&keep.0).into()]).await?
        }
    };
    Ok(TxOutcome::Commit(true))
}

/// Enables or disables a user. Returns `false` if there is no such user.
pub(crate) async fn set_active<X: Transaction>(
    tx: &mut X,
    user: UserId,
    active: bool,
) -> Result<TxOutcome<bool>, Failure> {
    Ok(TxOutcome::Commit(tx.run(sql::SET_ACTIVE, &[user.into(), active.into()]).await? > 0))
}

/// Removes a user with everything that belongs to them.
///
/// Returns `false` if there is no such user.
pub(crate) async fn remove<X: WriteMessages>(tx: &mut X, user: UserId) -> Result<TxOutcome<bool>, Failure> {
    tx.enter_bulk_mode().await?;
    let Some(row) = tx.first(sql::LOCK_USER_FOR_REMOVAL, &[user.into()]).await? else {
        return Ok(TxOutcome::RollBack(false));
    };
    tx.delete_messages_of_user(user).await?;
    tx.run(sql::DELETE_THREADS_OF, &[user.into()]).await?;
    tx.run(sql::DELETE_TOKENS, &[user.into()]).await?;
    tx.run_one(sql::DELETE_USER, &[user.into()]).await?;
    tx.run(sql::PROMOTE_NAME_OWNER, &[(&*row.text(0)?).into()]).await?;
    tx.run_one(sql::COUNT_USERS, &[(-1).into()]).await?;
    Ok(TxOutcome::Commit(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_of_a_prefix_ends_before_the_next_text() {
        assert_eq!(after_prefix("ab"), "ac");
        assert_eq!(after_prefix("a\u{10ffff}"), "b");
        assert_eq!(after_prefix("\u{d7ff}"), "\u{e000}");
        assert!(*after_prefix("\u{10ffff}") > *"\u{10ffff}a");
    }

    #[test]
    fn a_prefix_of_a_name_is_a_prefix_of_its_key() {
        let name = "ΟΔΟΣΑ";
        for length in 0..name.chars().count() {
            let prefix: String = name.chars().take(length).collect();
            assert!(name_key(name).starts_with(&name_key(&prefix)), "{prefix}");
        }
    }
}
