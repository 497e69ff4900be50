-- Written by the tests: each statement as the store sends it, but for line breaks.

-- INSERT_USER
insert into users (username, name_key, owns_name_key, password, active, created)
values ($1, $2, true, $3, true, $4)
returning id;

-- INSERT_USER_WITH_ID
insert into users (id, username, name_key, owns_name_key, password, active, created)
values ($1, $2, $3, true, $4, true, $5);

-- COUNT_USERS
update totals
set count = count + $1
where name = 'users';

-- ACCOUNT
select id, username, password, active, created
from users
where id = $1;

-- ACCOUNT_BY_NAME
select id, username, password, active, created
from users
where username = $1;

-- ACCOUNTS
select id, username, password, active, created
from users
where id > $1
order by id
limit $2;

-- NAME_HOLDER
select id
from users
where name_key = $1
and owns_name_key;

-- USERS
select t.count, u.id, u.username
from totals t
left join (select id, username
    from users
    order by username
    limit $1
    offset $2) u on t.name = 'users'
where t.name = 'users'
order by u.username;

-- USERS_FOUND
select c.count, u.id, u.username
from (select count(*) as count
    from users
    where name_key >= $3
    and name_key < $4) c
left join (select id, username
    from users
    where name_key >= $3
    and name_key < $4
    order by username
    limit $1
    offset $2) u on c.count > 0
order by u.username;

-- RENAME_USER
update users
set username = $2, name_key = $3, owns_name_key = true
where id = $1;

-- PROMOTE_NAME_OWNER
update users
set owns_name_key = true
where id = (select id
    from users
    where name_key = $1
    order by id
    limit 1);

-- SET_PASSWORD
update users
set password = $2
where id = $1;

-- SET_PASSWORD_IF
update users
set password = $2
where id = $1
and password = $3;

-- SET_ACTIVE
update users
set active = $2
where id = $1;

-- LOCK_USER_FOR_REMOVAL
update users
set active = false
where id = $1
returning name_key;

-- DELETE_USER
delete
from users
where id = $1;

-- NEXT_TOKEN_ID
update users
set last_token = last_token + 1
where id = $1
returning last_token;

-- INSERT_TOKEN
insert into tokens (hash, user_id, id, name, created, last_used, ttl)
values ($1, $2, $3, $4, $5, $5, $6);

-- EVICT_TOKENS
delete
from tokens
where user_id = $1
and hash <> $2
and (last_used + ttl <= $4
    or hash not in (select hash
        from tokens
        where user_id = $1
        and hash <> $2
        and (ttl is null or last_used + ttl > $4)
        order by case
        when last_used > $5 then 1
        else 0 end, last_used desc, id desc
        limit $3))
returning hash;

-- TOKEN_OWNER
select t.user_id, u.active, t.last_used, t.ttl
from tokens t
join users u on u.id = t.user_id
where t.hash = $1;

-- TOKENS
select id, hash, name, created, last_used, ttl
from tokens
where user_id = $1
order by id desc;

-- DELETE_TOKEN
delete
from tokens
where hash = $1;

-- DELETE_TOKEN_BY_ID
delete
from tokens
where user_id = $1
and id = $2
returning hash;

-- DELETE_TOKENS
delete
from tokens
where user_id = $1;

-- DELETE_OTHER_TOKENS
delete
from tokens
where user_id = $1
and hash <> $2;

-- CANONICAL_THREAD
select id
from threads
where user_low = $1
and user_high = $2
and canonical;

-- INSERT_THREAD
insert into threads (id, user_low, user_high, canonical, has_outside_senders, created, updated)
values ($1, $2, $3, true, false, $4, $4)
on conflict (user_low, user_high)
where canonical do nothing
returning id;

-- THREAD
select id, user_low, user_high, created, updated
from threads
where id = $1
and (user_low = $2 or user_high = $2);

-- THREAD_SEQ
select seq
from threads
where id = $1
and (user_low = $2 or user_high = $2);

-- DELETE_THREAD
delete
from threads
where id = $1;

-- DELETE_THREADS_OF
delete
from threads
where user_low = $1
or user_high = $1;

-- THREAD_MESSAGES_AFTER
select id, sender, thread, text, created, low_mark = 0
from messages
where thread = $1
and (user_low = $2 or user_high = $2)
and id > $3
order by id
limit $4;

-- THREAD_MESSAGES_BEFORE
select id, sender, thread, text, created, low_mark = 0
from messages
where thread = $1
and (user_low = $2 or user_high = $2)
and id < $3
order by id desc
limit $4;

-- THREAD_MESSAGES_BETWEEN
select id, sender, thread, text, created, low_mark = 0
from messages
where thread = $1
and (user_low = $2 or user_high = $2)
and id > $3
and id < $5
order by id
limit $4;

-- MESSAGE
select id, sender, thread, text, created, low_mark = 0
from messages
where id = $1
and (user_low = $2 or user_high = $2);

-- MESSAGE_WITH_PARTICIPANTS
select id, sender, thread, text, created, low_mark = 0, user_low, user_high
from messages
where id = $1
and (user_low = $2 or user_high = $2);

-- UPDATE_MESSAGE
update messages
set text = coalesce($2, text), low_mark = coalesce($3, low_mark), high_mark = coalesce($4, high_mark)
where id = $1;

-- DELETE_MESSAGE
delete
from messages
where id = $1;

-- READ_BY_LOW
update messages
set low_mark = 0, high_mark = 0
where thread = $1
and id > $2
and id <= $3
and low_mark = 1
and high_mark = $4;

-- READ_BY_HIGH
update messages
set low_mark = 0, high_mark = 0
where thread = $1
and id > $2
and id <= $3
and high_mark = 1
and low_mark = $4;

-- NEWEST_MESSAGE
select max(id)
from messages
where thread = $1;

-- SET_LOW_READ_POSITION
update threads
set low_read = $2
where id = $1;

-- SET_HIGH_READ_POSITION
update threads
set high_read = $2
where id = $1;

-- LOWER_READ_POSITIONS
update threads
set low_read = case
when low_read < $2 then low_read
else $2 - 1 end, high_read = case
when high_read < $2 then high_read
else $2 - 1 end
where id = $1
and (low_read >= $2 or high_read >= $2);

-- SET_IMPORTED_READ_POSITIONS
update threads
set low_read = coalesce( (select min(id) - 1
        from messages
        where thread = threads.id
        and low_mark = 1), (select max(id) from messages where thread = threads.id), 0), high_read = coalesce( (select min(id) - 1
        from messages
        where thread = threads.id
        and high_mark = 1), (select max(id) from messages where thread = threads.id), 0);

-- COUNT_THREAD_MESSAGES
select user_low, user_high, count(*), count(*) filter (where low_mark > 0), count(*) filter (where low_mark = 2),
    count(*) filter (where high_mark = 2)
from messages
where thread = $1
group by user_low, user_high;

-- COUNT_USER_MESSAGES
select user_low, user_high, count(*), count(*) filter (where low_mark > 0), count(*) filter (where low_mark = 2),
    count(*) filter (where high_mark = 2)
from messages
where (user_low = $1 or user_high = $1)
group by user_low, user_high;

-- COUNT_OUTSIDE_SENDER
select user_low, user_high, count(*), count(*) filter (where low_mark > 0), count(*) filter (where low_mark = 2),
    count(*) filter (where high_mark = 2)
from messages
where sender = $1
and thread in (select id from threads where has_outside_senders)
group by user_low, user_high;

-- DELETE_MESSAGES_IN
delete
from messages
where thread = $1;

-- DELETE_MESSAGES_OF
delete
from messages
where user_low = $1
or user_high = $1;

-- DELETE_MESSAGES_OF_OUTSIDE_SENDER
delete
from messages
where sender = $1
and thread in (select id from threads where has_outside_senders);

-- DELETE_COUNTERS
delete
from counters
where user_id = $1;

-- ANY_USER
select id
from users
limit 1;

-- IMPORTED
select at
from imports
where digest = $1;

-- INSERT_IMPORT
insert into imports (digest, at)
values ($1, $2);

-- ping
select count, false
from totals
where name = 'users';

-- pair_of_users
select id
from users
where id in ($1, $2)
order by id;

-- lock_user
select id, username, name_key
from users
where id = $1;

-- lock_thread
select id, user_low, user_high, canonical, has_outside_senders, low_read, high_read
from threads
where id = $1
and (user_low = $2 or user_high = $2);

-- lock_thread_of
select id
from threads
where id = (select thread
    from messages
    where id = $1
    and (user_low = $2 or user_high = $2));

-- lock_threads_of_user
select id, user_low, user_high
from threads
where user_low = $1
or user_high = $1
or (has_outside_senders
    and exists (select 1
        from messages
        where thread = threads.id
        and sender = $1))
order by id;

-- promote_canonical_thread
update threads
set canonical = true
where id = (select id
    from threads
    where user_low = $1
    and user_high = $2
    and not canonical
    order by id
    limit 1);

-- threads
select id, user_low, user_high, seq
from (select id, user_low, user_high, seq
    from threads
    where user_low = $1
    and seq > $2) low
union all
select id, user_low, user_high, seq
from (select id, user_low, user_high, seq
    from threads
    where user_high = $1
    and seq > $2) high
order by seq
limit $3;

-- messages
select (select messages from counters where user_id = $1), m.id, m.sender, m.thread, m.text,
    m.created, m.low_mark = 0
from (select 1 as one) o
left join (select id
    from (select id
        from (select id
            from messages
            where user_low = $1
            and low_mark = 1) low
        union all
        select id
        from (select id
            from messages
            where user_high = $1
            and high_mark = 1) high
        union all
        select id
        from (select id
            from messages
            where user_low = $1
            and low_mark = 2) low
        union all
        select id
        from (select id
            from messages
            where user_high = $1
            and high_mark = 2) high
        union all
        select id
        from (select id
            from messages
            where user_low = $1
            and low_mark = 0) low
        union all
        select id
        from (select id
            from messages
            where user_high = $1
            and high_mark = 0) high) every
    order by id
    limit case
    when $3 < (select messages from counters where user_id = $1) then $2
    else 0 end
    offset $3) page on o.one = 1
left join messages m on m.id = page.id
order by page.id;

-- unread
select (select unread from counters where user_id = $1), m.id, m.sender, m.thread, m.text, m.created,
    m.low_mark = 0
from (select 1 as one) o
left join (select id
    from (select id
        from (select id
            from messages
            where user_low = $1
            and low_mark = 1
            and id > $5) low
        union all
        select id
        from (select id
            from messages
            where user_high = $1
            and high_mark = 1
            and id > $5) high
        union all
        select id
        from (select id
            from messages
            where user_low = $1
            and low_mark = 2
            and id > $5) low
        union all
        select id
        from (select id
            from messages
            where user_high = $1
            and high_mark = 2
            and id > $5) high) every
    order by id
    limit case
    when $3 < (select unread from counters where user_id = $1) then $2
    else 0 end
    offset $3) page on o.one = 1
left join messages m on m.id = page.id
order by page.id;

-- unread_incoming
select (select unread_incoming from counters where user_id = $1), m.id, m.sender, m.thread,
    m.text, m.created, m.low_mark = 0
from (select 1 as one) o
left join (select id
    from (select id
        from (select id
            from messages
            where user_low = $1
            and low_mark = 1
            and id > $5) low
        union all
        select id
        from (select id
            from messages
            where user_high = $1
            and high_mark = 1
            and id > $5) high) every
    order by id
    limit case
    when $3 < (select unread_incoming from counters where user_id = $1) then $2
    else 0 end
    offset $3) page on o.one = 1
left join messages m on m.id = page.id
order by page.id;

-- insert_messages
insert into messages (id, thread, sender, text, created, user_low, user_high, low_mark, high_mark,
        key, request)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- add_counts
insert into counters (user_id, messages, unread, unread_incoming)
values ($1, $2, $3, $4)
on conflict (user_id)
do update set messages = counters.messages + excluded.messages, unread = counters.unread + excluded.unread,
    unread_incoming = counters.unread_incoming + excluded.unread_incoming;

-- touch_tokens
update tokens
set last_used = $2
where hash = $1
and not last_used between $2
and $3;

-- import_users
insert into users (id, username, name_key, owns_name_key, password, active, created, last_token)
values ($1, $2, $3, $4, $5, $6, $7, $8);

-- import_tokens
insert into tokens (hash, user_id, id, created, last_used)
values ($1, $2, $3, $4, $5);

-- import_threads
insert into threads (id, user_low, user_high, canonical, has_outside_senders, created, updated)
values ($1, $2, $3, $4, $5, $6, $7);

-- RESERVE_MESSAGE_IDS
select seq + 1, seq + $1
from sqlite_sequence
where name = 'messages';

-- THREAD_PARTICIPANTS
select id, user_low, user_high
from threads
where id = $1;

-- MESSAGE_BY_ID
select id, sender, thread, text, created, low_mark = 0, user_low, user_high
from messages
where id = $1;

-- MESSAGE_BY_KEY
select m.id, m.sender, m.thread, m.text, m.created, m.low_mark = 0, m.key, m.request
from messages m
where m.sender = $1
and m.key = $2
and m.key is not null;

-- TOUCH_THREAD
update threads
set updated = max($2, updated + 1)
where id = $1;

-- MARK_READ
update messages
set low_mark = 0, high_mark = 0
where id = $1;
