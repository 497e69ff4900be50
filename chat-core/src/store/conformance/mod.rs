//! The test cases that every store has to pass, each on a fresh store.
//!
//! [`store_conformance!`](crate::store_conformance) generates a test for each case. With it, another crate can test its
//! own store:
//!
//! ```
//! # #[cfg(feature = "sqlite")]
//! use chat_core::store::{Store, sql};
//! use std::sync::Arc;
//!
//! # #[cfg(feature = "sqlite")]
//! /// Returns a fresh store, and a value that is kept until the case is done.
//! async fn fresh() -> (Arc<dyn Store>, ()) {
//!     (sql::connect("sqlite::memory:", &sql::Options::default()).await.unwrap(), ())
//! }
//!
//! # #[cfg(feature = "sqlite")]
//! mod my_store {
//!     chat_core::store_conformance!(crate::fresh());
//! }
//! # fn main() {}
//! ```
//!
//! The test crate needs `tokio` with `macros` and `rt-multi-thread`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "these are the bodies of tests, which fail by a panic"
)]

pub mod counts;
mod fixture;
pub mod import;
pub mod lists;
pub mod marks;
pub mod messages;
pub mod races;
pub mod removal;
pub mod sending;
pub mod threads;
pub mod tokens;
pub mod users;
pub mod versions;

/// Generates a `#[tokio::test]` for every case.
///
/// The argument is an expression that is evaluated for each case, in a submodule. It must be a future of a
/// pair: a fresh `Arc<dyn Store>`, and a value that is kept until the case is done.
#[macro_export]
macro_rules! store_conformance {
    ($fresh:expr) => {
        $crate::store_conformance! { @cases $fresh,
            users {
                a_user_is_found_by_id_and_by_exact_name
                a_name_is_taken_in_any_letter_case
                ids_are_not_reused
                names_are_listed_in_code_point_order
                a_search_is_a_prefix_in_any_letter_case
                accounts_are_paged_by_id
                an_ensured_user_keeps_their_id
                an_ensured_user_is_renamed
                an_ensured_user_cannot_take_the_name_of_another
                new_ids_continue_above_an_ensured_one
                a_password_is_replaced_only_while_it_is_the_expected_one
                a_new_password_revokes_the_given_tokens
                a_user_is_disabled_until_enabled
                a_closed_store_fails
            }
            tokens {
                a_token_has_its_owner
                the_oldest_tokens_are_revoked_for_a_new_one
                the_longest_unused_token_is_revoked_for_a_new_one
                an_expired_token_is_revoked_for_a_new_one
                tokens_are_listed_and_numbered
                uses_are_recorded
                a_token_is_revoked_by_its_number
                a_token_is_revoked_alone_or_with_all
                a_token_needs_a_user
                uses_before_the_clock_was_set_back_are_the_oldest
            }
            threads {
                a_pair_has_one_thread
                a_thread_needs_two_users
                only_participants_see_a_thread
                threads_are_listed_in_the_order_of_their_creation
                the_position_of_a_deleted_thread_stays_valid
                a_thread_is_deleted_with_its_messages
                a_pair_may_open_a_new_thread_after_a_deletion
            }
            sending {
                a_message_has_the_fields_that_were_sent
                only_participants_send
                outcomes_are_in_the_order_of_the_messages
                ids_ascend
                sending_moves_the_time_of_a_thread_forward
                a_repeat_with_the_same_key_adds_nothing
                a_repeat_in_one_batch_is_recognised
                a_repeat_returns_the_current_message
                a_key_belongs_to_one_sender
                a_deleted_message_frees_its_key
                an_empty_batch_does_nothing
                a_text_is_returned_unchanged
            }
            messages {
                only_participants_see_a_message
                only_the_sender_changes_a_text
                either_participant_changes_the_mark
                only_the_sender_deletes_a_message
                ids_of_deleted_messages_are_not_reused
            }
            lists {
                a_thread_is_paged_forwards_and_backwards
                a_foreign_thread_has_no_pages
                all_messages_are_listed_across_threads
                unread_messages_include_own_ones
                unread_messages_are_paged_while_they_are_marked
                a_slice_beyond_the_end_is_empty
            }
            marks {
                each_mark_has_an_outcome
                marking_again_changes_nothing
                a_thread_is_marked_for_its_reader
                a_thread_is_marked_up_to_a_message
                a_message_that_became_unread_again_is_marked_with_its_thread
                a_foreign_thread_is_not_marked
            }
            counts {
                counts_stay_exact_through_a_mixed_history
                counts_of_users_follow_additions_and_removals
            }
            removal {
                a_removed_user_is_removed_with_everything
                a_removed_user_leaves_others_alone
                the_name_of_a_removed_user_is_free
                a_user_is_removed_once
            }
            import {
                everything_is_imported
                the_same_import_again_changes_nothing
                an_import_needs_a_database_without_users
                a_failed_import_changes_nothing
                names_that_differ_in_case_are_kept
                several_threads_of_a_pair_are_kept
                deleting_the_canonical_thread_promotes_the_next
                messages_of_outside_senders_are_counted_and_marked
                a_removed_outside_sender_is_removed_with_their_messages
                a_thread_of_one_participant_is_read_and_deleted
                new_ids_continue_above_imported_ones
                an_import_leaves_room_for_new_ids
                an_import_has_positive_ids
                a_large_import_is_complete
            }
            versions {
                every_change_assigns_new_versions_to_its_users
                the_deletion_of_a_thread_assigns_new_versions
                an_import_assigns_versions
            }
            races {
                concurrent_callers_open_one_thread
                concurrent_callers_add_one_user_for_a_name
                concurrent_callers_send_one_message_for_a_key
                concurrent_callers_use_a_key_for_one_of_two_threads
                a_reader_that_pages_misses_nothing
                counts_stay_exact_under_concurrent_writers
                a_thread_is_deleted_while_messages_arrive
                concurrent_log_ins_keep_the_limit_of_tokens
                a_thread_is_opened_and_deleted_concurrently
                users_are_removed_while_they_write
            }
        }
    };
    (@cases $fresh:expr, $($module:ident { $($case:ident)* })*) => {
        $(mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let (store, _kept) = $fresh.await;
                    $crate::store::conformance::$module::$case(std::sync::Arc::clone(&store)).await;
                    store.close().await;
                }
            )*
        })*
    };
}
