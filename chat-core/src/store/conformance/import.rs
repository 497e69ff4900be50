//! Import of another service's data.

use super::fixture::*;
use crate::{
    api::{MessageId, Participants, ThreadId, UserId, limits},
    store::{
        EnsuredUser, Import, ImportOutcome, ImportedMessage, ImportedThread, ImportedToken, ImportedUser,
        OpenedThread, PasswordHash, StoreError, TokenHash, UnreadFilter,
    },
};
use uuid::Uuid;

pub(super) const ANN: UserId = UserId::new(3);
pub(super) const BEN: UserId = UserId::new(5);
const CID: UserId = UserId::new(8);

pub(super) fn imported_user(id: UserId, name: &str) -> ImportedUser {
    let password = PasswordHash::new(format!("old hash of {name}"));
    ImportedUser { id, username: name.to_owned(), password, active: id != CID, created: at(id.get()) }
}

const fn thread_id(n: u128) -> ThreadId {
    ThreadId::new(Uuid::from_u128(n))
}

pub(super) fn imported_thread(n: u128, participants: Participants) -> ImportedThread {
    ImportedThread { id: thread_id(n), participants, created: at(20), updated: at(30) }
}

fn imported_message(id: i64, sender: UserId, thread: u128, is_read: bool) -> ImportedMessage {
    ImportedMessage {
        id: MessageId::new(id),
        sender,
        thread: thread_id(thread),
        text: format!("text {id}"),
        created: at(1000 + id),
        is_read,
    }
}

pub(super) fn empty() -> Import {
    let (users, tokens, threads, messages) = (vec![], vec![], vec![], vec![]);
    Import { digest: [7; 32], at: at(99), users, tokens, threads, messages }
}

/// Returns three users, two threads and four messages.
///
/// One user, Cid, is disabled. Ann and Ben have two threads. Cid sent a message in one of them.
fn small() -> Import {
    Import {
        users: vec![imported_user(BEN, "ben"), imported_user(ANN, "Ann"), imported_user(CID, "cid")],
        tokens: vec![ImportedToken { hash: TokenHash([1; 32]), user: ANN, created: at(4) }],
        threads: vec![
            imported_thread(9, Participants::pair(ANN, BEN)),
            imported_thread(2, Participants::pair(BEN, ANN)),
        ],
        messages: vec![
            imported_message(40, BEN, 2, false),
            imported_message(10, ANN, 9, true),
            imported_message(11, CID, 9, false),
            imported_message(12, BEN, 9, false),
        ],
        ..empty()
    }
}

/// Checks the imported ids, times, marks and order.
pub async fn everything_is_imported(store: Shared) {
    assert_eq!(store.import(small()).await.unwrap(), ImportOutcome::Imported);
    let cid = store.account_by_name("cid").await.unwrap().unwrap();
    assert_eq!((cid.id, cid.active, cid.created), (CID, false, at(8)));
    assert_eq!(cid.password.expose(), "old hash of cid");
    assert_eq!(store.token_owner(&TokenHash([1; 32])).await.unwrap().unwrap().user, ANN);
    assert_eq!(store.users("", ALL).await.unwrap().count, 3);

    let threads = store.threads(ANN, None, 10).await.unwrap().unwrap();
    assert_eq!(threads.iter().map(|t| t.thread.id).collect::<Vec<_>>(), [thread_id(9), thread_id(2)]);
    let detail = store.thread(BEN, thread_id(9)).await.unwrap().unwrap();
    assert_eq!((detail.created, detail.updated), (at(20), at(30)));
    let messages = messages_of(&store, ANN, thread_id(9)).await;
    assert_eq!(messages.iter().map(|m| m.id.get()).collect::<Vec<_>>(), [10, 11, 12]);
    assert_eq!((messages[1].sender, &*messages[1].text, messages[1].created), (CID, "text 11", at(1011)));
    assert!(messages[0].is_read && !messages[1].is_read);
    for user in [ANN, BEN, CID] {
        assert_counts(&store, user).await;
    }
}

/// Checks that a second import does not restore deleted data.
pub async fn the_same_import_again_changes_nothing(store: Shared) {
    store.import(small()).await.unwrap();
    store.delete_thread(ANN, thread_id(9)).await.unwrap();
    assert_eq!(store.import(small()).await.unwrap(), ImportOutcome::AlreadyImported);
    assert!(store.thread(ANN, thread_id(9)).await.unwrap().is_none());
    let other = Import { digest: [8; 32], ..small() };
    assert_eq!(store.import(other).await.unwrap(), ImportOutcome::NotEmpty);
}

/// Checks that one user is enough to refuse an import.
pub async fn an_import_needs_a_database_without_users(store: Shared) {
    user(&store, "first").await;
    assert_eq!(store.import(small()).await.unwrap(), ImportOutcome::NotEmpty);
    assert_eq!(store.users("", ALL).await.unwrap().count, 1);
}

/// Checks that a failed import can be retried with corrected data.
pub async fn a_failed_import_changes_nothing(store: Shared) {
    let mut bad = small();
    bad.messages.push(imported_message(10, ANN, 9, true));
    assert!(matches!(store.import(bad).await, Err(StoreError::Conflict)));
    let mut bad = small();
    bad.messages.push(imported_message(13, ANN, 77, true));
    assert!(matches!(store.import(bad).await, Err(StoreError::NotFound)));
    assert!(store.is_empty().await.unwrap());
    assert_eq!(store.import(small()).await.unwrap(), ImportOutcome::Imported);
}

/// Checks that only new names must be unique case-insensitively.
///
/// The user with the lowest id owns the name. If that user is removed, the one with the next higher id owns it.
pub async fn names_that_differ_in_case_are_kept(store: Shared) {
    let users = vec![imported_user(CID, "ANN"), imported_user(ANN, "ann"), imported_user(BEN, "Ann")];
    store.import(Import { users, ..empty() }).await.unwrap();
    for (id, name) in [(ANN, "ann"), (BEN, "Ann"), (CID, "ANN")] {
        assert_eq!(store.account_by_name(name).await.unwrap().unwrap().id, id);
    }
    let ensured = |id, name: &str| EnsuredUser { id, username: name.to_owned(), created: at(1) };
    assert!(matches!(store.ensure_user(ensured(CID, "aNN")).await, Err(StoreError::Conflict)));
    for removed in [ANN, BEN] {
        assert!(matches!(store.insert_user(new_user("aNN")).await, Err(StoreError::Conflict)));
        assert!(store.remove_user(removed).await.unwrap());
    }
    assert!(store.is_name_taken("ann").await.unwrap());
    store.ensure_user(ensured(CID, "carl")).await.unwrap();
    user(&store, "aNN").await;
}

/// Checks that `open_thread` returns the thread with the lowest id.
pub async fn several_threads_of_a_pair_are_kept(store: Shared) {
    store.import(small()).await.unwrap();
    assert_eq!(
        store.open_thread(new_thread(ANN, BEN)).await.unwrap(),
        OpenedThread { id: thread_id(2), created: false }
    );
    let sent = send(&store, thread_id(9), ANN, "still open").await;
    assert_eq!(messages_of(&store, BEN, thread_id(9)).await.last().unwrap().id, sent.id);
}

/// Checks that the remaining thread with the lowest id becomes canonical.
///
/// The order of the deletions does not matter.
pub async fn deleting_the_canonical_thread_promotes_the_next(store: Shared) {
    let mut import = small();
    import.threads.push(imported_thread(5, Participants::pair(ANN, BEN)));
    import.threads.push(imported_thread(7, Participants::pair(ANN, CID)));
    store.import(import).await.unwrap();
    let canonical = async || store.open_thread(new_thread(ANN, BEN)).await.unwrap();
    for (deleted, next) in [(2, 5), (9, 5)] {
        assert!(store.delete_thread(BEN, thread_id(deleted)).await.unwrap().is_some());
        assert_eq!(canonical().await, OpenedThread { id: thread_id(next), created: false });
    }
    assert!(store.delete_thread(ANN, thread_id(5)).await.unwrap().is_some());
    let made = canonical().await.created;
    assert!(made);
    assert_eq!(
        store.open_thread(new_thread(ANN, CID)).await.unwrap(),
        OpenedThread { id: thread_id(7), created: false }
    );
}

/// Checks that messages of outside senders are incoming for both participants.
pub async fn messages_of_outside_senders_are_counted_and_marked(store: Shared) {
    store.import(small()).await.unwrap();
    assert_eq!(store.unread(ANN, UnreadFilter::Incoming, ALL).await.unwrap().count, 3);
    assert_eq!(store.unread(BEN, UnreadFilter::Incoming, ALL).await.unwrap().count, 1);
    assert_eq!(store.messages(CID, ALL).await.unwrap().count, 0);
    assert!(store.message(CID, MessageId::new(11)).await.unwrap().is_none());
    assert!(store.delete_message(CID, MessageId::new(11)).await.unwrap().is_none());

    let up_to = |id| Some(MessageId::new(id));
    assert_eq!(mark_thread(&store, BEN, thread_id(9), up_to(10)).await, Some(0));
    assert_eq!(mark_thread(&store, BEN, thread_id(9), up_to(11)).await, Some(1));
    assert_eq!(mark_thread(&store, ANN, thread_id(9), None).await, Some(1));
    for user in [ANN, BEN, CID] {
        assert_counts(&store, user).await;
    }
}

/// Checks that only the messages of the removed sender are deleted.
///
/// The sender is not a participant of the thread.
pub async fn a_removed_outside_sender_is_removed_with_their_messages(store: Shared) {
    store.import(small()).await.unwrap();
    assert!(store.remove_user(CID).await.unwrap());
    let left = messages_of(&store, ANN, thread_id(9)).await;
    assert_eq!(left.iter().map(|m| m.id.get()).collect::<Vec<_>>(), [10, 12]);
    for user in [ANN, BEN] {
        assert_counts(&store, user).await;
    }
}

/// Checks reading, marking, sending and deleting with a single participant.
pub async fn a_thread_of_one_participant_is_read_and_deleted(store: Shared) {
    let mut import = small();
    import.threads.push(imported_thread(1, Participants::one(ANN)));
    import.messages.extend([
        imported_message(20, ANN, 1, false),
        imported_message(21, BEN, 1, false),
        imported_message(22, CID, 1, false),
    ]);
    store.import(import).await.unwrap();
    let detail = store.thread(ANN, thread_id(1)).await.unwrap().unwrap();
    assert_eq!(detail.participants, Participants::one(ANN));
    assert!(store.thread(BEN, thread_id(1)).await.unwrap().is_none());
    assert_counts(&store, ANN).await;
    assert_eq!(mark_thread(&store, ANN, thread_id(1), None).await, Some(2));
    let updated = async || store.thread(ANN, thread_id(1)).await.unwrap().unwrap().updated;
    assert_eq!(updated().await, at(30), "as it was imported");
    let sent = send(&store, thread_id(1), ANN, "to myself").await;
    assert_eq!(updated().await, sent.created);
    assert_counts(&store, ANN).await;
    assert!(store.delete_thread(ANN, thread_id(1)).await.unwrap().is_some());
    for user in [ANN, BEN, CID] {
        assert_counts(&store, user).await;
    }
}

/// Checks the ids of users and of messages.
pub async fn new_ids_continue_above_imported_ones(store: Shared) {
    store.import(small()).await.unwrap();
    assert!(user(&store, "new").await > CID);
    assert!(send(&store, thread_id(2), ANN, "new").await.id > MessageId::new(40));
}

/// Checks an import with more rows than one statement writes.
pub async fn a_large_import_is_complete(store: Shared) {
    let users: Vec<_> = (1..=1500).map(|n| imported_user(UserId::new(n), &format!("user{n}"))).collect();
    let pair = |n: i64| Participants::pair(UserId::new(n), UserId::new(n + 1));
    let threads = (1..=1200_i64).rev().map(|n| imported_thread(n.unsigned_abs().into(), pair(n))).collect();
    let messages = (1..=2500_i64)
        .map(|id| {
            let thread = id % 1200 + 1;
            imported_message(id, UserId::new(thread), thread.unsigned_abs().into(), id % 3 == 0)
        })
        .collect();
    store.import(Import { users, threads, messages, ..empty() }).await.unwrap();
    assert_eq!(store.users("", first(0)).await.unwrap().count, 1500);
    for user in [1, 2, 600, 1200, 1201].map(UserId::new) {
        assert_counts(&store, user).await;
    }
    let threads = store.threads(UserId::new(600), None, 10).await.unwrap().unwrap();
    assert_eq!(threads.iter().map(|t| t.thread.id).collect::<Vec<_>>(), [thread_id(600), thread_id(599)]);
}

/// Checks the largest ids that leave room for new ones.
pub async fn an_import_leaves_room_for_new_ids(store: Shared) {
    let largest = limits::ID_MAX;
    let user_above = Import { users: vec![imported_user(UserId::new(largest + 1), "far")], ..empty() };
    let mut message_above = small();
    message_above.messages.push(imported_message(largest + 1, ANN, 2, false));
    for import in [user_above, message_above] {
        let refused = store.import(import).await;
        assert!(matches!(refused, Err(StoreError::Unsupported(_))), "{refused:?}");
        assert!(store.is_empty().await.unwrap());
    }
    let mut import = small();
    import.messages.push(imported_message(largest, ANN, 2, false));
    store.import(import).await.unwrap();
    assert_eq!(send(&store, thread_id(2), ANN, "new").await.id, MessageId::new(largest + 1));
}

/// Checks that an id below 1 is refused. Ids that a store assigns are positive too.
pub async fn an_import_has_positive_ids(store: Shared) {
    for id in [i64::MIN, -2, 0] {
        let user = UserId::new(id);
        let mut of_user = small();
        of_user.users.push(imported_user(user, "low"));
        of_user.threads.push(imported_thread(3, Participants::pair(user, ANN)));
        let mut of_message = small();
        of_message.messages.push(imported_message(id, ANN, 2, false));
        for import in [of_user, of_message] {
            let refused = store.import(import).await;
            assert!(matches!(refused, Err(StoreError::Unsupported(_))), "{id}: {refused:?}");
            assert!(store.is_empty().await.unwrap());
        }
    }
}
