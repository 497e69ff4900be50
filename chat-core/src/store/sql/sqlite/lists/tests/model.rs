//! The model of a database: its threads, messages and idempotency keys in plain maps.

use crate::{
    api::{Message, MessageId, Participants, ThreadDetail, ThreadId, Timestamp, UserId},
    store::{
        Changed, Counted, IdempotencyKey, MessageChange, MessageRange, NewMessage, Sent, Slice, StoreError,
        UnreadFilter,
    },
};
use std::collections::BTreeMap;

#[derive(Debug, Default, Clone)]
pub(super) struct Model {
    pub(super) threads: BTreeMap<ThreadId, ThreadDetail>,
    pub(super) messages: BTreeMap<MessageId, Message>,
    pub(super) keys: BTreeMap<MessageId, IdempotencyKey>,
}

impl Model {
    fn participants(&self, thread: ThreadId, user: UserId) -> Option<Participants> {
        let thread = self.threads.get(&thread).filter(|thread| thread.participants.contains(user))?;
        Some(thread.participants)
    }

    fn visible(&self, user: UserId, id: MessageId) -> Option<(Message, Participants)> {
        let message = self.messages.get(&id)?;
        Some((message.clone(), self.participants(message.thread, user)?))
    }

    /// Sends a message; `id` is the id that it gets if it is inserted.
    pub(super) fn send(&mut self, new: &NewMessage, id: MessageId) -> Result<Sent, StoreError> {
        let participants = self.participants(new.thread, new.sender).ok_or(StoreError::NotFound)?;
        if let Some(key) = &new.key {
            let earlier = self.keys.iter().find(|(id, earlier)| {
                earlier.key == key.key && self.messages.get(id).is_some_and(|m| m.sender == new.sender)
            });
            if let Some((id, earlier)) = earlier {
                if earlier.request != key.request {
                    return Err(StoreError::KeyReused);
                }
                return Ok(Sent { message: self.messages[id].clone(), replayed: true, participants });
            }
            self.keys.insert(id, key.clone());
        }
        let message = new.to_message(id);
        self.messages.insert(id, message.clone());
        let thread = self.threads.get_mut(&new.thread).unwrap();
        let later = Timestamp::from_micros(thread.updated.as_micros() + 1);
        thread.updated = new.created.max(later);
        Ok(Sent { message, replayed: false, participants })
    }

    pub(super) fn mark(&mut self, user: UserId, id: MessageId) -> Option<Changed<Message>> {
        let (mut value, participants) = self.visible(user, id)?;
        value.is_read = true;
        self.messages.insert(id, value.clone());
        Some(Changed { value, participants })
    }

    pub(super) fn mark_thread(
        &mut self,
        user: UserId,
        thread: ThreadId,
        up_to: Option<MessageId>,
    ) -> Option<Changed<u64>> {
        let participants = self.participants(thread, user)?;
        let mut value = 0;
        for message in self.messages.values_mut() {
            let is_meant = message.thread == thread && message.sender != user && !message.is_read;
            if is_meant && up_to.is_none_or(|up_to| message.id <= up_to) {
                message.is_read = true;
                value += 1;
            }
        }
        Some(Changed { value, participants })
    }

    pub(super) fn update(
        &mut self,
        user: UserId,
        id: MessageId,
        change: &MessageChange,
    ) -> Option<Changed<Message>> {
        let (mut value, participants) = self.visible(user, id)?;
        if change.text.is_some() && value.sender != user {
            return None;
        }
        value.text = change.text.clone().unwrap_or(value.text);
        value.is_read = change.is_read.unwrap_or(value.is_read);
        self.messages.insert(id, value.clone());
        Some(Changed { value, participants })
    }

    pub(super) fn delete_message(&mut self, user: UserId, id: MessageId) -> Option<Changed<ThreadId>> {
        let (message, participants) = self.visible(user, id).filter(|(m, _)| m.sender == user)?;
        self.messages.remove(&id);
        self.keys.remove(&id);
        Some(Changed { value: message.thread, participants })
    }

    pub(super) fn delete_thread(&mut self, id: ThreadId) {
        self.threads.remove(&id);
        self.retain(|message| message.thread != id);
    }

    pub(super) fn delete_user(&mut self, user: UserId) {
        self.threads.retain(|_, thread| !thread.participants.contains(user));
        let threads = self.threads.clone();
        self.retain(|message| message.sender != user && threads.contains_key(&message.thread));
    }

    fn retain(&mut self, keep: impl Fn(&Message) -> bool) {
        self.messages.retain(|_, message| keep(message));
        self.keys.retain(|id, _| self.messages.contains_key(id));
    }

    pub(super) fn message(&self, user: UserId, id: MessageId) -> Option<Message> {
        Some(self.visible(user, id)?.0)
    }

    pub(super) fn page(
        &self,
        user: UserId,
        thread: ThreadId,
        range: MessageRange,
        limit: u64,
    ) -> Option<Vec<Message>> {
        self.participants(thread, user)?;
        let of_thread = self.messages.values().filter(|message| message.thread == thread).cloned();
        let limit = usize::try_from(limit).unwrap();
        Some(match range {
            MessageRange::Oldest => of_thread.take(limit).collect(),
            MessageRange::After(after) => of_thread.filter(|m| m.id > after).take(limit).collect(),
            MessageRange::Between { after, before } => {
                of_thread.filter(|m| m.id > after && m.id < before).take(limit).collect()
            }
            MessageRange::Before(before) => {
                let mut page: Vec<_> = of_thread.rev().filter(|m| m.id < before).take(limit).collect();
                page.reverse();
                page
            }
        })
    }

    fn of_user(&self, user: UserId) -> impl Iterator<Item = &Message> {
        self.messages.values().filter(move |message| self.participants(message.thread, user).is_some())
    }

    pub(super) fn all(&self, user: UserId, slice: Slice) -> Counted<Message> {
        part(self.of_user(user).cloned().collect(), MessageId::new(0), slice)
    }

    pub(super) fn unread(
        &self,
        user: UserId,
        filter: UnreadFilter,
        after: MessageId,
        slice: Slice,
    ) -> Counted<Message> {
        let is_in = |m: &&Message| !m.is_read && (filter == UnreadFilter::All || m.sender != user);
        part(self.of_user(user).filter(is_in).cloned().collect(), after, slice)
    }
}

fn part(list: Vec<Message>, after: MessageId, slice: Slice) -> Counted<Message> {
    let count = list.len() as u64;
    let (skip, limit) = (usize::try_from(slice.offset).unwrap(), usize::try_from(slice.limit).unwrap());
    let items = list.into_iter().filter(|message| message.id > after).skip(skip).take(limit).collect();
    Counted { count, items }
}
