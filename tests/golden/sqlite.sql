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

-- insert_thread
insert into threads (id, user_low, user_high, canonical, has_outside_senders, created)
values ($1, $2, $3, true, false, $4)
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
insert into threads (id, user_low, user_high, canonical, has_outside_senders, created)
values ($1, $2, $3, $4, $5, $6);

-- THREAD_TO_DELETE
select user_low, user_high, canonical
from threads
where id = $1
and (user_low = $2 or user_high = $2);

-- ARRIVALS_FROM
select id, thread, sender, created, born_read, key
from messages
where id >= ?1
order by id;

-- ALL_ARRIVALS
select id, thread, sender, created, born_read, key
from messages
order by id;

-- IMPORT_MESSAGE
insert into messages (id, thread, sender, created, born_read, text)
values (?1, ?2, ?3, ?4, ?5, ?6);

-- SEND_MESSAGE
insert into messages (id, thread, sender, created, born_read, key, request, text)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);

-- THREAD_TIMES
select list, updated
from lists
where list > 0;

-- INSERT_KEY
insert into keys (sender, hash, id)
values (?1, ?2, ?3);

-- CHUNKS_ASCENDING
select first, entries, ids
from chunks
where list = ?1
and part = ?2
and first < ?4
and first >= coalesce((select max(first)
        from chunks
        where list = ?1
        and part = ?2
        and first <= ?3), 0)
order by first;

-- CHUNKS_DESCENDING
select first, entries, ids
from chunks
where list = ?1
and part = ?2
and first < ?3
order by first desc;

-- INSERT_CHUNK
insert into chunks (list, part, first, entries, ids)
values (?1, ?2, ?3, ?4, ?5);

-- ANY_CHUNK
select 1
from chunks
where list = ?1
and part = ?2
limit 1;

-- CHUNK_WITH
select first, ids
from chunks
where list = ?1
and part = ?2
and first <= ?3
order by first desc
limit 1;

-- DELETE_CHUNK
delete
from chunks
where list = ?1
and part = ?2
and first = ?3;

-- UPDATE_CHUNK
update chunks
set entries = ?4, ids = ?5
where list = ?1
and part = ?2
and first = ?3;

-- THREADS_OF_USER
select seq, id, user_low, user_high
from threads
where user_low = ?1
or user_high = ?1;

-- THREADS_WITH_OUTSIDE_SENDERS
select seq, id, user_low, user_high
from threads
where has_outside_senders;

-- DELETE_KEY
delete
from keys
where sender = ?1
and hash = ?2
and id = ?3;

-- DELETE_KEYS_OF
delete
from keys
where sender = ?1;

-- DELETE_MARKS_OF_THREAD
delete
from marks
where thread = ?1;

-- DELETE_MARKS_BELOW
delete
from marks
where number < ?1;

-- EDIT_TEXT
update messages
set text = ?2
where id = ?1;

-- DELETE_ROW
delete
from messages
where id = ?1
returning sender, key;

-- IDS_OF_KEY
select id
from keys
where sender = ?1
and hash = ?2;

-- MESSAGE_WITH_KEY
select thread, created, text, request
from messages
where id = ?1
and sender = ?2
and key = ?3;

-- INSERT_MARK
insert into marks (number, message, thread, origin)
values (?1, ?2, ?3, ?4);

-- MESSAGES_OF_THREAD
with ids (id) as (values (?1), (?2), (?3), (?4), (?5), (?6), (?7), (?8), (?9), (?10), (?11),
        (?12), (?13), (?14), (?15), (?16), (?17), (?18), (?19), (?20), (?21), (?22), (?23),
        (?24), (?25), (?26), (?27), (?28), (?29), (?30), (?31), (?32), (?33), (?34), (?35),
        (?36), (?37), (?38), (?39), (?40), (?41), (?42), (?43), (?44), (?45), (?46), (?47),
        (?48), (?49), (?50))
select m.id, m.sender, m.created, m.text
from ids
cross join messages m on m.id = ids.id;

-- THREAD_CREATED
select created
from threads
where seq = ?1;

-- MESSAGES_OF_THREADS
with ids (id) as (values (?1), (?2), (?3), (?4), (?5), (?6), (?7), (?8), (?9), (?10), (?11),
        (?12), (?13), (?14), (?15), (?16), (?17), (?18), (?19), (?20), (?21), (?22), (?23),
        (?24), (?25), (?26), (?27), (?28), (?29), (?30), (?31), (?32), (?33), (?34), (?35),
        (?36), (?37), (?38), (?39), (?40), (?41), (?42), (?43), (?44), (?45), (?46), (?47),
        (?48), (?49), (?50))
select m.id, m.sender, m.created, m.text, t.id
from ids
cross join messages m on m.id = ids.id
cross join threads t on t.seq = m.thread;

-- MESSAGE_ROW
select thread, sender, created, text
from messages
where id = ?1;

-- STATE
select next, behind, epoch
from state;

-- RAISE_WATERMARK
update state
set next = max(next, ?1), behind = max(behind, ?2);

-- KEEP_NUMBERS
update state
set next = max(next, ?1);

-- SET_EPOCH
update state
set epoch = ?1;

-- DATA_VERSION
pragma data_version;

-- MARKS_FROM
select number, message, thread, origin
from marks
where number >= ?1
order by number;

-- LIST
select upto, messages, unread_other, unread_own, unread_outside, updated, ids, unread_ids
from lists
where list = ?1;

-- SAVE_LIST
insert
or replace into lists (list, upto, messages, unread_other, unread_own, unread_outside, updated,
        ids, unread_ids)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9);

-- DELETE_LIST
delete
from lists
where list = ?1;

-- DELETE_CHUNKS
delete
from chunks
where list = ?1;

-- THREAD_BY_ID
select seq, user_low, user_high
from threads
where id = ?1;

-- THREAD_BY_SEQ
select id, user_low, user_high
from threads
where seq = ?1;
