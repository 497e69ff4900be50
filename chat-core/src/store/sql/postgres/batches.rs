//! Batches of messages and of read marks, each as one statement.
//!
//! The statement commits by itself. On Postgres each statement is a round trip, so a batch is one statement instead of
//! eight.

use super::Postgres;
use crate::{
    api::{Message, MessageId, UserId},
    store::{
        Changed, NewMessage, Result as StoreResult, Sent, StoreError,
        sql::{
            failure::{Failure, Internal},
            rows,
            statements::statements,
            value::{Column, Columns, Table},
        },
    },
};
use std::collections::HashMap;

statements! {
    /// Inserts messages `(thread, sender, text, created, is_read, key, request)`.
    ///
    /// Returns one row for each message whose sender is a participant. The first columns are its 1-based position, the
    /// id, the participants, and the position of the message that owns its key. If a message of an earlier batch
    /// already has the key, the last columns are the request and the fields of that message.
    ///
    /// `allowed` repeats [`policy::can_send`](crate::policy::can_send).
    ///
    /// The dependencies between the parts ensure the lock order. `allowed` needs the number of rows of `held`, so all
    /// threads are locked before `placed` draws the first id. Within a thread, a higher id is therefore a later commit.
    /// `counted` reads from `added`, so it runs after the messages are inserted. It locks counters by ascending user
    /// id.
    ///
    /// All parts see the snapshot at the start of the statement. The exception is rows that they lock or change. They
    /// see the current version of these rows, and skip deleted ones. `used` therefore lacks a key that another
    /// transaction commits in the meantime. Then the unique index refuses the insert, and a retry of the statement
    /// finds the key.
    ///
    /// No foreign key checks the thread of a message. While another transaction deletes the thread, `held` waits, and
    /// then lacks it. While `held` has its lock, a deletion waits, and then deletes the new message too.
    SEND = "with wanted as materialized ( \
             select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::boolean[], $6::text[], \
                 $7::bytea[]) with ordinality as w(thread, sender, text, created, is_read, key, request, place) \
         ), held as materialized ( \
             select id, user_low, user_high from threads where id = any($1::uuid[]) order by id for no key update \
         ), allowed as materialized ( \
             select wanted.*, user_low, user_high, case when key is null then place \
                 else min(place) over (partition by sender, key) end as owner \
             from wanted join held on held.id = wanted.thread and wanted.sender in (user_low, user_high) \
             where (select count(*) from held) > 0 \
         ), used as materialized ( \
             select allowed.place, m.id, m.sender, m.thread, m.text, m.created, m.low_mark = 0 as is_read, m.request \
             from allowed join messages m on m.sender = allowed.sender and m.key = allowed.key \
             where allowed.key is not null \
         ), placed as materialized ( \
             select nextval('messages_id_seq') as id, ordered.* from ( \
                 select * from allowed where place = owner and place not in (select place from used) \
                 order by place) ordered \
         ), added as ( \
             insert into messages \
                 (id, thread, sender, text, created, user_low, user_high, low_mark, high_mark, key, request) \
             select id, thread, sender, text, created, user_low, user_high, \
                 case when is_read then 0 when sender = user_low then 2 else 1 end, \
                 case when is_read then 0 when sender = user_high then 2 else 1 end, key, request \
             from placed returning user_low, user_high, low_mark, high_mark \
         ), moved as ( \
             update threads set updated = greatest(latest.created, threads.updated + 1) \
             from (select thread, max(created) as created from placed group by thread) latest \
             where threads.id = latest.thread \
         ), counted as ( \
             insert into counters (user_id, messages, unread, unread_incoming) \
             select user_id, count(*), count(*) filter (where mark > 0), count(*) filter (where mark = 1) from ( \
                 select user_low as user_id, low_mark as mark from added \
                 union all select user_high, high_mark from added where user_high is not null) sides \
             group by user_id order by user_id \
             on conflict (user_id) do update set messages = counters.messages + excluded.messages, \
                 unread = counters.unread + excluded.unread, \
                 unread_incoming = counters.unread_incoming + excluded.unread_incoming, version = excluded.version \
         ) select allowed.place, placed.id, allowed.user_low, allowed.user_high, allowed.owner, used.request, \
             used.id, used.sender, used.thread, used.text, used.created, used.is_read \
         from allowed left join placed on placed.place = allowed.owner left join used on used.place = allowed.place";

    /// Marks messages `(caller, id)` as read.
    ///
    /// Returns one row for each message whose caller is a participant. The columns are its 1-based position, the
    /// message, and the participants.
    ///
    /// `visible` repeats [`policy::can_mark_read`](crate::policy::can_mark_read).
    ///
    /// As in `SEND`, the dependencies between the parts ensure the lock order: `visible` has no rows before all threads
    /// are locked, and counters are locked last, by ascending user id. If a message changes while the statement waits
    /// for the lock of its thread, its earlier version is returned. If it is marked or deleted in the meantime, it is
    /// not marked again.
    MARK = "with asked as materialized ( \
             select * from unnest($1::bigint[], $2::bigint[]) with ordinality as a(caller, id, place) \
         ), held as materialized ( \
             select id from threads where id in (select thread from messages where id = any($2::bigint[])) \
             order by id for no key update \
         ), visible as materialized ( \
             select place, m.id, sender, thread, text, created, low_mark, user_low, user_high \
             from asked join messages m on m.id = asked.id and asked.caller in (user_low, user_high) \
             where (select count(*) from held) > 0 \
         ), marked as ( \
             update messages set low_mark = 0, high_mark = 0 \
             where id in (select id from visible where low_mark > 0) and low_mark > 0 \
             returning sender, user_low, user_high \
         ), counted as ( \
             insert into counters (user_id, messages, unread, unread_incoming) \
             select user_id, 0, -count(*), -count(*) filter (where user_id <> sender) from ( \
                 select user_low as user_id, sender from marked \
                 union all select user_high, sender from marked where user_high is not null) sides \
             group by user_id order by user_id \
             on conflict (user_id) do update set unread = counters.unread + excluded.unread, \
                 unread_incoming = counters.unread_incoming + excluded.unread_incoming, version = excluded.version \
         ) select place, id, sender, thread, text, created, true, user_low, user_high from visible";

    LIST_VERSIONS = "select user_id, version from counters where user_id = any($1::bigint[])";
}

/// Inserts messages and returns one outcome for each, in order.
pub(super) async fn insert(
    database: &Postgres,
    messages: &[NewMessage],
) -> Result<Vec<StoreResult<Sent>>, Failure> {
    let table = Table::new([
        Column::Uuids(messages.iter().map(|m| m.thread.get()).collect()),
        Column::Ints(messages.iter().map(|m| m.sender.get()).collect()),
        Column::Texts(messages.iter().map(|m| &*m.text).collect()),
        Column::Ints(messages.iter().map(|m| m.created.as_micros()).collect()),
        Column::Bools(messages.iter().map(|m| m.is_read).collect()),
        Column::OptTexts(messages.iter().map(|m| m.key.as_ref().map(|key| &*key.key)).collect()),
        Column::OptBytes(messages.iter().map(|m| m.key.as_ref().map(|key| &key.request[..])).collect()),
    ])?;
    let rows = database.write_statement(SEND, &table, |row| Ok((row.int(0)?, outcome(row, messages)?)));
    let mut outcomes: HashMap<i64, StoreResult<Sent>> = rows.await?.into_iter().collect();
    let no_thread = || Err(StoreError::NotFound);
    Ok((1..).zip(messages).map(|(place, _)| outcomes.remove(&place).unwrap_or_else(no_thread)).collect())
}

/// Reads the outcome of one message from a row of [`SEND`].
fn outcome(row: &dyn Columns, messages: &[NewMessage]) -> Result<StoreResult<Sent>, Failure> {
    let (place, owner) = (row.int(0)?, row.int(4)?);
    let at = |place: i64| usize::try_from(place - 1).ok().and_then(|index| messages.get(index));
    let (Some(wanted), Some(owned)) = (at(place), at(owner)) else { return Err(Internal::Outcomes.into()) };
    let participants = rows::participants(row, 2)?;
    let request = wanted.key.as_ref().map(|key| key.request);
    if row.opt_int(6)?.is_some() {
        let used = row.bytes(5)?;
        return Ok(if request.is_some_and(|request| used == request) {
            Ok(Sent { message: rows::message(row, 6)?, replayed: true, participants })
        } else {
            Err(StoreError::KeyReused)
        });
    }
    if request != owned.key.as_ref().map(|key| key.request) {
        return Ok(Err(StoreError::KeyReused));
    }
    let message = owned.to_message(MessageId::new(row.int(1)?));
    Ok(Ok(Sent { message, replayed: place != owner, participants }))
}

/// Marks messages as read and returns one outcome for each, in order.
pub(super) async fn mark_read(
    database: &Postgres,
    marks: &[(UserId, MessageId)],
) -> Result<Vec<StoreResult<Option<Changed<Message>>>>, Failure> {
    let table = Table::new([
        Column::Ints(marks.iter().map(|(caller, _)| caller.get()).collect()),
        Column::Ints(marks.iter().map(|(_, id)| id.get()).collect()),
    ])?;
    let rows = database.write_statement(MARK, &table, |row| {
        let participants = rows::participants(row, 7)?;
        Ok((row.int(0)?, Changed { value: rows::message(row, 1)?, participants }))
    });
    let mut marked: HashMap<i64, Changed<Message>> = rows.await?.into_iter().collect();
    Ok((1..).zip(marks).map(|(place, _)| Ok(marked.remove(&place))).collect())
}
