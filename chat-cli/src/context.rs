//! The context of a command: the client of the server, the session and the output.

use crate::{
    failure::{Failure, FailureKind, Result},
    global::Global,
    output::Output,
    session::{Profile, SavedSession},
};
use chat_client::{Client, Token};

const DEFAULT_SERVER: &str = "http://127.0.0.1:8000";

pub(crate) struct Context {
    /// A client of the server, with a token if there is one for this server.
    pub(crate) client: Client,
    pub(crate) out: Output,
    pub(crate) profile: Profile,
    /// Whether the token came from an option or a variable, and not from the session.
    pub(crate) token_given: bool,
}

impl Context {
    pub(crate) fn new(global: Global) -> Result<Self> {
        // An empty option counts as not given.
        let profile = Profile::new(global.profile.as_deref().filter(|name| !name.is_empty()))
            .map_err(|failure| failure.given_by("--profile or CHAT_PROFILE"))?;
        let server = global.server.filter(|server| !server.trim().is_empty());
        let token = global.token.filter(|token| !token.expose().is_empty());
        // If both are given, the session is not read, so that an unreadable session file is no error.
        let session = if server.is_some() && token.is_some() { None } else { profile.load()? };

        let is_server_given = server.is_some();
        let server = server
            .as_deref()
            .or(session.as_ref().map(|session| session.server.as_str()))
            .unwrap_or(DEFAULT_SERVER);
        let client = Client::builder(server).user_agent(concat!("chat-cli/", env!("CARGO_PKG_VERSION")));
        let client = client.build().map_err(|error| match Failure::from(error) {
            // Other failures have their cause on this machine, such as missing certificates.
            failure if is_server_given && failure.kind() == FailureKind::Usage => {
                failure.given_by("--server or CHAT_SERVER_URL")
            }
            failure => failure,
        })?;
        let token_given = token.is_some();
        let token = token.or_else(|| session_token(session, client.server()));
        let client = match token {
            Some(token) => client.with_token(token).map_err(|error| match Failure::from(error) {
                failure if token_given => failure.given_by("--token or CHAT_TOKEN"),
                failure => failure
                    .given_by("the session")
                    .with_hint(format!("run {}", profile.login_command("NAME"))),
            })?,
            None => client,
        };
        Ok(Self { client, out: Output::new(global.json), profile, token_given })
    }

    /// Returns the client if it has a token.
    pub(crate) fn signed_in(&self) -> Result<&Client> {
        match self.client.token() {
            Some(_) => Ok(&self.client),
            None => Err(Failure::new(
                FailureKind::NotAllowed,
                format!("not signed in to {}", self.client.server()),
            )
            .with_hint(format!("run {}", self.profile.login_command("NAME")))),
        }
    }

    /// Signs in and saves the session.
    pub(crate) async fn sign_in(&self, username: &str, password: &str, token_name: &str) -> Result<Client> {
        let client = self.client.sign_in(username, password).token_name(token_name).await?;
        if let Err(failure) = self.save_session(&client) {
            // A token that was not saved cannot be used again, so it is revoked. Only the failure to save is reported.
            let _ = client.sign_out().await;
            return Err(failure);
        }
        if self.token_given {
            self.out.note("CHAT_TOKEN or --token is set and overrides the session that was just saved");
        }
        Ok(client)
    }

    fn save_session(&self, client: &Client) -> Result<()> {
        match client.token() {
            Some(token) => {
                self.profile.save(&SavedSession { server: client.server().to_owned(), token: token.clone() })
            }
            None => Ok(()),
        }
    }
}

/// Returns the token of the session if `server` issued it.
fn session_token(session: Option<SavedSession>, server: &str) -> Option<Token> {
    session.filter(|session| session.server == server).map(|session| session.token)
}
