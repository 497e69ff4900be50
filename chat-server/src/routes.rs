//! Which handler serves which endpoint.

use crate::{
    handlers::{messages, root, threads, token, users},
    openapi,
    router::Router,
};
use bytes::Bytes;
use chat_core::api::endpoints::{self as api, OPENAPI_PATH};
use std::sync::LazyLock;

/// The OpenAPI document, written when it is first asked for.
static OPENAPI: LazyLock<Bytes> = LazyLock::new(|| openapi::document().to_string().into());

/// All routes below `base`; without `accounts` those are left out that manage the chat's own passwords and tokens.
pub(crate) fn all(base: &str, accounts: bool) -> Router {
    let router = Router::new(base)
        .on::<api::GetRoot, _, _>(root::get)
        .document(OPENAPI_PATH, || OPENAPI.clone().into())
        .on::<api::ListUsers, _, _>(users::list)
        .on::<api::GetMe, _, _>(users::me)
        .on::<api::GetUser, _, _>(users::get)
        .on::<api::ListThreads, _, _>(threads::list)
        .on::<api::CreateThread, _, _>(threads::create)
        .on::<api::GetThread, _, _>(threads::get)
        .on::<api::DeleteThread, _, _>(threads::delete)
        .on::<api::ListThreadMessages, _, _>(threads::messages)
        .on::<api::MarkThreadRead, _, _>(threads::mark_read)
        .on::<api::ListMessages, _, _>(messages::list)
        .on::<api::CreateMessage, _, _>(messages::create)
        .on::<api::ListUnread, _, _>(messages::unread)
        .on::<api::GetMessage, _, _>(messages::get)
        .on::<api::UpdateMessage, _, _>(messages::update)
        .on::<api::DeleteMessage, _, _>(messages::delete)
        .on::<api::MarkMessageRead, _, _>(messages::mark_read);
    if !accounts {
        return router;
    }
    router
        .on::<api::CreateToken, _, _>(token::create)
        .on::<api::GetToken, _, _>(token::create)
        .on::<api::DeleteToken, _, _>(token::delete)
        .on::<api::ListTokens, _, _>(token::list)
        .on::<api::RevokeToken, _, _>(token::revoke)
        .on::<api::CreateUser, _, _>(users::create)
        .on::<api::ChangePassword, _, _>(users::change_password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_of_the_table_is_served_and_nothing_else() {
        let router = all("/chat-api", true);
        let mut served: Vec<_> = router.served().map(|(method, path)| (method.clone(), path)).collect();
        served.retain(|(_, path)| *path != OPENAPI_PATH);
        for spec in api::ALL {
            let place = served.iter().position(|(method, path)| *method == spec.method && *path == spec.path);
            served.remove(place.unwrap_or_else(|| panic!("{} has no handler", spec.name)));
            let path = format!("/chat-api{}", spec.path.replace("{id}", "1"));
            assert_eq!(router.find(&path).unwrap().0.pattern, spec.path, "{path}");
        }
        assert!(served.is_empty(), "not in the table: {served:?}");
    }
}
