//! The routes of the API: a handler for each endpoint of the table.

use crate::{
    handlers::{messages, root, threads, token, users},
    openapi,
    router::Router,
};
use bytes::Bytes;
use chat_core::api::endpoints::{self as api, OPENAPI_PATH};
use std::sync::LazyLock;

/// The OpenAPI document, generated at the first request for it.
static OPENAPI: LazyLock<Bytes> = LazyLock::new(|| openapi::document().to_string().into());

/// Returns all routes below `base`.
///
/// Without `accounts`, the routes for the chat's own passwords and tokens are omitted.
pub(crate) fn all(base: &str, accounts: bool) -> Router {
    let router = Router::new(base)
        .on(root::get)
        .document(OPENAPI_PATH, || OPENAPI.clone().into())
        .on(users::list)
        .on(users::me)
        .on(users::get)
        .on(threads::list)
        .on(threads::create)
        .on(threads::get)
        .on(threads::delete)
        .on(threads::messages)
        .on(threads::mark_read)
        .on(messages::list)
        .on(messages::create)
        .on(messages::unread)
        .on(messages::get)
        .on(messages::update)
        .on(messages::delete)
        .on(messages::mark_read);
    if !accounts {
        return router;
    }
    router
        .on(token::create::<api::CreateToken>)
        .on(token::create::<api::GetToken>)
        .on(token::delete)
        .on(token::list)
        .on(token::revoke)
        .on(users::create)
        .on(users::change_password)
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
            let index = served.iter().position(|(method, path)| *method == spec.method && *path == spec.path);
            served.remove(index.unwrap_or_else(|| panic!("{} has no handler", spec.name)));
            let path = format!("/chat-api{}", spec.path.replace("{id}", "1"));
            assert_eq!(router.find(&path).unwrap().0.pattern, spec.path, "{path}");
        }
        assert!(served.is_empty(), "not in the table: {served:?}");
    }
}
