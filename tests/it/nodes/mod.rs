//! Several nodes on one database: lists that each node caches, and tokens over time.

mod lists;
mod sessions;
