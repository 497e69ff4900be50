//! A log that cannot be written neither blocks nor ends the server.

use crate::program::{Program, Server, TEST_TIMEOUT, in_time};
use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
    thread,
};

/// Connects to a server.
///
/// A read fails if the server sends nothing for [`TEST_TIMEOUT`].
fn connect(address: &str) -> TcpStream {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    socket
}

/// Returns the metric of the lines that were dropped.
fn dropped_lines(address: &str) -> u64 {
    let mut socket = connect(address);
    socket.write_all(b"GET /metrics HTTP/1.1\r\nHost: chat\r\nConnection: close\r\n\r\n").unwrap();
    let mut metrics = String::new();
    socket.read_to_string(&mut metrics).unwrap();
    let line = metrics.lines().find_map(|line| line.strip_prefix("chat_log_dropped_lines_total "));
    line.unwrap().parse().unwrap()
}

/// Makes a request, which is logged at the level `info`.
fn request(server: &Server) {
    let (status, _) = server.request("GET", "/", "", "");
    assert_eq!(status, 200);
}

/// Makes many requests on one connection.
///
/// They have long ids, so that the lines of the log are long.
fn requests(server: &Server, count: usize) {
    let id = "x".repeat(128);
    let request = format!("GET /chat-api/ HTTP/1.1\r\nHost: chat\r\nX-Request-Id: {id}\r\n");
    let last = format!("{request}Connection: close\r\n\r\n");
    let sent = format!("{request}\r\n").repeat(count - 1) + &last;
    let mut socket = connect(&server.address);
    let mut writer = socket.try_clone().unwrap();
    let sender = thread::spawn(move || writer.write_all(sent.as_bytes()).unwrap());
    let mut responses = String::new();
    socket.read_to_string(&mut responses).unwrap();
    sender.join().unwrap();
    assert_eq!(responses.matches("HTTP/1.1 200 OK").count(), count);
}

/// The largest number of calls of [`requests`].
///
/// So many calls log far more than the queue and the pipe hold.
const MAX_CALLS: usize = 100;

/// Calls `request` until a line of the log was dropped, at most `max_calls` times.
///
/// Returns the number of dropped lines.
fn until_lines_are_dropped(metrics: &str, max_calls: usize, request: impl Fn()) -> u64 {
    for _ in 0..max_calls {
        request();
        let dropped = dropped_lines(metrics);
        if dropped > 0 {
            return dropped;
        }
    }
    panic!("no line of the log was dropped");
}

/// Reads the log until it has the address of the metrics. Returns the address.
fn metrics_address(server: &mut Server) -> String {
    metrics_address_in(&server.logged("metrics at http://"))
}

/// Returns the address of the metrics in a line of the log.
fn metrics_address_in(line: &str) -> String {
    let (_, rest) = line.split_once("metrics at http://").unwrap();
    rest.split_once("/metrics").unwrap().0.to_owned()
}

#[test]
fn a_reader_that_stops_reading_blocks_no_request() {
    let program = Program::new();
    let mut server = program.serve("--log trace --metrics-listen 127.0.0.1:0");
    let metrics = metrics_address(&mut server);
    assert_eq!(dropped_lines(&metrics), 0);
    // First the pipe fills, then the queue.
    until_lines_are_dropped(&metrics, MAX_CALLS, || requests(&server, 1000));
    // Nothing is read while the server stops.
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_reader_that_reads_again_gets_the_number_of_dropped_lines() {
    let program = Program::new();
    let mut server = program.serve("--log info --metrics-listen 127.0.0.1:0");
    let metrics = metrics_address(&mut server);
    let dropped = until_lines_are_dropped(&metrics, MAX_CALLS, || requests(&server, 1000));
    let line = server.logged("lines of the log were dropped");
    let (_, reported) = line.trim_end().rsplit_once("lines=").unwrap();
    assert!(dropped > 1, "{dropped}");
    assert_eq!(reported.parse(), Ok(dropped), "{line}");
}

#[test]
fn at_the_stop_a_reader_that_reads_again_gets_the_whole_queue() {
    const REQUESTS: usize = 1000;
    let program = Program::new();
    let server = program.serve("--log trace");
    requests(&server, REQUESTS);
    let (status, log, _) = server.stop("TERM");
    assert_eq!(status.code(), Some(0));
    assert!(log.len() > 64 * 1024, "the log did not fit into the pipe");
    let answered = log.lines().filter(|line| line.contains("chat_server::access")).count();
    assert_eq!(answered, REQUESTS);
    assert!(log.trim_end().ends_with("stopped"), "{}", log.lines().last().unwrap());
}

#[test]
fn a_closed_pipe_fails_no_request() {
    let program = Program::new();
    let mut server = program.serve("--log trace --metrics-listen 127.0.0.1:0");
    let metrics = metrics_address(&mut server);
    server.close_log();
    request(&server);
    request(&server);
    until_lines_are_dropped(&metrics, 1000, || request(&server));
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn the_log_continues_when_its_pipe_has_a_reader_again() {
    let program = Program::new();
    let pipe = program.path("log");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let open = move || BufReader::new(File::open(&pipe).unwrap());
    let first_reader = thread::spawn(open.clone());
    let server = serve_with_log(&program, "--metrics-listen 127.0.0.1:0 2>log");
    let log = first_reader.join().unwrap();
    let metrics = metrics_address_in(&line_with("metrics at http://", log));
    until_lines_are_dropped(&metrics, 1000, || request(&server));

    let log = open();
    request(&server);
    line_with("lines of the log were dropped", log);
}

/// Reads a log until a line contains this text. Returns the line.
///
/// Closes the log.
fn line_with(text: &'static str, log: BufReader<File>) -> String {
    let find = move || log.lines().map(Result::unwrap).find(|line| line.contains(text));
    in_time(find).flatten().unwrap_or_else(|| panic!("no line with {text:?}"))
}

/// Starts a server. The shell redirects its standard error.
fn serve_with_log(program: &Program, redirection: &str) -> Server {
    let line = format!("exec \"$0\" --demo --listen 127.0.0.1:0 --log trace {redirection}");
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &line, env!("CARGO_BIN_EXE_chat-server")]).env_clear().current_dir(program.path(""));
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    // The requests that `--demo` prints contain the address of the server.
    let mut printed = BufReader::new(child.stdout.take().unwrap());
    let address = loop {
        let mut line = String::new();
        assert_ne!(
            printed.read_line(&mut line).unwrap(),
            0,
            "the server ended before it printed its address"
        );
        if let Some((_, rest)) = line.split_once("http://") {
            break rest.split_once('/').unwrap().0.to_owned();
        }
    };
    Server { child, stderr: None, address }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_fails_no_request() {
    let program = Program::new();
    let server = serve_with_log(&program, "2>/dev/full");
    request(&server);
    request(&server);
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_closed_standard_error_fails_no_request() {
    let program = Program::new();
    let server = serve_with_log(&program, "2>&-");
    request(&server);
    request(&server);
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
}

/// Runs a command with a full pipe as standard error.
///
/// Returns its exit status, and what could be read from the pipe after it had ended.
#[cfg(target_os = "linux")]
fn run_with_full_pipe(program: &Program, line: &str) -> (Option<i32>, String) {
    // The default capacity of a pipe.
    let line = format!("head -c 65536 /dev/zero >&2; exec \"$0\" {line}");
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &line, env!("CARGO_BIN_EXE_chat-server")]).current_dir(program.path(""));
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let status = Server { child, stderr: None, address: String::new() }.wait().code();
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    (status, rest.trim_start_matches('\0').to_owned())
}

#[cfg(target_os = "linux")]
#[test]
fn a_reader_that_stops_reading_does_not_keep_a_failed_command_from_ending() {
    let program = Program::new();
    let (status, _) = run_with_full_pipe(&program, "user disable ann");
    assert_eq!(status, Some(1));
    let (status, _) = run_with_full_pipe(&program, "user unknown ann");
    assert_eq!(status, Some(2));
    let (status, _) = run_with_full_pipe(&program, "serve --listen 192.0.2.1:1 --log trace");
    assert_eq!(status, Some(1));
}
