//! Serves the chat over HTTP and administers its database.

mod program;

fn main() -> std::process::ExitCode {
    program::main()
}
