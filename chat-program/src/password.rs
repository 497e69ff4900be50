//! A prompt for a password on the terminal of the process.

use std::io;

/// Maximum number of bytes that are read as a password.
///
/// It is far higher than the limit of the server, so that a password that is too long is detected.
#[cfg(unix)]
const MAX_BYTES: u64 = 64 * 1024;

/// Asks for a password on the terminal of the process, with the echo turned off.
///
/// If a signal ends or stops the process meanwhile (Ctrl-C, Ctrl-\, Ctrl-Z, SIGTERM, SIGHUP), the echo is turned on
/// again first.
///
/// # Errors
/// - `UnexpectedEof` if no line was typed (Ctrl-D).
/// - `InvalidData` if the line is not UTF-8.
/// - `FileTooLarge` if the line has more than 64 KiB.
/// - The errors of the terminal, for example if the process has no terminal.
pub fn ask_password(prompt: &str) -> io::Result<String> {
    #[cfg(unix)]
    return unix::ask(prompt);
    #[cfg(not(unix))]
    return rpassword::prompt_password(prompt);
}

#[cfg(unix)]
mod unix {
    use crate::stdin::line_of;
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
    use signal_hook::{
        consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP},
        iterator::Signals,
        low_level::emulate_default_handler,
    };
    use std::{
        fs::File,
        io::{self, BufReader, ErrorKind, Write},
        sync::{Mutex, MutexGuard, PoisonError},
        thread,
    };

    /// The prompt that the terminal shows, if there is one.
    static CURRENT: Mutex<Option<Prompt>> = Mutex::new(None);
    /// Whether the thread that handles the signals has been started.
    ///
    /// It runs until the process ends.
    static HAS_HANDLER: Mutex<bool> = Mutex::new(false);

    struct Prompt {
        terminal: File,
        text: String,
        /// The settings of the terminal before the prompt.
        before: Termios,
    }

    impl Prompt {
        /// Turns off the echo of the terminal, and shows the prompt.
        fn show(&self) -> io::Result<()> {
            let mut hidden = self.before.clone();
            hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL);
            // With IUTF8 the erase key (Backspace) erases a whole character, even if it has several bytes.
            #[cfg(any(target_os = "linux", target_os = "macos"))]
            hidden.input_modes.insert(rustix::termios::InputModes::IUTF8);
            tcsetattr(&self.terminal, OptionalActions::Now, &hidden)?;
            (&self.terminal).write_all(self.text.as_bytes())
        }

        /// Restores the settings of the terminal, and begins a new line.
        ///
        /// The newline that was typed was not shown.
        fn restore(&self) {
            // This fails if the terminal has been closed. It then has no settings to restore.
            let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
            let _ = (&self.terminal).write_all(b"\n");
        }
    }

    /// Removes the prompt when it is dropped, and restores the terminal.
    struct RestoreOnDrop;

    impl Drop for RestoreOnDrop {
        fn drop(&mut self) {
            if let Some(prompt) = current().take() {
                prompt.restore();
            }
        }
    }

    fn current() -> MutexGuard<'static, Option<Prompt>> {
        CURRENT.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ask(text: &str) -> io::Result<String> {
        handle_signals()?;
        let terminal = File::options().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&terminal)?;
        let reader = terminal.try_clone()?;
        let prompt = Prompt { terminal, text: text.to_owned(), before };
        let _restore = RestoreOnDrop;
        {
            let mut current = current();
            current.insert(prompt).show()?;
        }
        line_of(&mut BufReader::new(reader), super::MAX_BYTES)?.ok_or_else(|| ErrorKind::UnexpectedEof.into())
    }

    /// Starts the thread that restores the terminal at a signal, if it does not run.
    fn handle_signals() -> io::Result<()> {
        let mut has_handler = HAS_HANDLER.lock().unwrap_or_else(PoisonError::into_inner);
        if *has_handler {
            return Ok(());
        }
        let mut signals = Signals::new([SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP])?;
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in signals.forever() {
                let current = current();
                if let Some(prompt) = current.as_ref() {
                    prompt.restore();
                }
                // Ends the process, as the signal does without a handler. SIGTSTP stops it instead; the call then
                // returns when the process is continued.
                let _ = emulate_default_handler(signal);
                if let Some(prompt) = current.as_ref() {
                    // If the prompt cannot be shown, the read of the password fails too.
                    let _ = prompt.show();
                }
            }
        })?;
        *has_handler = true;
        Ok(())
    }
}
