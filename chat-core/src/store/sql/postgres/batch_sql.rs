//! Adding messages, and marking them as read, in a single statement for many callers.

/// Messages `(thread, sender, text, created, is_read, key, request)`, in their order: their places, from 1 on, and ids,
/// of those that were added. That is all whose threads are their senders'; but none when a key among them is in use,
/// which is for others to answer.
///
/// Its parts need each other in the order of a transaction's locks. `held` has all threads before `placed` draws the
/// first id, since the count of them has to be known: so that a higher id in a thread is a later commit. `counted`
/// takes from `added`, so that it comes after the messages, and takes users in their order.
///
/// All parts see the database as it was when the statement began, but for rows that it locks or changes: these it takes
/// as they are by then, gone ones as gone.
pub(crate) const SEND: &str = "with wanted as materialized ( \
         select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::boolean[], $6::text[], \
             $7::bytea[]) with ordinality as w(thread, sender, text, created, is_read, key, request, place) \
     ), held as materialized ( \
         select id, user_low, user_high from threads where id = any($1::uuid[]) order by id for no key update \
     ), placed as materialized ( \
         select nextval('messages_id_seq') as id, ordered.* from ( \
             select wanted.*, user_low, user_high from wanted \
             join held on held.id = wanted.thread and wanted.sender in (user_low, user_high) \
             where (select count(*) from held) > 0 and not exists ( \
                 select 1 from wanted w join messages m on m.sender = w.sender and m.key = w.key \
                 where w.key is not null) \
             order by place) ordered \
     ), added as ( \
         insert into messages \
             (id, thread, sender, text, created, user_low, user_high, low_mark, high_mark, key, request) \
         select id, thread, sender, text, created, user_low, user_high, \
             case when is_read then 0 when sender = user_low then 2 else 1 end, \
             case when is_read then 0 when sender = user_high then 2 else 1 end, key, request \
         from placed returning user_low, user_high, low_mark, high_mark \
     ), moved as ( \
         update threads set updated = latest.created \
         from (select thread, max(created) as created from placed group by thread) latest \
         where threads.id = latest.thread and threads.updated < latest.created \
     ), counted as ( \
         insert into counters (user_id, messages, unread, unread_incoming) \
         select user_id, count(*), count(*) filter (where mark > 0), count(*) filter (where mark = 1) from ( \
             select user_low as user_id, low_mark as mark from added \
             union all select user_high, high_mark from added where user_high is not null) sides \
         group by user_id order by user_id \
         on conflict (user_id) do update set messages = counters.messages + excluded.messages, \
             unread = counters.unread + excluded.unread, \
             unread_incoming = counters.unread_incoming + excluded.unread_incoming, version = excluded.version \
     ) select place, id, user_low, user_high from placed";

/// Marks messages `(caller, id)` as read: the places, from 1 on, of those that are their callers', and the messages.
///
/// Its parts follow each other as those of [`SEND`] do: `his` has no rows before all threads are locked, and users come
/// last, in their order. A message that is changed while this waits for its thread is answered as it was before; what
/// was marked, or deleted, meanwhile is not `marked` again.
pub(crate) const MARK: &str = "with asked as materialized ( \
         select * from unnest($1::bigint[], $2::bigint[]) with ordinality as a(caller, id, place) \
     ), held as materialized ( \
         select id from threads where id in (select thread from messages where id = any($2::bigint[])) \
         order by id for no key update \
     ), his as materialized ( \
         select place, m.id, sender, thread, text, created, low_mark, user_low, user_high \
         from asked join messages m on m.id = asked.id and asked.caller in (user_low, user_high) \
         where (select count(*) from held) > 0 \
     ), marked as ( \
         update messages set low_mark = 0, high_mark = 0 \
         where id in (select id from his where low_mark > 0) and low_mark > 0 \
         returning sender, user_low, user_high \
     ), counted as ( \
         insert into counters (user_id, messages, unread, unread_incoming) \
         select user_id, 0, -count(*), -count(*) filter (where user_id <> sender) from ( \
             select user_low as user_id, sender from marked \
             union all select user_high, sender from marked where user_high is not null) sides \
         group by user_id order by user_id \
         on conflict (user_id) do update set unread = counters.unread + excluded.unread, \
             unread_incoming = counters.unread_incoming + excluded.unread_incoming, version = excluded.version \
     ) select place, id, sender, thread, text, created, true, user_low, user_high from his";
