//! What every command works with: the server, the session and the output, sorted out once.

use crate::{
    failure::{Failure, Kind, Result},
    global::Global,
    output::Output,
    session::{Profile, Session},
};
use chat_client::{Client, Token};

const DEFAULT_SERVER: &str = "http://127.0.0.1:8000";

pub(crate) struct Context {
    /// A client of the server, signed in where there is a token for it.
    pub(crate) client: Client,
    pub(crate) out: Output,
    pub(crate) profile: Profile,
    /// Whether the token was given for this call, so that the session does not count.
    pub(crate) token_given: bool,
}

impl Context {
    pub(crate) fn new(global: Global) -> Result<Self> {
        // A variable set to nothing is as good as not set.
        let profile = Profile::new(global.profile.as_deref().filter(|name| !name.is_empty()))?;
        let server = global.server.filter(|server| !server.trim().is_empty());
        let token = global.token.filter(|token| !token.expose().is_empty());
        // Told all it could say, nobody needs a session that can be read.
        let session = if server.is_some() && token.is_some() { None } else { profile.load()? };

        let server = server
            .as_deref()
            .or(session.as_ref().map(|session| session.server.as_str()))
            .unwrap_or(DEFAULT_SERVER);
        let client =
            Client::builder(server).user_agent(concat!("chat-cli/", env!("CARGO_PKG_VERSION"))).build()?;
        let token_given = token.is_some();
        let token = token.or_else(|| session_token(session, client.server()));
        let client = match token {
            Some(token) => client.with_token(token)?,
            None => client,
        };
        Ok(Self { client, out: Output::new(global.json), profile, token_given })
    }

    /// The client, provided that somebody is signed in.
    pub(crate) fn signed_in(&self) -> Result<&Client> {
        match self.client.token() {
            Some(_) => Ok(&self.client),
            None => Err(Failure::new(Kind::NotAllowed, format!("not signed in to {}", self.client.server()))
                .hint(format!("run {}", self.login_command("NAME")))),
        }
    }

    /// Signs in and keeps the session for the calls to come.
    pub(crate) async fn sign_in(&self, username: &str, password: &str, token_name: &str) -> Result<Client> {
        let client = self.client.sign_in(username, password).token_name(token_name).await?;
        if let Err(failure) = self.keep(&client) {
            // Kept nowhere, the token would stay valid for nobody; that it could not be kept is what matters.
            let _ = client.sign_out().await;
            return Err(failure);
        }
        if self.token_given {
            self.out.note("the token in CHAT_TOKEN or --token goes before the session just made");
        }
        Ok(client)
    }

    fn keep(&self, client: &Client) -> Result<()> {
        match client.token() {
            Some(token) => {
                self.profile.save(&Session { server: client.server().to_owned(), token: token.clone() })
            }
            None => Ok(()),
        }
    }

    /// How to sign in under the profile in use.
    pub(crate) fn login_command(&self, username: &str) -> String {
        if self.profile.is_default() {
            format!("chat-cli login {username}")
        } else {
            format!("chat-cli login {username} --profile {}", self.profile.name())
        }
    }
}

/// The session's token, if it came from this server.
fn session_token(session: Option<Session>, server: &str) -> Option<Token> {
    session.filter(|session| session.server == server).map(|session| session.token)
}
