//! Users and tokens in the model.

use super::{
    operations::Who,
    perform::{Answer, Outcome, Refusal},
    state::{Model, ModelToken, ModelUser},
};
use chat_core::{
    Resource,
    api::{FieldErrors, TokenId, User, UserId, error_text, limits},
    store::Counted,
};

pub(super) const NO_USER: Refusal = Refusal::NotFound(Resource::User);

pub(super) fn invalid(field: &str, message: impl Into<String>) -> Refusal {
    Refusal::Invalid(FieldErrors::one(field, message))
}

impl ModelToken {
    pub(super) fn is(&self, key: &str) -> bool {
        self.secret.as_ref().is_some_and(|secret| secret.expose() == key)
    }
}

impl Model {
    pub(super) fn person(&mut self, id: UserId) -> Result<&mut ModelUser, Refusal> {
        self.users.get_mut(&id).ok_or(NO_USER)
    }

    pub(super) fn name_holder(&self, name: &str) -> Option<UserId> {
        let mut users = self.users.iter();
        users.find(|(_, person)| person.name.eq_ignore_ascii_case(name)).map(|(id, _)| *id)
    }

    pub(super) fn register(&mut self, who: Who, password: &'static str, actual: Option<&Answer>) -> Outcome {
        let name = who.name(false);
        let mut errors = FieldErrors::new();
        if self.name_holder(name).is_some() {
            errors.push("username", error_text::USERNAME_TAKEN);
        }
        if password.chars().count() < limits::PASSWORD_MIN {
            errors.push("password", error_text::PASSWORD_TOO_SHORT);
        }
        errors.into_result().map_err(Refusal::Invalid)?;
        let id = match actual {
            Some(Answer::User(user)) if user.id.get() > self.highest_user => user.id,
            _ => UserId::new(self.highest_user + 1),
        };
        let (name, created) = (name.to_owned(), self.now);
        let person =
            ModelUser { name: name.clone(), password: Some(password), active: true, created, tokens: 0 };
        self.users.insert(id, person);
        self.ids.insert(who, id);
        self.highest_user = id.get();
        Ok(Answer::User(User { id, username: name }))
    }

    pub(super) fn change_password(
        &mut self,
        token: usize,
        current: &'static str,
        new: &'static str,
    ) -> Outcome {
        let key = self.secret(token).to_owned();
        let user = self.authenticate(&key)?;
        let person = self.person(user)?;
        let mut errors = FieldErrors::new();
        if person.password != Some(current) {
            errors.push("current", error_text::WRONG_PASSWORD);
        }
        if new.chars().count() < limits::PASSWORD_MIN {
            errors.push("new", error_text::PASSWORD_TOO_SHORT);
        }
        errors.into_result().map_err(Refusal::Invalid)?;
        person.password = Some(new);
        self.tokens.retain(|token| token.user != user || token.is(&key));
        Ok(Answer::Done)
    }

    pub(super) fn found(&self, search: &str, limit: u64, offset: u64) -> Counted<User> {
        let search = search.to_ascii_lowercase();
        let mut found: Vec<User> = self
            .users
            .iter()
            .filter(|(_, person)| person.name.to_ascii_lowercase().starts_with(&search))
            .map(|(id, person)| User { id: *id, username: person.name.clone() })
            .collect();
        found.sort_by(|a, b| a.username.cmp(&b.username));
        let count = found.len() as u64;
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        Counted { count, items: found.into_iter().skip(offset).take(limit as usize).collect() }
    }

    /// Issues a new token, and removes the expired ones.
    pub(super) fn issue(
        &mut self,
        user: UserId,
        name: Option<&'static str>,
        actual: Option<&Answer>,
    ) -> Outcome {
        let now = self.now;
        let person = self.person(user)?;
        person.tokens += 1;
        let id = TokenId::new(person.tokens);
        self.tokens.retain(|token| token.user != user || token.expires() > now);
        let secret = match actual {
            Some(Answer::Token(secret)) if !self.secrets.contains(secret) => Some(secret.clone()),
            _ => None,
        };
        self.secrets.extend(secret.clone());
        let answer = secret.clone().unwrap_or(chat_core::api::Token::new("one that was never there before"));
        self.tokens.push(ModelToken { secret, user, id, name, created: now, last_used: now });
        Ok(Answer::Token(answer))
    }

    pub(crate) fn authenticate(&mut self, key: &str) -> Result<UserId, Refusal> {
        let now = self.now;
        let token = self.tokens.iter_mut().find(|token| token.is(key) && token.expires() > now);
        let token = token.ok_or(Refusal::InvalidToken)?;
        if !self.users.get(&token.user).is_some_and(|person| person.active) {
            return Err(Refusal::InactiveUser);
        }
        token.last_used = now;
        Ok(token.user)
    }
}
