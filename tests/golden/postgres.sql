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

-- lock_user_ids
lock table users in share row exclusive mode;

-- sync_user_id_sequence
select setval('users_id_seq', greatest((select last_value from users_id_seq), (select max(id) from users)))
where exists (select 1 from users);

-- ping
select count, current_setting('transaction_read_only') = 'on'
from totals
where name = 'users';

-- pair_of_users
select id
from users
where id in ($1, $2)
order by id
for share;

-- lock_user
select id, username, name_key
from users
where id = $1
for no key update;

-- insert_thread
insert into threads (id, user_low, user_high, canonical, has_outside_senders, created, updated)
values ($1, $2, $3, true, false, $4, $4)
on conflict (user_low, user_high)
where canonical do nothing
returning id;

-- promote_canonical_thread
update threads
set canonical = true
where id = (select id
    from threads
    where user_low = $1
    and user_high = $2
    and not canonical
    order by id
    limit 1
    for no key update);

-- threads
select id, user_low, user_high, seq
from (select id, user_low, user_high, seq
    from threads
    where user_low = $1
    and seq > $2
    order by seq
    limit $3) low
union all
select id, user_low, user_high, seq
from (select id, user_low, user_high, seq
    from threads
    where user_high = $1
    and seq > $2
    order by seq
    limit $3) high
order by seq
limit $3;

-- touch_tokens
update tokens
set last_used = b.last_used
from (select *
    from unnest($1::bytea[], $2::bigint[], $3::bigint[])) as b(hash, last_used, latest)
where tokens.hash = b.hash
and not tokens.last_used between b.last_used
and b.latest;

-- import_users
insert into users (id, username, name_key, owns_name_key, password, active, created, last_token)
select *
from unnest($1::bigint[], $2::text[], $3::text[], $4::boolean[], $5::text[], $6::boolean[],
        $7::bigint[], $8::bigint[]);

-- import_tokens
insert into tokens (hash, user_id, id, created, last_used)
select *
from unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]);

-- import_threads
insert into threads (id, user_low, user_high, canonical, has_outside_senders, created, updated)
select id, user_low, user_high, canonical, has_outside_senders, created, updated
from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::boolean[], $5::boolean[], $6::bigint[],
        $7::bigint[])
with ordinality as batch(id, user_low, user_high, canonical, has_outside_senders, created,
        updated, place)
order by place;

-- SEND
with wanted as materialized (
    select *
    from unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::boolean[], $6::text[],
            $7::bytea[])
    with ordinality as w(thread, sender, text, created, is_read, key, request, place) ), held as materialized (
    select id, user_low, user_high
    from threads
    where id = any($1::uuid[])
    order by id
    for no key update ), allowed as materialized (
    select wanted.*, user_low, user_high, case
    when key is null then place
    else min(place) over (partition by sender, key) end as owner
    from wanted
    join held on held.id = wanted.thread
    and wanted.sender in (user_low, user_high)
    where (select count(*) from held) > 0 ), used as materialized (
    select allowed.place, m.id, m.sender, m.thread, m.text, m.created, m.low_mark = 0 as is_read,
        m.request
    from allowed
    join messages m on m.sender = allowed.sender
    and m.key = allowed.key
    where allowed.key is not null ), placed as materialized (
    select nextval('messages_id_seq') as id, ordered.*
    from (
        select *
        from allowed
        where place = owner
        and place not in (select place from used)
        order by place) ordered ), added as (
    insert into messages (id, thread, sender, text, created, user_low, user_high, low_mark,
            high_mark, key, request)
    select id, thread, sender, text, created, user_low, user_high, case
    when is_read then 0
    when sender = user_low then 2
    else 1 end, case
    when is_read then 0
    when sender = user_high then 2
    else 1 end, key, request
    from placed
    returning user_low, user_high, low_mark, high_mark ), moved as (
    update threads
    set updated = greatest(latest.created, threads.updated + 1)
    from (select thread, max(created) as created
        from placed
        group by thread) latest
    where threads.id = latest.thread ), counted as (
    insert into counters (user_id, messages, unread, unread_incoming)
    select user_id, count(*), count(*) filter (where mark > 0), count(*) filter (where mark = 1)
    from (
        select user_low as user_id, low_mark as mark
        from added
        union all
        select user_high, high_mark
        from added
        where user_high is not null) sides
    group by user_id
    order by user_id
    on conflict (user_id)
    do update set messages = counters.messages + excluded.messages, unread = counters.unread + excluded.unread,
        unread_incoming = counters.unread_incoming + excluded.unread_incoming, version = excluded.version )
select allowed.place, placed.id, allowed.user_low, allowed.user_high, allowed.owner, used.request,
    used.id, used.sender, used.thread, used.text, used.created, used.is_read
from allowed
left join placed on placed.place = allowed.owner
left join used on used.place = allowed.place;

-- MARK
with asked as materialized (
    select *
    from unnest($1::bigint[], $2::bigint[])
    with ordinality as a(caller, id, place) ), held as materialized (
    select id
    from threads
    where id in (select thread from messages where id = any($2::bigint[]))
    order by id
    for no key update ), visible as materialized (
    select place, m.id, sender, thread, text, created, low_mark, user_low, user_high
    from asked
    join messages m on m.id = asked.id
    and asked.caller in (user_low, user_high)
    where (select count(*) from held) > 0 ), marked as (
    update messages
    set low_mark = 0, high_mark = 0
    where id in (select id from visible where low_mark > 0)
    and low_mark > 0
    returning sender, user_low, user_high ), counted as (
    insert into counters (user_id, messages, unread, unread_incoming)
    select user_id, 0, -count(*), -count(*) filter (where user_id <> sender)
    from (
        select user_low as user_id, sender
        from marked
        union all
        select user_high, sender
        from marked
        where user_high is not null) sides
    group by user_id
    order by user_id
    on conflict (user_id)
    do update set unread = counters.unread + excluded.unread, unread_incoming = counters.unread_incoming + excluded.unread_incoming,
        version = excluded.version )
select place, id, sender, thread, text, created, true, user_low, user_high
from visible;

-- LIST_VERSIONS
select user_id, version
from counters
where user_id = any($1::bigint[]);

-- THREAD
select id, user_low, user_high, created, updated
from threads
where id = $1
and (user_low = $2 or user_high = $2);

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

-- LOCK_THREAD
select id, user_low, user_high, canonical, has_outside_senders, low_read, high_read
from threads
where id = $1
and (user_low = $2 or user_high = $2)
for no key update;

-- LOCK_THREAD_OF
select id
from threads
where id = (select thread
    from messages
    where id = $1
    and (user_low = $2 or user_high = $2))
for no key update;

-- LOCK_THREADS_OF_USER
select id, user_low, user_high
from threads
where user_low = $1
or user_high = $1
or (has_outside_senders
    and exists (select 1
        from messages
        where thread = threads.id
        and sender = $1))
order by id
for no key update;

-- MESSAGES
select (select messages from counters where user_id = $1), m.id, m.sender, m.thread, m.text,
    m.created, m.low_mark = 0
from (select 1 as one) o
left join (select id
    from (select id
        from (select id
            from messages
            where user_low = $1
            and low_mark = 1
            order by id
            limit $4) low
        union all
        select id
        from (select id
            from messages
            where user_high = $1
            and high_mark = 1
            order by id
            limit $4) high
        union all
        select id
        from (select id
            from messages
            where user_low = $1
            and low_mark = 2
            order by id
            limit $4) low
        union all
        select id
        from (select id
            from messages
            where user_high = $1
            and high_mark = 2
            order by id
            limit $4) high
        union all
        select id
        from (select id
            from messages
            where user_low = $1
            and low_mark = 0
            order by id
            limit $4) low
        union all
        select id
        from (select id
            from messages
            where user_high = $1
            and high_mark = 0
            order by id
            limit $4) high) every
    order by id
    limit case
    when $3 < (select messages from counters where user_id = $1) then $2
    else 0 end
    offset $3) page on o.one = 1
left join messages m on m.id = page.id
order by page.id;

-- UNREAD
select (select unread from counters where user_id = $1), m.id, m.sender, m.thread, m.text, m.created,
    m.low_mark = 0
from (select 1 as one) o
left join (select id
    from (select id
        from (select id
            from messages
            where user_low = $1
            and low_mark = 1
            and id > $5
            order by id
            limit $4) low
        union all
        select id
        from (select id
            from messages
            where user_high = $1
            and high_mark = 1
            and id > $5
            order by id
            limit $4) high
        union all
        select id
        from (select id
            from messages
            where user_low = $1
            and low_mark = 2
            and id > $5
            order by id
            limit $4) low
        union all
        select id
        from (select id
            from messages
            where user_high = $1
            and high_mark = 2
            and id > $5
            order by id
            limit $4) high) every
    order by id
    limit case
    when $3 < (select unread from counters where user_id = $1) then $2
    else 0 end
    offset $3) page on o.one = 1
left join messages m on m.id = page.id
order by page.id;

-- UNREAD_INCOMING
select (select unread_incoming from counters where user_id = $1), m.id, m.sender, m.thread,
    m.text, m.created, m.low_mark = 0
from (select 1 as one) o
left join (select id
    from (select id
        from (select id
            from messages
            where user_low = $1
            and low_mark = 1
            and id > $5
            order by id
            limit $4) low
        union all
        select id
        from (select id
            from messages
            where user_high = $1
            and high_mark = 1
            and id > $5
            order by id
            limit $4) high) every
    order by id
    limit case
    when $3 < (select unread_incoming from counters where user_id = $1) then $2
    else 0 end
    offset $3) page on o.one = 1
left join messages m on m.id = page.id
order by page.id;

-- INSERT_MESSAGES
insert into messages (id, thread, sender, text, created, user_low, user_high, low_mark, high_mark,
        key, request)
select *
from unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[],
        $7::bigint[], $8::bigint[], $9::bigint[], $10::text[], $11::bytea[]);

-- ADD_COUNTS
insert into counters (user_id, messages, unread, unread_incoming)
select *
from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
order by 1
on conflict (user_id)
do update set messages = counters.messages + excluded.messages, unread = counters.unread + excluded.unread,
    unread_incoming = counters.unread_incoming + excluded.unread_incoming, version = excluded.version;

-- SYNC_MESSAGE_ID_SEQUENCE
select setval('messages_id_seq', greatest((select last_value from messages_id_seq), (select max(id) from messages)))
where exists (select 1 from messages);
