-- A transaction that inserts messages holds the locks of their threads, and a deletion of a thread waits for its lock. So
-- the check of this foreign key found nothing, and took a fifth of the database's work for a message. `chat-server
-- doctor` reports messages without a thread.
alter table messages drop constraint messages_thread_fkey;
