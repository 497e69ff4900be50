//! The options of every command.

use chat_client::Token;
use clap::Args;

/// The server, the identity and the output format.
#[derive(Args)]
pub(crate) struct Global {
    /// Server address [default: the server of the session, else http://127.0.0.1:8000]
    #[arg(long, global = true, value_name = "URL", env = "CHAT_SERVER_URL", help_heading = "Global options")]
    pub(crate) server: Option<String>,

    /// Use this token instead of the saved session. Prefer CHAT_TOKEN: other users can read command-line arguments
    #[arg(long, global = true, value_name = "TOKEN", env = "CHAT_TOKEN", hide_env_values = true)]
    #[arg(help_heading = "Global options", value_parser = |text: &str| Ok::<_, String>(Token::new(text.trim())))]
    pub(crate) token: Option<Token>,

    /// Name of the session to use: letters, digits, - and _ [default: default]
    #[arg(long, global = true, value_name = "NAME", env = "CHAT_PROFILE", help_heading = "Global options")]
    pub(crate) profile: Option<String>,

    /// Print the result as one JSON document; users, threads, messages and tokens are as in the HTTP API
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) json: bool,
}
