//! Threads and messages in the model.

use super::{
    perform::{Answer, Outcome, Refusal},
    state::{Model, ModelMessage},
};
use chat_core::{
    OpenedThread, Resource,
    api::{FieldErrors, Message, MessageId, Participants, ThreadDetail, ThreadId, UserId, error_text},
    store::{MessageRange, Sent},
};
use std::time::Duration;
use uuid::Uuid;

pub(super) const NO_THREAD: Refusal = Refusal::NotFound(Resource::Thread);

impl Model {
    pub(super) fn open(&mut self, by: UserId, with: UserId, actual: Option<&Answer>) -> Outcome {
        let wrong = |message| Refusal::Invalid(FieldErrors::one("participant", message));
        if by == with {
            return Err(wrong(error_text::THREAD_WITH_SELF.to_owned()));
        }
        if !self.users.contains_key(&with) {
            return Err(wrong(error_text::no_such_pk(with)));
        }
        self.person(by)?;
        if let Some(id) = self.between(by, with) {
            return Ok(Answer::Opened(OpenedThread { id, created: false }));
        }
        let id = match actual {
            Some(Answer::Opened(opened)) => opened.id,
            _ => ThreadId::new(Uuid::max()),
        };
        let participants = Participants::pair(by, with);
        self.threads.push(ThreadDetail { id, created: self.now, updated: self.now, participants });
        Ok(Answer::Opened(OpenedThread { id, created: true }))
    }

    pub(super) fn drop_thread(&mut self, id: ThreadId) {
        self.threads.retain(|thread| thread.id != id);
        self.messages.retain(|_, stored| stored.message.thread != id);
        self.last_deleted_thread = Some(id);
    }

    pub(crate) fn page_of_threads(&self, by: UserId, after: Option<ThreadId>, limit: u64) -> Outcome {
        let mut threads = self.threads_of(by);
        if let Some(after) = after {
            let place = threads.iter().position(|thread| thread.id == after);
            let place =
                place.ok_or(Refusal::Invalid(FieldErrors::one("after", error_text::INVALID_CURSOR)))?;
            threads.drain(..=place);
        }
        let limit = limit as usize;
        let next = (threads.len() > limit).then(|| threads[limit - 1].id);
        threads.truncate(limit);
        Ok(Answer::Threads { json: serde_json::to_string(&threads).unwrap(), next })
    }

    pub(crate) fn page_of_messages(
        &self,
        by: UserId,
        thread: ThreadId,
        range: MessageRange,
        limit: u64,
    ) -> Outcome {
        self.thread_of(by, thread).ok_or(NO_THREAD)?;
        let (mut page, limit) = (self.messages_in(thread), limit as usize);
        let next = match range {
            MessageRange::Before(id) => {
                page.retain(|message| message.id < id);
                let older = page.len().saturating_sub(limit);
                page.drain(..older);
                (older > 0).then(|| page[0].id)
            }
            MessageRange::After(_) | MessageRange::Oldest | MessageRange::Between { .. } => {
                page.retain(|message| match range {
                    MessageRange::After(id) => message.id > id,
                    MessageRange::Between { after, before } => message.id > after && message.id < before,
                    _ => true,
                });
                let more = page.len() > limit;
                page.truncate(limit);
                more.then(|| page[limit - 1].id)
            }
        };
        Ok(Answer::ThreadMessages { json: serde_json::to_string(&page).unwrap(), next })
    }

    pub(super) fn send(
        &mut self,
        by: UserId,
        request: (ThreadId, &'static str, bool),
        key: Option<&'static str>,
        actual: Option<&Answer>,
    ) -> Outcome {
        let (thread, text, is_read) = request;
        let participants = self.thread_of(by, thread).ok_or(NO_THREAD)?.participants;
        let earlier = self.messages.values().find(|stored| stored.message.sender == by && stored.key == key);
        if let Some(earlier) = earlier.filter(|_| key.is_some()) {
            if earlier.request != request {
                return Err(Refusal::KeyReused);
            }
            return Ok(Answer::Sent(Sent { message: earlier.message.clone(), replayed: true, participants }));
        }
        let highest = self.message_ids.last().map_or(0, |id| id.get());
        let id = match actual {
            Some(Answer::Sent(sent)) if sent.message.id.get() > highest => sent.message.id,
            _ => MessageId::new(highest + 1),
        };
        let text_now = text.to_owned();
        let message = Message { id, sender: by, thread, text: text_now, created: self.now, is_read };
        self.messages.insert(id, ModelMessage { message: message.clone(), key, request });
        self.message_ids.push(id);
        for changed in self.threads.iter_mut().filter(|changed| changed.id == thread) {
            changed.updated = self.now.max(changed.updated.plus(Duration::from_micros(1)));
        }
        Ok(Answer::Sent(Sent { message, replayed: false, participants }))
    }

    pub(super) fn visible(&mut self, by: UserId, id: MessageId) -> Result<&mut Message, Refusal> {
        let no_message = Refusal::NotFound(Resource::Message);
        let thread = self.messages.get(&id).map(|stored| stored.message.thread);
        if thread.and_then(|thread| self.thread_of(by, thread)).is_none() {
            return Err(no_message);
        }
        self.messages.get_mut(&id).map(|stored| &mut stored.message).ok_or(no_message)
    }
}

/// Returns a page of a list, with the count of the whole list.
pub(crate) fn slice(all: &[&Message], limit: u64, offset: u64) -> Answer {
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    let part: Vec<_> = all.iter().skip(offset).take(limit as usize).collect();
    Answer::Messages { json: serde_json::to_string(&part).unwrap(), count: all.len() as u64 }
}
