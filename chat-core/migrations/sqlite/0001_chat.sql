-- Times are microseconds since 1970. A thread id is the 16 bytes of a UUID. migrations/postgres has the same tables.

create table users (
    id          integer primary key autoincrement,
    username    text    not null,
    name_key    text    not null, -- the name in lower case; search and uniqueness use it
    owns_name_key boolean not null, -- imported names may differ in letter case only; of these, the user with the lowest id owns the key
    password    text    not null,
    active      boolean not null,
    created     bigint  not null,
    last_token  bigint  not null default 0 -- the id of the user's newest token; ids are never reused
);
create unique index users_username on users (username);
create unique index users_name_owner on users (name_key) where owns_name_key;
create index users_name_key on users (name_key, id);

create table tokens (
    hash      blob   not null primary key,
    user_id   bigint not null references users (id) on delete cascade,
    id        bigint not null, -- numbers the tokens of one user from 1
    name      text,
    created   bigint not null,
    last_used bigint not null, -- of low resolution; in no index, which keeps an update cheap
    ttl       bigint -- microseconds without use after which the token expires; null for a token that never does
) without rowid;
create unique index tokens_user on tokens (user_id, id);

create table threads (
    seq       integer primary key autoincrement, -- the order of creation
    id        blob    not null,
    user_low  bigint  not null references users (id),
    user_high bigint  references users (id), -- null in imported threads with one participant
    canonical boolean not null, -- whether opening a thread for this pair returns this one
    has_outside_senders boolean not null, -- whether a user who is not a participant sent messages; only imported threads have such
    created   bigint  not null,
    updated   bigint  not null,
    low_read  bigint  not null default 0, -- highest message id up to which user_low has read all messages of other senders
    high_read bigint  not null default 0, -- the same for user_high
    check (user_low < user_high)
);
create unique index threads_id on threads (id);
create unique index threads_pair on threads (user_low, user_high) where canonical;
create index threads_noncanonical on threads (user_low, user_high, id) where not canonical;
create index threads_low on threads (user_low, seq);
create index threads_high on threads (user_high, seq);
create index threads_outside_senders on threads (id) where has_outside_senders;

create table messages (
    id        integer primary key autoincrement,
    thread    blob    not null references threads (id),
    sender    bigint  not null,
    text      text    not null,
    created   bigint  not null,
    user_low  bigint  not null, -- the participants of the thread, copied so that an index can begin with them
    user_high bigint,
    low_mark  integer not null, -- state for each participant: 0 read, 1 unread, 2 unread and sent by the participant
    high_mark integer not null,
    key       text,
    request   blob
);
create index messages_thread on messages (thread, id);
create index messages_low on messages (user_low, low_mark, id);
create index messages_high on messages (user_high, high_mark, id);
create unique index messages_key on messages (sender, key) where key is not null;

-- Message counts of each user, updated by each transaction that adds, changes or removes messages.
create table counters (
    user_id         integer primary key,
    messages        bigint not null,
    unread          bigint not null,
    unread_incoming bigint not null
);

create table totals (
    name  text   not null primary key,
    count bigint not null
) without rowid;
insert into totals (name, count) values ('users', 0);

create table imports (
    digest blob   not null primary key,
    at     bigint not null
) without rowid;

-- Message ids are reserved by reading this row, so it must exist before the first message.
insert into sqlite_sequence (name, seq) values ('messages', 0);
