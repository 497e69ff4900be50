//! Memory use of signing in.

use chat_tests::{Database, Program};
use std::fs;

const SIGN_INS: usize = 12;
const MOST_KIB: u64 = 100 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_of_password_hashing_is_returned_to_the_system() {
    let server = Program::serve(&Database::sqlite(), &["--no-rate-limits"]);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/chat-api/token/", server.url);
    for _ in 0..SIGN_INS {
        let form = http.post(&url).header("Content-Type", "application/x-www-form-urlencoded");
        let answer = form.body("username=unknown&password=1234").send().await.unwrap();
        assert_eq!(answer.status(), 400);
    }
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let resident: u64 = resident.trim().strip_suffix(" kB").unwrap().parse().unwrap();
    assert!(resident < MOST_KIB, "{resident} KiB after {SIGN_INS} sign-ins, of 19 MiB each");
    server.stop();
}
