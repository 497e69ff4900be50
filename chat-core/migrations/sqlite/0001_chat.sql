-- Times are microseconds since 1970, thread ids the 16 bytes of a UUID. The twin of this file is the one for Postgres.

create table users (
    id          integer primary key autoincrement,
    username    text    not null,
    name_key    text    not null, -- the name in lower case: what search and uniqueness go by
    claims_name boolean not null, -- of several imported names that differ in letter case, the lowest id claims the key
    password    text    not null,
    active      boolean not null,
    created     bigint  not null,
    last_token  bigint  not null default 0 -- the number of his newest token: numbers are not given twice
);
create unique index users_username on users (username);
create unique index users_claim on users (name_key) where claims_name;
create index users_name_key on users (name_key, id);

create table tokens (
    hash      blob   not null primary key,
    user_id   bigint not null references users (id) on delete cascade,
    id        bigint not null, -- counts the tokens of its user
    name      text,
    created   bigint not null,
    last_used bigint not null, -- coarse; in no index, so that writing it costs little
    ttl       bigint -- microseconds without use after which it is void; none for those that never are
) without rowid;
create unique index tokens_user on tokens (user_id, id);

create table threads (
    seq       integer primary key autoincrement, -- the order they were made in
    id        blob    not null,
    user_low  bigint  not null references users (id),
    user_high bigint  references users (id), -- none in some imported threads
    canonical boolean not null, -- the one that opening a thread for its pair answers
    strangers boolean not null, -- whether others than its participants wrote in it: imported data alone has that
    created   bigint  not null,
    updated   bigint  not null,
    low_read  bigint  not null default 0, -- up to this message, what others sent is read by the one …
    high_read bigint  not null default 0, -- … and by the other
    check (user_low < user_high)
);
create unique index threads_id on threads (id);
create unique index threads_pair on threads (user_low, user_high) where canonical;
create index threads_heirs on threads (user_low, user_high, id) where not canonical;
create index threads_low on threads (user_low, seq);
create index threads_high on threads (user_high, seq);
create index threads_strangers on threads (id) where strangers;

create table messages (
    id        integer primary key autoincrement,
    thread    blob    not null references threads (id),
    sender    bigint  not null,
    text      text    not null,
    created   bigint  not null,
    user_low  bigint  not null, -- the thread's participants, copied so that indexes can begin with them
    user_high bigint,
    low_mark  integer not null, -- what it is to each of them: 0 read, 1 unread, 2 unread and his own
    high_mark integer not null,
    key       text,
    request   blob
);
create index messages_thread on messages (thread, id);
create index messages_low on messages (user_low, low_mark, id);
create index messages_high on messages (user_high, high_mark, id);
create unique index messages_key on messages (sender, key) where key is not null;

-- How many messages a user has, kept by every transaction that adds, changes or removes any.
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

-- Message ids are reserved by reading this row, so it must be there before the first message.
insert into sqlite_sequence (name, seq) values ('messages', 0);
