//! Several nodes on one database: cached lists, and tokens over time.

mod lists;
mod sessions;
