//! The examples are the programs in `examples/`; each runs by itself and checks what it shows.
