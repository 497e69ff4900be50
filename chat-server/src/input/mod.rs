//! Reads request bodies and the values in them.
//!
//! A client of the previous service may send a number as text, a form instead of JSON, and more. The modules here
//! accept this as Django REST Framework (DRF) does, and use its error texts. Unlike DRF, they refuse
//! `multipart/form-data`, and numbers with underscores or non-ASCII digits.
//!
//! A body is read in three steps. [`RequestBody`] receives it. [`ReadBody`] splits it into the fields of its type in
//! the endpoint table. Each [`Field`] is a typed value or the errors of that field. The handler adds the errors that
//! need the database, and then joins the fields.
//!
//! All bodies are read this way. Reading the body of a send takes 3.2 thousand of the 64 thousand instructions of the
//! send. A separate fast path for well-formed bodies would still parse the JSON and the thread id. So it would save
//! less than 5 % of the instructions.

mod bodies;
mod error;
mod field;
mod form;
mod json;
pub(crate) mod number;
mod receive;
mod value;

pub(crate) use self::{
    bodies::{
        CredentialsFields, EditMessageFields, MarkReadFields, OpenThreadFields, PasswordChangeFields,
        ReadBody, SendMessageFields, SignInFields,
    },
    error::ReadBodyError,
    field::{Field, Spelled, join3},
    receive::{ReceivedBody, RequestBody},
};
