//! Users: who is called what.

use crate::store::sql::{
    SqlStore, Tx,
    dialect::Dialect,
    failure::{Failure, no_row},
    rows, statements as sql,
    steps::counts::Counts,
    value::{Cells, saturating_i64, saturating_u64},
};
use crate::{
    api::{Participants, User, UserId},
    store::{Account, Counted, EnsuredUser, NewUser, PasswordHash, RevokeTokens, Slice},
};

/// What names are compared and searched by. Letter by letter: `str::to_lowercase` would look at a word's end, and a
/// prefix of a name would not be a prefix of its key.
pub(crate) fn name_key(name: &str) -> String {
    name.chars().flat_map(char::to_lowercase).collect()
}

/// Whether `name` could be somebody's. Postgres takes no text with this character.
fn is_storable(name: &str) -> bool {
    !name.contains('\0')
}

pub(crate) async fn insert<D: Dialect>(store: &SqlStore<D>, user: &NewUser) -> Result<UserId, Failure> {
    let key = name_key(&user.username);
    let args = [(&*user.username).into(), (&*key).into(), user.password.expose().into(), user.created.into()];
    let mut tx = store.begin().await?;
    let id = tx.first(sql::INSERT_USER, &args).await?.ok_or_else(no_row)?.int(0)?;
    tx.run(sql::COUNT_USERS, &[1.into()]).await?;
    tx.commit().await?;
    Ok(UserId::new(id))
}

pub(crate) async fn ensure<D: Dialect>(store: &SqlStore<D>, user: &EnsuredUser) -> Result<(), Failure> {
    let key = name_key(&user.username);
    let mut tx = store.begin().await?;
    tx.run_own(D::SQL.lock_user_ids).await?;
    match tx.first(D::SQL.lock_user, &[user.id.into()]).await? {
        Some(there) if there.text(1)? == user.username => return Ok(()),
        Some(there) => {
            let old_key = there.text(2)?;
            tx.run(sql::RENAME_USER, &[user.id.into(), (&*user.username).into(), (&*key).into()]).await?;
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
            tx.run(sql::INSERT_USER_WITH_ID, &args).await?;
            tx.run_own(D::SQL.sync_user_id_sequence).await?;
            tx.run(sql::COUNT_USERS, &[1.into()]).await?;
            // He may have been here before: his lists have another version than those of then.
            let mut counts = Counts::default();
            counts.touch(Participants::one(user.id));
            counts.write(&mut tx).await?;
        }
    }
    tx.commit().await
}

pub(crate) async fn account<D: Dialect>(store: &SqlStore<D>, id: UserId) -> Result<Option<Account>, Failure> {
    let row = store.read_first(sql::ACCOUNT, &[id.into()]).await?;
    Ok(row.map(|row| rows::account(&row)).transpose()?)
}

pub(crate) async fn account_by_name<D: Dialect>(
    store: &SqlStore<D>,
    name: &str,
) -> Result<Option<Account>, Failure> {
    if !is_storable(name) {
        return Ok(None);
    }
    let row = store.read_first(sql::ACCOUNT_BY_NAME, &[name.into()]).await?;
    Ok(row.map(|row| rows::account(&row)).transpose()?)
}

pub(crate) async fn is_name_taken<D: Dialect>(store: &SqlStore<D>, name: &str) -> Result<bool, Failure> {
    if !is_storable(name) {
        return Ok(false);
    }
    Ok(store.read_first(sql::NAME_HOLDER, &[(&*name_key(name)).into()]).await?.is_some())
}

pub(crate) async fn accounts<D: Dialect>(
    store: &SqlStore<D>,
    after: Option<UserId>,
    limit: u64,
) -> Result<Vec<Account>, Failure> {
    let after = after.map_or(i64::MIN, UserId::get);
    let rows = store.read(sql::ACCOUNTS, &[after.into(), saturating_i64(limit).into()]).await?;
    Ok(rows.iter().map(rows::account).collect::<Result<_, _>>()?)
}

pub(crate) async fn page<D: Dialect>(
    store: &SqlStore<D>,
    search: &str,
    slice: Slice,
) -> Result<Counted<User>, Failure> {
    if !is_storable(search) {
        return Ok(Counted { count: 0, items: Vec::new() });
    }
    let (limit, offset) = (saturating_i64(slice.limit).into(), saturating_i64(slice.offset).into());
    let rows = if search.is_empty() {
        store.read(sql::USERS, &[limit, offset]).await?
    } else {
        let from = name_key(search);
        let to = after_prefix(&from);
        store.read(sql::USERS_FOUND, &[limit, offset, (&*from).into(), (&*to).into()]).await?
    };
    let count = rows.first().map_or(Ok(0), |row| row.int(0))?;
    // The one row of an empty page has a count and no user.
    let found = rows.iter().filter(|row| !matches!(row.opt_int(1), Ok(None)));
    Ok(Counted { count: saturating_u64(count), items: found.map(rows::user).collect::<Result<_, _>>()? })
}

/// A text that follows everything that begins with `prefix`, and precedes everything else that follows it.
fn after_prefix(prefix: &str) -> String {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        // Between these two lie the surrogates, which are no characters.
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            end.push(next);
            return end;
        }
    }
    format!("{prefix}{}", char::MAX)
}

pub(crate) async fn set_password<D: Dialect>(
    store: &SqlStore<D>,
    user: UserId,
    expected: Option<&PasswordHash>,
    new: &PasswordHash,
    revoke: RevokeTokens,
) -> Result<bool, Failure> {
    let mut tx = store.begin().await?;
    let changed = match expected {
        None => tx.run(sql::SET_PASSWORD, &[user.into(), new.expose().into()]).await?,
        Some(old) => {
            tx.run(sql::SET_PASSWORD_IF, &[user.into(), new.expose().into(), old.expose().into()]).await?
        }
    };
    if changed == 0 {
        return Ok(false);
    }
    match revoke {
        RevokeTokens::None => 0,
        RevokeTokens::All => tx.run(sql::DELETE_TOKENS, &[user.into()]).await?,
        RevokeTokens::AllExcept(keep) => {
            tx.run(sql::DELETE_OTHER_TOKENS, &[user.into(), (&keep.0).into()]).await?
        }
    };
    tx.commit().await?;
    Ok(true)
}

pub(crate) async fn set_active<D: Dialect>(
    store: &SqlStore<D>,
    user: UserId,
    active: bool,
) -> Result<bool, Failure> {
    Ok(store.write(sql::SET_ACTIVE, &[user.into(), active.into()]).await? > 0)
}

pub(crate) async fn remove<D: Dialect>(store: &SqlStore<D>, user: UserId) -> Result<bool, Failure> {
    let mut tx = store.begin().await?;
    tx.enter_bulk_mode().await?;
    let Some(row) = tx.first(sql::LOCK_USER_FOR_REMOVAL, &[user.into()]).await? else {
        return Ok(false);
    };
    let mut counts = Counts::default();
    for thread in tx.rows(D::SQL.lock_threads_of_user, &[user.into()]).await? {
        counts.touch(rows::participants(&thread, 1)?);
    }
    remove_messages(&mut tx, user, &mut counts).await?;
    counts.forget(user);
    counts.write(&mut tx).await?;
    tx.run(sql::DELETE_THREADS_OF, &[user.into()]).await?;
    tx.run(sql::DELETE_COUNTERS, &[user.into()]).await?;
    tx.run(sql::DELETE_TOKENS, &[user.into()]).await?;
    tx.run(sql::DELETE_USER, &[user.into()]).await?;
    tx.run(sql::PROMOTE_NAME_OWNER, &[(&*row.text(0)?).into()]).await?;
    tx.run(sql::COUNT_USERS, &[(-1).into()]).await?;
    tx.commit().await?;
    Ok(true)
}

/// The messages of his threads, and those he wrote in others'.
async fn remove_messages<D: Dialect>(
    tx: &mut Tx<D>,
    user: UserId,
    counts: &mut Counts,
) -> Result<(), Failure> {
    for (tally, delete) in [
        (sql::COUNT_USER_MESSAGES, sql::DELETE_MESSAGES_OF),
        (sql::COUNT_OUTSIDE_SENDER, sql::DELETE_MESSAGES_OF_OUTSIDE_SENDER),
    ] {
        for row in tx.rows(tally, &[user.into()]).await? {
            counts.take_away(&row)?;
        }
        tx.run(delete, &[user.into()]).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix() {
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
