//! The table of endpoints: each endpoint of the API, defined once.
//!
//! The routes of the server, the calls of the client and the OpenAPI document are derived from this table. This module
//! also has the names of the fields that the server reads from bodies and queries.

use super::{
    Credentials, EditMessage, IssuedToken, MarkRead, Marked, Message, MessageCursor, MessageId, OpenThread,
    Opened, Page, PasswordChange, Root, SendMessage, SignIn, Thread, ThreadCursor, ThreadDetail, ThreadId,
    TokenId, TokenInfo, UnreadQuery, User, UserId, UserQuery, Window,
};
use http::{Method, StatusCode};
use serde::{Serialize, de::DeserializeOwned};

/// One endpoint, as types: its request and its reply.
pub trait Endpoint: Send + Sync + 'static {
    /// Whether the caller must be signed in: [`Public`] or [`SignedIn`].
    type Access: Send + Sync + 'static;
    /// The id in the path, or `()`.
    type Path: PathId;
    /// The query parameters, or `()`.
    type Query: Serialize + Send + Sync;
    /// The request body, or `()`.
    type Body: RequestBody;
    /// The response body, or `()`.
    type Reply: Serialize + DeserializeOwned + Send;
    /// The endpoint as a value.
    const SPEC: Spec;
}

/// One endpoint, as a value.
///
/// It is not `#[non_exhaustive]`: the OpenAPI document is not in the table, so the server constructs a `Spec` for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// The name in the table.
    pub name: &'static str,
    /// What the endpoint does, in one line.
    pub summary: &'static str,
    /// The method. If it is `GET` without a body, `HEAD` is served as well.
    pub method: Method,
    /// The path below the base path, with `{id}` for an id. In the table it ends with a slash.
    pub path: &'static str,
    /// Whether a client may repeat the request if it does not know the outcome.
    pub idempotency: Idempotency,
    /// Whether the caller must be signed in.
    pub signed_in: bool,
    /// Whether the endpoint reads a body.
    pub takes_body: bool,
    /// The statuses of success, the most frequent one first.
    pub success: &'static [StatusCode],
    /// The error statuses that the other fields do not imply.
    pub error_statuses: &'static [StatusCode],
}

/// Whether repeating a request has the same effect as sending it once.
///
/// A client repeats a request of unknown outcome only if that is so. The response of the repeat may differ: the second
/// request to delete an object is answered 404.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idempotency {
    /// Repeating the request has the same effect as sending it once.
    ///
    /// This is so for each GET, PATCH and DELETE, except the sign-in with GET. Each of them changes nothing, or its
    /// request describes the resulting state. Opening a thread is idempotent too, because it returns a thread that
    /// exists.
    Idempotent,
    /// The request is idempotent if it has an [`IDEMPOTENCY_KEY`](super::IDEMPOTENCY_KEY) header.
    WithKey,
    /// A repeat has a second effect, or it is refused because the first request succeeded.
    NotIdempotent,
}

/// Marks an endpoint that needs no token. An `Authorization` header is ignored.
#[derive(Debug)]
pub enum Public {}
/// Marks an endpoint whose caller must be signed in.
#[derive(Debug)]
pub enum SignedIn {}

/// The two values of [`Endpoint::Access`].
pub trait Access {
    /// Whether the caller must be signed in.
    const SIGNED_IN: bool;
}
impl Access for Public {
    const SIGNED_IN: bool = false;
}
impl Access for SignedIn {
    const SIGNED_IN: bool = true;
}

/// The type of `{id}` in a path; `()` if the path has no id.
pub trait PathId: Send + Sync {
    /// Returns the text of the path segment; `None` for a path without an id.
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

/// The type of a request body; `()` if there is none.
pub trait RequestBody: Serialize + Send + Sync {
    /// Whether there is a body.
    const EXPECTED: bool = true;
}
impl RequestBody for () {
    const EXPECTED: bool = false;
}

/// Lists the fields of a type, in the order in which a response reports errors.
///
/// Compilation fails if the names are not exactly those of the fields of the type.
macro_rules! fields {
    ($($type:ident { $($field:ident),* $(,)? })*) => {$(
        impl $type {
            /// The names of the fields, in the order in which a response lists their errors.
            pub const FIELDS: [&'static str; [$(stringify!($field)),*].len()] = [$(stringify!($field)),*];
        }
        const _: fn($type) = |$type { $($field: _),* }| {};
    )*};
}

// Request bodies.
fields! {
    Credentials { username, password }
    SignIn { username, password, name }
    PasswordChange { current, new }
    OpenThread { participant }
    MarkRead { up_to }
    SendMessage { thread, text, is_read }
    EditMessage { thread, text, is_read }
}
impl RequestBody for Credentials {}
impl RequestBody for SignIn {}
impl RequestBody for PasswordChange {}
impl RequestBody for OpenThread {}
impl RequestBody for MarkRead {}
impl RequestBody for SendMessage {}
impl RequestBody for EditMessage {}

// Queries.
fields! {
    Window { limit, offset }
    UserQuery { search, limit, offset }
    UnreadQuery { incoming, after, limit, offset }
    ThreadCursor { after, limit }
    MessageCursor { after, before, limit }
}

macro_rules! endpoints {
    ($(
        #[doc = $summary:literal]
        $name:ident = $access:ident $method:ident $idempotency:ident $path:literal
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
                    idempotency: Idempotency::$idempotency,
                    signed_in: <$access as Access>::SIGNED_IN,
                    takes_body: <$body as RequestBody>::EXPECTED,
                    success: &[$(StatusCode::$success),+],
                    error_statuses: &[$($(StatusCode::$refusal),+)?],
                };
            }
        )*

        /// Every endpoint, in the order of the table.
        pub const ALL: &[Spec] = &[$($name::SPEC),*];

        /// Calls the visitor with the types of each endpoint, in the order of the table.
        #[cfg(feature = "schema")]
        pub fn visit(visitor: &mut impl Visitor) {
            $(visitor.endpoint::<$name>();)*
        }
    };
}

/// The visitor of [`visit`].
#[cfg(feature = "schema")]
pub trait Visitor {
    /// Visits the endpoint `E`.
    fn endpoint<E: Endpoint>(&mut self)
    where
        E::Path: schemars::JsonSchema,
        E::Query: schemars::JsonSchema,
        E::Body: schemars::JsonSchema,
        E::Reply: schemars::JsonSchema;
}

endpoints! {
    /// Returns the addresses of the lists of threads and messages.
    GetRoot = Public GET Idempotent "/" ((), (), ()) -> Root, OK;

    /// Signs in: returns a new token.
    CreateToken = Public POST NotIdempotent "/token/" ((), (), SignIn) -> IssuedToken, OK;
    /// Signs in with a GET that has a body, as clients of the previous service do.
    GetToken = Public GET NotIdempotent "/token/" ((), (), SignIn) -> IssuedToken, OK;
    /// Signs out: revokes the token of the request.
    DeleteToken = SignedIn DELETE Idempotent "/token/" ((), (), ()) -> (), NO_CONTENT;

    /// Lists the caller's tokens, newest first.
    ListTokens = SignedIn GET Idempotent "/tokens/" ((), (), ()) -> Vec<TokenInfo>, OK;
    /// Revokes one of the caller's tokens.
    RevokeToken = SignedIn DELETE Idempotent "/tokens/{id}/" (TokenId, (), ()) -> (), NO_CONTENT;

    /// Lists users by name.
    ListUsers = SignedIn GET Idempotent "/users/" ((), UserQuery, ()) -> Page<User>, OK;
    /// Registers a user, if registration is open.
    CreateUser = Public POST NotIdempotent "/users/" ((), (), Credentials)
        -> User, CREATED, refuses FORBIDDEN;
    /// Returns the caller.
    GetMe = SignedIn GET Idempotent "/users/me/" ((), (), ()) -> User, OK;
    /// Changes the caller's password and revokes all other tokens of the caller.
    ChangePassword = SignedIn POST NotIdempotent "/users/me/password/" ((), (), PasswordChange)
        -> (), NO_CONTENT;
    /// Returns a user.
    GetUser = SignedIn GET Idempotent "/users/{id}/" (UserId, (), ()) -> User, OK;

    /// Lists the caller's threads, oldest first.
    ListThreads = SignedIn GET Idempotent "/threads/" ((), ThreadCursor, ()) -> Vec<Thread>, OK;
    /// Opens the thread with another user: 201 if it is new, 200 if it exists already.
    CreateThread = SignedIn POST Idempotent "/threads/" ((), (), OpenThread) -> Opened, CREATED OK;
    /// Returns a thread.
    GetThread = SignedIn GET Idempotent "/threads/{id}/" (ThreadId, (), ()) -> ThreadDetail, OK;
    /// Deletes a thread with all its messages.
    DeleteThread = SignedIn DELETE Idempotent "/threads/{id}/" (ThreadId, (), ()) -> (), NO_CONTENT;
    /// Lists a thread's messages, oldest first.
    ListThreadMessages = SignedIn GET Idempotent "/threads/{id}/messages/" (ThreadId, MessageCursor, ())
        -> Vec<Message>, OK;
    /// Marks the messages of other senders in a thread as read.
    MarkThreadRead = SignedIn PATCH Idempotent "/threads/{id}/mark-as-read/" (ThreadId, (), MarkRead)
        -> Marked, OK;

    /// Lists the messages of all threads of the caller.
    ListMessages = SignedIn GET Idempotent "/messages/" ((), Window, ()) -> Page<Message>, OK;
    /// Sends a message.
    CreateMessage = SignedIn POST WithKey "/messages/" ((), (), SendMessage) -> Message, CREATED,
        refuses UNPROCESSABLE_ENTITY;
    /// Lists the unread messages of all threads of the caller.
    ListUnread = SignedIn GET Idempotent "/messages/unread/" ((), UnreadQuery, ()) -> Page<Message>, OK;
    /// Returns a message.
    GetMessage = SignedIn GET Idempotent "/messages/{id}/" (MessageId, (), ()) -> Message, OK;
    /// Changes a message.
    UpdateMessage = SignedIn PATCH Idempotent "/messages/{id}/" (MessageId, (), EditMessage) -> Message, OK,
        refuses FORBIDDEN;
    /// Deletes one of the caller's messages.
    DeleteMessage = SignedIn DELETE Idempotent "/messages/{id}/" (MessageId, (), ())
        -> (), NO_CONTENT, refuses FORBIDDEN;
    /// Marks a message as read.
    MarkMessageRead = SignedIn PATCH Idempotent "/messages/{id}/mark-as-read/" (MessageId, (), ())
        -> Message, OK;
}

/// The path of the OpenAPI document below the base path.
pub const OPENAPI_PATH: &str = "/openapi.json";

#[cfg(test)]
mod tests {
    use super::{ALL, Idempotency};

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
    /// Compares the table with the contract, which is written in prose.
    #[test]
    fn only_these_endpoints_are_not_idempotent() {
        let exceptions: Vec<_> =
            ALL.iter().filter(|spec| spec.idempotency != Idempotency::Idempotent).collect();
        let exceptions: Vec<_> = exceptions.iter().map(|spec| (spec.name, spec.idempotency)).collect();
        assert_eq!(
            exceptions,
            [
                // "Each login makes a new token", by POST and by GET.
                ("CreateToken", Idempotency::NotIdempotent),
                ("GetToken", Idempotency::NotIdempotent),
                // The second registration is refused: the name is taken.
                ("CreateUser", Idempotency::NotIdempotent),
                // The second change is refused: the current password is another one.
                ("ChangePassword", Idempotency::NotIdempotent),
                // "With an Idempotency-Key header … a repeat of the same request … adds nothing".
                ("CreateMessage", Idempotency::WithKey),
            ]
        );
    }
}
