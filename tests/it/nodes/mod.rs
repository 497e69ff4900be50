//! Several nodes on one database: cached lists, deletions, and tokens over time.

mod deletions;
mod lists;
mod sessions;
