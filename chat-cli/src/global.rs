//! The options that hold for every command.

use chat_client::Token;
use clap::Args;

/// Where to chat, as whom, and how to say it.
#[derive(Args)]
pub(crate) struct Global {
    /// The server's address [default: that of the session, else http://127.0.0.1:8000]
    #[arg(long, global = true, value_name = "URL", env = "CHAT_SERVER_URL", help_heading = "Global options")]
    pub(crate) server: Option<String>,

    /// Act by this token instead of the session's. Other people on this machine can see options, not variables
    #[arg(long, global = true, value_name = "TOKEN", env = "CHAT_TOKEN", hide_env_values = true)]
    #[arg(help_heading = "Global options", value_parser = |text: &str| Ok::<_, String>(Token::new(text.trim())))]
    pub(crate) token: Option<Token>,

    /// Whose session to use, where there are several: letters, digits, - and _ [default: default]
    #[arg(long, global = true, value_name = "NAME", env = "CHAT_PROFILE", help_heading = "Global options")]
    pub(crate) profile: Option<String>,

    /// Print one JSON document, in the shapes of the HTTP API
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) json: bool,
}
