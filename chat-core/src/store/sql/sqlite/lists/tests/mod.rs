//! Tests of all steps together, on real files.

mod fixture;
mod history;
mod migration;
mod model;
mod readers;
mod stop;
