//! Servers that are killed many times, at random moments, during writes.

use super::{Answers, TestClient, Writers};
use crate::stories::doctor::Findings;
use chat_tests::{Database, Program, on_both_databases, program};
use std::{
    env,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

on_both_databases!(acknowledged_messages_survive_any_number_of_kills);

const KILLS: usize = 36;

/// On Postgres two servers share the database.
///
/// Each writer chooses one of them at random for each request. One or both are killed. At the end, every list has the
/// acknowledged messages, its counts agree, and `doctor` finds no fault.
async fn acknowledged_messages_survive_any_number_of_kills(database: Database) {
    let seed = env::var("CHAT_TEST_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    print_seed(seed);
    let mut random = fastrand::Rng::with_seed(seed);
    let nodes = if database.url.starts_with("sqlite:") { 1 } else { 2 };
    let client = Arc::new(TestClient::new(&database).await);
    let serve = || Program::serve(&database, &["--no-rate-limits"]);
    let mut servers: Vec<Program> = (0..nodes).map(|_| serve()).collect();
    client.served_by(&servers);

    let mut writers = Writers::start(&client, 12, Answers::UnlessKilled, &mut random);
    let mut killed = 0;
    while killed < KILLS {
        // The kill comes shortly after an acknowledgement, during other requests.
        writers.more(random.usize(..60)).await;
        tokio::time::sleep(Duration::from_micros(random.u64(..3000))).await;
        for _ in 0..random.usize(1..=nodes) {
            servers.remove(random.usize(..servers.len())).kill();
            killed += 1;
        }
        client.served_by(&servers);
        if random.bool() {
            kill_while_it_starts(&database, Duration::from_micros(random.u64(..40_000))).await;
            killed += 1;
        }
        while servers.len() < nodes {
            servers.push(serve());
        }
        client.served_by(&servers);
    }
    writers.more(50).await;
    writers.finish().await;
    assert_eq!(Findings::of(&database, &[]).faults(), []);
    for server in servers {
        server.stop();
    }
    assert_eq!(Findings::of(&database, &[]).faults(), []);
}

async fn kill_while_it_starts(database: &Database, after: Duration) {
    let mut command: Command = program::chat_server(database, &["serve", "--listen", "127.0.0.1:0"]);
    let mut server = command.stderr(Stdio::null()).spawn().unwrap();
    tokio::time::sleep(after).await;
    server.kill().unwrap();
    server.wait().unwrap();
}

/// Prints the seed, which is shown when the test fails.
///
/// The same seed repeats the same kills, but not at exactly the same times.
#[expect(clippy::print_stdout, reason = "what a test prints is shown when it fails")]
fn print_seed(seed: u64) {
    println!("CHAT_TEST_SEED={seed}");
}
