//! The `chat-server` program: serves the chat over HTTP and administers its database.

mod program;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    program::main()
}
