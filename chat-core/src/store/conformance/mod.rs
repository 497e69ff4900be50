//! What every store has to do, as small named cases, each for a fresh store.
//!
//! [`store_conformance!`](crate::store_conformance) makes a test of each. A store of your own is held to the same
//! as ours:
//!
//! ```text
//! async fn fresh() -> (Arc<dyn Store>, TempDir) { … }
//!
//! mod my_store {
//!     chat_core::store_conformance!(crate::fresh());
//! }
//! ```
//!
//! Needs `tokio` with `macros` and `rt-multi-thread` where it is used.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "these are the bodies of tests, where a panic is how they fail"
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

/// Makes a `#[tokio::test]` of every case. The argument is an expression that is evaluated for each, in a module of
/// its own; its value, when awaited, is a fresh `Arc<dyn Store>` and something that is kept until the case is done.
#[macro_export]
macro_rules! store_conformance {
    ($fresh:expr) => {
        $crate::store_conformance! { @cases $fresh,
            users {
                a_user_is_found_by_id_and_by_exact_name
                a_name_is_taken_in_whatever_letter_case
                ids_are_never_given_twice
                names_are_listed_in_code_point_order
                a_search_is_a_prefix_in_whatever_letter_case
                accounts_are_paged_by_id
                an_ensured_user_keeps_his_id
                an_ensured_user_is_renamed
                an_ensured_user_cannot_take_a_name
                new_ids_continue_above_an_ensured_one
                a_password_is_replaced_only_while_it_is_the_expected_one
                a_new_password_revokes_the_tokens_it_is_to
                a_disabled_user_is_so_until_enabled
                a_closed_store_fails
            }
            tokens {
                a_token_tells_whose_it_is
                the_oldest_tokens_make_room
                the_longest_unused_token_makes_room
                an_expired_token_makes_room
                tokens_are_listed_and_numbered
                uses_are_noted
                a_token_is_revoked_by_its_number
                a_token_is_revoked_alone_or_with_all
                a_token_needs_a_user
            }
            threads {
                a_pair_has_one_thread
                a_thread_needs_two_users
                a_thread_is_its_participants_alone
                threads_are_listed_in_the_order_they_were_made
                a_deleted_thread_is_gone_with_its_messages
                a_pair_may_begin_anew
            }
            sending {
                a_message_is_what_was_sent
                only_participants_send
                outcomes_stand_in_the_order_of_the_messages
                ids_ascend
                sending_moves_the_thread_on_and_never_back
                a_key_makes_a_repeat_recognisable
                a_repeat_in_one_batch_is_recognised
                a_repeat_answers_the_message_as_it_stands
                keys_are_each_senders_own
                a_deleted_message_frees_its_key
                nothing_sent_is_nothing_done
                text_comes_back_as_it_was
            }
            messages {
                a_message_is_its_threads_participants_alone
                a_text_is_its_senders_to_change
                either_participant_changes_the_mark
                a_message_is_its_senders_to_delete
                ids_of_deleted_messages_are_not_used_again
            }
            lists {
                a_thread_is_paged_forwards_and_backwards
                a_foreign_thread_has_no_pages
                all_messages_are_listed_across_threads
                unread_messages_include_ones_own
                a_list_ends_where_it_ends
            }
            marks {
                marks_have_an_outcome_each
                marking_again_changes_nothing
                a_thread_is_marked_for_its_reader
                a_thread_is_marked_up_to_a_message
                what_became_unread_again_is_marked_with_its_thread
                a_foreign_thread_is_not_marked
            }
            counts {
                counts_stay_exact_through_a_mixed_history
                counts_of_users_follow_additions_and_removals
            }
            removal {
                a_removed_user_takes_everything_along
                a_removed_user_leaves_others_alone
                his_name_is_free
                nobody_is_removed_twice
            }
            import {
                everything_comes_over
                the_same_import_again_changes_nothing
                an_import_needs_a_database_without_users
                a_bad_import_changes_nothing
                names_that_differ_in_case_are_kept
                several_threads_of_a_pair_are_kept
                deleting_the_canonical_thread_passes_the_pair_on
                what_strangers_wrote_is_counted_and_marked
                a_removed_stranger_takes_his_messages_along
                a_thread_of_one_is_read_and_deleted
                new_ids_continue_above_imported_ones
                a_large_import_comes_over_whole
            }
            versions {
                every_change_gives_its_users_a_new_version
                the_end_of_a_thread_gives_a_new_version
                imported_threads_give_versions
            }
            races {
                one_thread_for_a_pair_whoever_asks
                one_user_for_a_name
                one_message_for_a_key
                one_key_for_two_threads
                a_reader_that_pages_misses_nothing
                counts_survive_concurrent_writers
                a_thread_deleted_while_messages_come
                tokens_of_concurrent_log_ins_make_room
                opening_and_deleting_at_once
                removing_users_while_they_write
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
