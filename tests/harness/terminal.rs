//! A program in a pseudo-terminal.

use crate::wait::{self, TEST_TIMEOUT};
use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::{Mode, OFlags, open},
    process::WaitIdOptions,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, tcgetattr},
};
use std::{
    fs::File,
    io::{Read, Write},
    process::{Child, Command, ExitStatus},
};

/// A program whose terminal is a new pseudo-terminal. Dropping this value kills it.
#[derive(Debug)]
pub struct Terminal {
    /// The user's side of the pseudo-terminal; `None` after [`close`](Self::close).
    controller: Option<File>,
    /// The program's side of the pseudo-terminal.
    terminal: Option<File>,
    child: Child,
    shown: String,
}

impl Terminal {
    /// Runs a command as the leader of a new session.
    ///
    /// Its standard streams are a new terminal.
    pub fn run(command: &Command) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let controller = openpt(flags).expect("a pseudo-terminal");
        grantpt(&controller).expect("a pseudo-terminal");
        unlockpt(&controller).expect("a pseudo-terminal");
        let path = ptsname(&controller, Vec::new()).expect("its path");
        // The terminal must not become the controlling terminal of this process.
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let terminal = File::from(open(&path, flags, Mode::empty()).expect("its other end"));

        // `setsid` replaces itself with the program, so the process id of both is the same.
        let mut leader = Command::new("setsid");
        leader.arg("--ctty").arg(command.get_program()).args(command.get_args()).env_clear();
        leader.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(folder) = command.get_current_dir() {
            leader.current_dir(folder);
        }
        let stream = || terminal.try_clone().expect("a descriptor");
        leader.stdin(stream()).stdout(stream()).stderr(stream());
        let child = leader.spawn().expect("setsid of util-linux");
        Self { controller: Some(controller.into()), terminal: Some(terminal), child, shown: String::new() }
    }

    /// Waits until the program shows this text.
    ///
    /// Returns the output up to the end of the text, without the output that earlier calls returned.
    ///
    /// # Panics
    /// If the program shows nothing more for [`TEST_TIMEOUT`]. The message has the output.
    pub fn wait_for(&mut self, text: &str) -> String {
        let timeout = TEST_TIMEOUT.try_into().expect("a timeout");
        let mut controller = self.controller.as_ref().expect("an open terminal");
        loop {
            if let Some(at) = self.shown.find(text) {
                let rest = self.shown.split_off(at + text.len());
                return std::mem::replace(&mut self.shown, rest);
            }
            let mut ready = [PollFd::new(controller, PollFlags::IN)];
            let is_ready = poll(&mut ready, Some(&timeout)).expect("a poll") > 0;
            assert!(is_ready, "the terminal does not show {text:?}: {:?}", self.shown);
            let mut bytes = [0; 4096];
            let count = controller.read(&mut bytes).expect("the terminal");
            self.shown += &String::from_utf8_lossy(bytes.get(..count).unwrap_or_default());
        }
    }

    /// Types a text.
    pub fn type_in(&self, text: &str) {
        let mut controller = self.controller.as_ref().expect("an open terminal");
        controller.write_all(text.as_bytes()).expect("the terminal");
    }

    /// Returns whether the terminal shows what is typed.
    pub fn is_echoing(&self) -> bool {
        let terminal = self.terminal.as_ref().expect("an open terminal");
        tcgetattr(terminal).expect("a terminal").local_modes.contains(LocalModes::ECHO | LocalModes::ICANON)
    }

    /// Returns the process id of the program.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Closes the terminal, as closing its window does.
    ///
    /// The system sends SIGHUP to the program.
    pub fn close(&mut self) {
        self.terminal = None;
        self.controller = None;
    }

    /// Waits until a signal has stopped the program, as Ctrl-Z does.
    ///
    /// # Panics
    /// If it is not stopped within [`TEST_TIMEOUT`].
    pub fn wait_until_stopped(&self) {
        let status = wait::changed(&self.child, WaitIdOptions::STOPPED).expect("its status");
        assert!(status.stopped(), "{status:?}");
    }

    /// Waits until the program exits, and returns its status.
    ///
    /// # Panics
    /// If it does not exit within [`TEST_TIMEOUT`].
    pub fn wait(&mut self) -> ExitStatus {
        wait::ended(&mut self.child)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Fails if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
