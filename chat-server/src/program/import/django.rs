//! Reads users, tokens, threads and messages from a Django dump.
//!
//! It also checks every reference.

use super::{
    dump::{self, Object},
    fields::{self, MessageFields, ThreadFields, TokenFields, UserFields},
    report::Report,
};
use anyhow::{Context, Result, bail};
use chat_core::{
    api::{MessageId, Participants, ThreadId, Timestamp, UserId},
    auth::{password, token},
    store::{Import, ImportedMessage, ImportedThread, ImportedToken, ImportedUser, PasswordHash},
};
use serde_json::Value;
use std::{
    collections::{HashMap, HashSet},
    io::Read,
};

const USER: &str = "auth.user";
const TOKEN: &str = "authtoken.token";
const THREAD: &str = "chat.thread";
const MESSAGE: &str = "chat.message";

/// Reads a whole dump and checks it.
///
/// It writes nothing. `at` is the time of the import.
///
/// # Errors
/// The error names the first invalid object, and the reason.
pub(super) fn read(source: impl Read, at: Timestamp) -> Result<(Import, Report)> {
    let mut reader = Reader::new(at);
    let digest = dump::read(source, |object| reader.take(object))?;
    reader.check(digest)
}

/// The objects that have been read so far.
///
/// Objects come in any order, so references are checked at the end.
struct Reader {
    import: Import,
    report: Report,
    objects: u64,
    users: HashSet<UserId>,
    names: HashMap<String, UserId>,
    tokens: HashSet<[u8; 32]>,
    /// Every thread, and whether it is skipped because it has no participants.
    threads: HashMap<ThreadId, bool>,
    /// A model other than `auth.user` whose objects are users.
    user_model: Option<String>,
    messages: HashSet<MessageId>,
}

impl Reader {
    fn new(at: Timestamp) -> Self {
        let (users, tokens, threads, messages) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self {
            import: Import { digest: [0; 32], at, users, tokens, threads, messages },
            report: Report::default(),
            objects: 0,
            users: HashSet::new(),
            names: HashMap::new(),
            tokens: HashSet::new(),
            threads: HashMap::new(),
            user_model: None,
            messages: HashSet::new(),
        }
    }

    fn take(&mut self, object: Object) -> Result<()> {
        self.objects += 1;
        let position = self.objects;
        let pk = object.pk.unwrap_or_default();
        // The pk of a token is the secret itself. So the error names its position in the file instead.
        let name = match &pk {
            pk if object.model == TOKEN || pk.is_null() => format!("{}, object {position}", object.model),
            pk => format!("{} {}", object.model, fields::spelling(pk)),
        };
        match object.model.as_str() {
            USER => fields::read(&object.fields).and_then(|fields| self.user(&pk, fields)),
            TOKEN => fields::read(&object.fields).and_then(|fields| self.token(&pk, &fields)),
            THREAD => fields::read(&object.fields).and_then(|fields| self.thread(&pk, &fields)),
            MESSAGE => fields::read(&object.fields).and_then(|fields| self.message(&pk, fields)),
            _ => {
                // The objects of one model are alike, so the first one is enough.
                if self.report.is_new(&object.model) && fields::are_of_a_user(&object.fields) {
                    self.user_model = Some(object.model.clone());
                }
                self.report.other(object.model);
                return Ok(());
            }
        }
        .context(name)
    }

    fn user(&mut self, pk: &Value, fields: UserFields) -> Result<()> {
        let id = UserId::new(fields::id("id", pk)?);
        let username = fields::text("username", fields.username)?;
        let created = fields::optional_time("date_joined", fields.date_joined.as_deref())?;
        let password = password::from_django(&fields::text("password", fields.password)?);
        if !self.users.insert(id) {
            bail!("it is in the file twice");
        }
        if let Some(other) = self.names.insert(username.clone(), id) {
            bail!("its username {username} is also that of {USER} {other}");
        }
        if password.is_none() {
            self.report.unusable(&username);
        }
        self.import.users.push(ImportedUser {
            id,
            username,
            password: password.unwrap_or_else(PasswordHash::unusable),
            active: fields.is_active,
            created: created.unwrap_or(self.import.at),
        });
        Ok(())
    }

    fn token(&mut self, pk: &Value, fields: &TokenFields) -> Result<()> {
        let Some(key) =
            pk.as_str().filter(|key| !key.is_empty() && key.bytes().all(|b| b.is_ascii_graphic()))
        else {
            bail!("its key is not a text of visible ASCII characters, so it cannot be sent in a header");
        };
        let hash = token::hash(key);
        if !self.tokens.insert(*hash.expose()) {
            bail!("the same token is in the file twice");
        }
        let user = UserId::new(fields::id("user", &fields.user)?);
        let created = fields::optional_time("created", fields.created.as_deref())?;
        let created = created.unwrap_or(self.import.at);
        self.import.tokens.push(ImportedToken { hash, user, created });
        Ok(())
    }

    fn thread(&mut self, pk: &Value, fields: &ThreadFields) -> Result<()> {
        let id = fields::thread_id("id", pk)?;
        let mut users = Vec::new();
        for participant in &fields.participants {
            let user = UserId::new(fields::id("participant", participant)?);
            if !users.contains(&user) {
                users.push(user);
            }
        }
        let participants = match *users {
            [] => None,
            [one] => Some(Participants::one(one)),
            [a, b] => Some(Participants::pair(a, b)),
            _ => bail!("it has {} participants; a thread has two", users.len()),
        };
        if self.threads.insert(id, participants.is_none()).is_some() {
            bail!("it is in the file twice");
        }
        let created = fields::time("created", &fields.created)?;
        let updated = fields::time("updated", &fields.updated)?;
        match participants {
            None => self.report.thread_without_participants(id),
            Some(participants) => {
                self.import.threads.push(ImportedThread { id, participants, created, updated });
            }
        }
        Ok(())
    }

    fn message(&mut self, pk: &Value, fields: MessageFields) -> Result<()> {
        let id = MessageId::new(fields::id("id", pk)?);
        if !self.messages.insert(id) {
            bail!("it is in the file twice");
        }
        self.import.messages.push(ImportedMessage {
            id,
            sender: UserId::new(fields::id("sender", &fields.sender)?),
            thread: fields::thread_id("thread", &fields.thread)?,
            text: fields::text("text", fields.text)?,
            created: fields::time("created", &fields.created)?,
            is_read: fields.is_read,
        });
        Ok(())
    }

    /// Checks every reference, and drops the messages of skipped threads.
    ///
    /// It also counts the objects for the report.
    fn check(mut self, digest: [u8; 32]) -> Result<(Import, Report)> {
        if let Some(model) = self.user_model.filter(|_| self.users.is_empty()) {
            bail!(
                "its users are of the model {model}, and not of {USER}; give each of them the model {USER} and, if it \
                 is missing, a username: sed 's/\"model\": \"{model}\"/\"model\": \"{USER}\"/g'"
            );
        }
        let known = |what: &str, user: UserId| {
            let found = self.users.contains(&user);
            if found { Ok(()) } else { bail!("its {what} {user} is not in the file") }
        };
        for token in &self.import.tokens {
            // The error names the token's user: the token itself is a secret.
            known("user", token.user).context(TOKEN)?;
        }
        for thread in &self.import.threads {
            for user in thread.participants.iter() {
                known("participant", user).with_context(|| format!("{THREAD} {}", thread.id))?;
            }
        }
        for message in &self.import.messages {
            let name = || format!("{MESSAGE} {}", message.id);
            known("sender", message.sender).with_context(name)?;
            if !self.threads.contains_key(&message.thread) {
                bail!("{}: its thread {} is not in the file", name(), message.thread);
            }
        }
        let all = self.import.messages.len();
        self.import.messages.retain(|message| self.threads.get(&message.thread) == Some(&false));
        self.import.messages.sort_unstable_by_key(|message| message.id);
        self.report.count(&self.import, all);
        self.import.digest = digest;
        Ok((self.import, self.report))
    }
}
