-- Messages are appended, and their lists are written later: see chat-core/src/store/sql/sqlite/lists/mod.rs. Times are
-- microseconds since 1970. After this file, in the same transaction, the program builds the lists from the messages. A
-- watermark of 0 means that the lists are not built yet.

alter table messages rename to old_messages;
create table messages (
    id        integer primary key, -- drawn from the same sequence as marks.number: see state.next
    thread    integer not null,    -- threads.seq; a thread is deleted with its messages, so no foreign key checks it
    sender    integer not null,
    created   integer not null,
    born_read integer not null,    -- whether the message was read when it was sent; later marks are in the lists
    key       text,
    request   blob,
    text      text    not null     -- the last column, so that a scan of the others does not read a long text
);

insert into messages (id, thread, sender, created, born_read, key, request, text)
    select m.id, t.seq, m.sender, m.created, m.low_mark = 0, m.key, m.request, m.text
    from old_messages m join threads t on t.id = m.thread order by m.id;

-- The marks from the watermark on: see state.behind. Older ones are in all of their lists.
create table marks (
    number  integer primary key,
    message integer not null,
    thread  integer not null,
    origin  integer not null
);

-- The lists of threads and users.
create table lists (
    list           integer primary key, -- threads.seq of a thread; -1 - users.id of a user
    upto           integer not null,    -- every change up to this number is in the list
    messages       integer not null,
    unread_other   integer not null,
    unread_own     integer not null,
    unread_outside integer not null,
    updated        integer not null,    -- of a thread: when its last message was added
    ids            blob    not null,    -- the newest messages; older ones are in chunks
    unread_ids     blob    not null
);

insert into lists (list, upto, messages, unread_other, unread_own, unread_outside, updated, ids, unread_ids)
    select seq, 0, 0, 0, 0, 0, updated, x'', x'' from threads;

-- The older ids of a list, in packed lists of about 400 bytes.
create table chunks (
    list    integer not null,
    part    integer not null, -- 0 all messages, 1 unread ones
    first   integer not null, -- no id in the chunk is lower
    entries integer not null,
    ids     blob    not null,
    primary key (list, part, first)
) without rowid;

-- Idempotency keys, written with the list of their sender.
create table keys (
    sender integer not null,
    hash   integer not null, -- the first 8 bytes of the key's SHA-256
    id     integer not null,
    primary key (sender, hash, id)
) without rowid;

create table state (
    one    integer primary key check (one = 1),
    next   integer not null, -- above the numbers of all rows that were deleted
    behind integer not null, -- the watermark: all changes with a lower number are in all of their lists
    epoch  integer not null  -- rises when lists are deleted or built anew
);
insert into state (one, next, behind, epoch)
    select 1, seq + 1, 0, 0 from sqlite_sequence where name = 'old_messages';

drop table old_messages;
drop table counters;
alter table threads drop column updated;
alter table threads drop column low_read;
alter table threads drop column high_read;
