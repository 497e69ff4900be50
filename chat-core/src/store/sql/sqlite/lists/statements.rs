//! The statements on messages and lists.

use crate::store::sql::statements::statements;

/// The table `ids` of at most [`IDS`] ids, in the order of the parameters. A parameter without an id is null.
macro_rules! ids {
    () => {
        "with ids (id) as (values (?1), (?2), (?3), (?4), (?5), (?6), (?7), (?8), (?9), (?10), (?11), (?12), (?13), (?14), (?15), \
         (?16), (?17), (?18), (?19), (?20), (?21), (?22), (?23), (?24), (?25), (?26), (?27), (?28), (?29), \
         (?30), (?31), (?32), (?33), (?34), (?35), (?36), (?37), (?38), (?39), (?40), (?41), (?42), (?43), \
         (?44), (?45), (?46), (?47), (?48), (?49), (?50)) "
    };
}

/// The number of parameters of a statement that reads messages by their ids.
pub(super) const IDS: usize = 50;

statements! {
    /// The messages with ids from `?1` on.
    ARRIVALS_FROM = "select id, thread, sender, created, born_read, key from messages where id >= ?1 order by id";
    /// All messages, to build the lists. Runs once, after the migration.
    ALL_ARRIVALS = "select id, thread, sender, created, born_read, key from messages order by id";
    IMPORT_MESSAGE = "insert into messages (id, thread, sender, created, born_read, text) values (?1, ?2, ?3, ?4, \
         ?5, ?6)";
    SEND_MESSAGE = "insert into messages (id, thread, sender, created, born_read, key, request, text) values (?1, \
         ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    /// The time of the last message of each thread, after the migration.
    THREAD_TIMES = "select list, updated from lists where list > 0";
    INSERT_KEY = "insert into keys (sender, hash, id) values (?1, ?2, ?3)";
    /// The chunks that can have ids from `?3` on and below `?4`, oldest first.
    CHUNKS_ASCENDING = "select first, entries, ids from chunks where list = ?1 and part = ?2 and first < ?4 and \
         first >= coalesce((select max(first) from chunks where list = ?1 and part = ?2 and first <= ?3), 0) order \
         by first";
    /// The chunks that begin below `?3`, newest first.
    CHUNKS_DESCENDING = "select first, entries, ids from chunks where list = ?1 and part = ?2 and first < ?3 order \
         by first desc";
    INSERT_CHUNK = "insert into chunks (list, part, first, entries, ids) values (?1, ?2, ?3, ?4, ?5)";
    ANY_CHUNK = "select 1 from chunks where list = ?1 and part = ?2 limit 1";
    /// The only chunk that can have id `?3`.
    CHUNK_WITH = "select first, ids from chunks where list = ?1 and part = ?2 and first <= ?3 order by first desc \
         limit 1";
    DELETE_CHUNK = "delete from chunks where list = ?1 and part = ?2 and first = ?3";
    UPDATE_CHUNK = "update chunks set entries = ?4, ids = ?5 where list = ?1 and part = ?2 and first = ?3";
    THREADS_OF_USER = "select seq, id, user_low, user_high from threads where user_low = ?1 or user_high = ?1";
    THREADS_WITH_OUTSIDE_SENDERS = "select seq, id, user_low, user_high from threads where has_outside_senders";
    DELETE_KEY = "delete from keys where sender = ?1 and hash = ?2 and id = ?3";
    DELETE_KEYS_OF = "delete from keys where sender = ?1";
    /// Scans the table, which has at most about twice [`LIMIT`](super::LIMIT) rows.
    DELETE_MARKS_OF_THREAD = "delete from marks where thread = ?1";
    DELETE_MARKS_BELOW = "delete from marks where number < ?1";
    EDIT_TEXT = "update messages set text = ?2 where id = ?1";
    DELETE_ROW = "delete from messages where id = ?1 returning sender, key";
    IDS_OF_KEY = "select id from keys where sender = ?1 and hash = ?2";
    MESSAGE_WITH_KEY = "select thread, created, text, request from messages where id = ?1 and sender = ?2 and key = \
         ?3";
    INSERT_MARK = "insert into marks (number, message, thread, origin) values (?1, ?2, ?3, ?4)";
    // `cross join` keeps the order of the ids. One statement for many ids costs half as much as one for each id.
    MESSAGES_OF_THREAD = concat!(ids!(), "select m.id, m.sender, m.created, m.text from ids cross join messages m on m.id = ids.id");
    THREAD_CREATED = "select created from threads where seq = ?1";
    /// The same columns as `MESSAGES_OF_THREAD`, and the id of the thread of each message.
    MESSAGES_OF_THREADS = concat!(ids!(), "select m.id, m.sender, m.created, m.text, t.id from ids \
         cross join messages m on m.id = ids.id cross join threads t on t.seq = m.thread");
    MESSAGE_ROW = "select thread, sender, created, text from messages where id = ?1";
    STATE = "select next, behind, epoch from state";
    RAISE_WATERMARK = "update state set next = max(next, ?1), behind = max(behind, ?2)";
    KEEP_NUMBERS = "update state set next = max(next, ?1)";
    SET_EPOCH = "update state set epoch = ?1";
    /// A number that differs after a commit of another connection.
    DATA_VERSION = "pragma data_version";
    /// The marks with numbers from `?1` on.
    MARKS_FROM = "select number, message, thread, origin from marks where number >= ?1 order by number";
    LIST = "select upto, messages, unread_other, unread_own, unread_outside, updated, ids, unread_ids from lists \
         where list = ?1";
    SAVE_LIST = "insert or replace into lists (list, upto, messages, unread_other, unread_own, unread_outside, \
         updated, ids, unread_ids) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    DELETE_LIST = "delete from lists where list = ?1";
    DELETE_CHUNKS = "delete from chunks where list = ?1";
    THREAD_BY_ID = "select seq, user_low, user_high from threads where id = ?1";
    THREAD_BY_SEQ = "select id, user_low, user_high from threads where seq = ?1";
}
