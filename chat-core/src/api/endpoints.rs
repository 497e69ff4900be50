//! Every endpoint of the API, defined once: the server's routes, the SDK's calls and the OpenAPI document follow
//! from this table.

use super::{
    Credentials, EditMessage, IssuedToken, MarkRead, Marked, Message, MessageCursor, MessageId, OpenThread,
    Opened, Page, PasswordChange, Root, SendMessage, SignIn, Thread, ThreadCursor, ThreadDetail, ThreadId,
    TokenId, TokenInfo, UnreadQuery, User, UserId, UserQuery, Window,
};
use http::{Method, StatusCode};
use serde::{Serialize, de::DeserializeOwned};

/// One endpoint: what goes in, what comes out.
pub trait Endpoint: Send + Sync + 'static {
    /// Whether the caller has to be signed in: [`Public`] or [`SignedIn`].
    type Access: Send + Sync + 'static;
    /// The id in the path, or `()`.
    type Path: PathId;
    /// The query parameters, or `()`.
    type Query: Serialize + Send + Sync;
    /// The request body, or `()`.
    type Body: RequestBody;
    /// The answer's body, or `()`.
    type Reply: Serialize + DeserializeOwned + Send;
    /// What is known of the endpoint without its types.
    const SPEC: Spec;
}

/// An endpoint without its types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Its name in the table.
    pub name: &'static str,
    /// What it does, a line.
    pub summary: &'static str,
    /// Its method. `HEAD` is served wherever a `GET` without a body is.
    pub method: Method,
    /// Its path below the base, with a trailing slash; an id stands as `{id}`.
    pub path: &'static str,
    /// Whether the caller has to be signed in.
    pub signed_in: bool,
    /// Whether it reads a body.
    pub takes_body: bool,
    /// The statuses of success, the usual one first.
    pub success: &'static [StatusCode],
    /// The statuses of refusals that only this endpoint gives.
    pub refusals: &'static [StatusCode],
}

/// Anyone may call it; an `Authorization` header is not looked at.
#[derive(Debug)]
pub enum Public {}
/// The caller has to be signed in.
#[derive(Debug)]
pub enum SignedIn {}

/// Says at run time what [`Endpoint::Access`] says in types.
pub trait Access {
    /// Whether the caller has to be signed in.
    const SIGNED_IN: bool;
}
impl Access for Public {
    const SIGNED_IN: bool = false;
}
impl Access for SignedIn {
    const SIGNED_IN: bool = true;
}

/// What may stand for `{id}` in a path.
pub trait PathId: Send + Sync {
    /// The text of the segment; `None` for a path without an id.
    fn segment(&self) -> Option<String>;
}
impl PathId for () {
    fn segment(&self) -> Option<String> {
        None
    }
}
macro_rules! path_ids {
    ($($id:ty),*) => {$(
        impl PathId for $id {
            fn segment(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    )*};
}
path_ids!(UserId, TokenId, ThreadId, MessageId);

/// What may be sent as a request body; `()` is none.
pub trait RequestBody: Serialize + Send + Sync {
    /// Whether there is one.
    const EXPECTED: bool = true;
}
impl RequestBody for () {
    const EXPECTED: bool = false;
}
impl RequestBody for Credentials {}
impl RequestBody for SignIn {}
impl RequestBody for PasswordChange {}
impl RequestBody for OpenThread {}
impl RequestBody for MarkRead {}
impl RequestBody for SendMessage {}
impl RequestBody for EditMessage {}

macro_rules! endpoints {
    ($(
        #[doc = $summary:literal]
        $name:ident = $access:ident $method:ident $path:literal
            ($id:ty, $query:ty, $body:ty) -> $reply:ty, $($success:ident)+ $(, refuses $($refusal:ident)+)?;
    )*) => {
        $(
            #[doc = $summary]
            #[derive(Debug)]
            pub enum $name {}
            impl Endpoint for $name {
                type Access = $access;
                type Path = $id;
                type Query = $query;
                type Body = $body;
                type Reply = $reply;
                const SPEC: Spec = Spec {
                    name: stringify!($name),
                    summary: $summary.trim_ascii(),
                    method: Method::$method,
                    path: $path,
                    signed_in: <$access as Access>::SIGNED_IN,
                    takes_body: <$body as RequestBody>::EXPECTED,
                    success: &[$(StatusCode::$success),+],
                    refusals: &[$($(StatusCode::$refusal),+)?],
                };
            }
        )*

        /// The whole table.
        pub const ALL: &[Spec] = &[$($name::SPEC),*];

        /// Walks the table with its types at hand.
        #[cfg(feature = "schema")]
        pub fn visit(visitor: &mut impl Visitor) {
            $(visitor.endpoint::<$name>();)*
        }
    };
}

/// Something to do for every endpoint; see [`visit`].
#[cfg(feature = "schema")]
pub trait Visitor {
    /// Called once for each.
    fn endpoint<E: Endpoint>(&mut self)
    where
        E::Path: schemars::JsonSchema,
        E::Query: schemars::JsonSchema,
        E::Body: schemars::JsonSchema,
        E::Reply: schemars::JsonSchema;
}

endpoints! {
    /// Where to start.
    GetRoot = Public GET "/" ((), (), ()) -> Root, OK;

    /// Signs in: makes a new token.
    CreateToken = Public POST "/token/" ((), (), SignIn) -> IssuedToken, OK;
    /// Signs in, as documented by the service this one succeeds: a GET with a body.
    GetToken = Public GET "/token/" ((), (), SignIn) -> IssuedToken, OK;
    /// Signs out: revokes the token that was sent.
    DeleteToken = SignedIn DELETE "/token/" ((), (), ()) -> (), NO_CONTENT;

    /// Lists the caller's tokens, newest first.
    ListTokens = SignedIn GET "/tokens/" ((), (), ()) -> Vec<TokenInfo>, OK;
    /// Revokes a token of the caller's.
    RevokeToken = SignedIn DELETE "/tokens/{id}/" (TokenId, (), ()) -> (), NO_CONTENT;

    /// Lists users by name.
    ListUsers = SignedIn GET "/users/" ((), UserQuery, ()) -> Page<User>, OK;
    /// Registers a user, where registration is open.
    CreateUser = Public POST "/users/" ((), (), Credentials) -> User, CREATED, refuses FORBIDDEN;
    /// Who the caller is.
    GetMe = SignedIn GET "/users/me/" ((), (), ()) -> User, OK;
    /// Changes the caller's password and revokes his other tokens.
    ChangePassword = SignedIn POST "/users/me/password/" ((), (), PasswordChange) -> (), NO_CONTENT;
    /// Retrieves a user.
    GetUser = SignedIn GET "/users/{id}/" (UserId, (), ()) -> User, OK;

    /// Lists the caller's threads in the order they were made.
    ListThreads = SignedIn GET "/threads/" ((), ThreadCursor, ()) -> Vec<Thread>, OK;
    /// Opens the thread with another user: 201 when made, 200 when the two had one.
    CreateThread = SignedIn POST "/threads/" ((), (), OpenThread) -> Opened, CREATED OK;
    /// Retrieves a thread.
    GetThread = SignedIn GET "/threads/{id}/" (ThreadId, (), ()) -> ThreadDetail, OK;
    /// Deletes a thread with all its messages.
    DeleteThread = SignedIn DELETE "/threads/{id}/" (ThreadId, (), ()) -> (), NO_CONTENT;
    /// Lists a thread's messages, oldest first.
    ListThreadMessages = SignedIn GET "/threads/{id}/messages/" (ThreadId, MessageCursor, ()) -> Vec<Message>, OK;
    /// Marks the other participant's messages as read.
    MarkThreadRead = SignedIn PATCH "/threads/{id}/mark-as-read/" (ThreadId, (), MarkRead) -> Marked, OK;

    /// Lists the messages of all the caller's threads.
    ListMessages = SignedIn GET "/messages/" ((), Window, ()) -> Page<Message>, OK;
    /// Sends a message.
    CreateMessage = SignedIn POST "/messages/" ((), (), SendMessage) -> Message, CREATED,
        refuses UNPROCESSABLE_ENTITY;
    /// Lists the unread messages of all the caller's threads.
    ListUnread = SignedIn GET "/messages/unread/" ((), UnreadQuery, ()) -> Page<Message>, OK;
    /// Retrieves a message.
    GetMessage = SignedIn GET "/messages/{id}/" (MessageId, (), ()) -> Message, OK;
    /// Changes a message.
    UpdateMessage = SignedIn PATCH "/messages/{id}/" (MessageId, (), EditMessage) -> Message, OK,
        refuses FORBIDDEN;
    /// Deletes a message of the caller's.
    DeleteMessage = SignedIn DELETE "/messages/{id}/" (MessageId, (), ()) -> (), NO_CONTENT, refuses FORBIDDEN;
    /// Marks a message as read.
    MarkMessageRead = SignedIn PATCH "/messages/{id}/mark-as-read/" (MessageId, (), ()) -> Message, OK;
}

/// The address of the OpenAPI document below the base.
pub const OPENAPI_PATH: &str = "/openapi.json";

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn no_two_endpoints_collide() {
        for (i, one) in ALL.iter().enumerate() {
            assert!(one.path.starts_with('/') && one.path.ends_with('/'), "{}", one.name);
            for other in ALL.iter().skip(i + 1) {
                assert!(
                    (&one.method, one.path) != (&other.method, other.path),
                    "{} {}",
                    one.name,
                    other.name
                );
            }
        }
    }
}
