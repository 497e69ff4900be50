//! Instructions for a request, counted by valgrind: they hold still where times do not, so that a change of two per cent
//! shows. `cargo bench -p chat-bench`; `cargo bench -p chat-bench -- send page` counts these alone.
//!
//! Each kind of request is run a few times and many times; the difference divided by the number is what one costs,
//! without the start of the program. The figures of the previous run are kept beside the build and compared with.

use anyhow::{Context, Result, ensure};
use std::{collections::BTreeMap, env, fs, path::Path, process::Command};

const PROGRAM: &str = env!("CARGO_BIN_EXE_chat-bench");
const CALLS: [&str; 9] =
    ["send", "mark", "page", "newest", "page-cold", "unread", "unread-cold", "threads", "threads-cold"];
/// Requests in the short run and in the long one.
const FEW: u64 = 100;
const MANY: u64 = 500;

#[expect(clippy::print_stdout, reason = "this is what it is for")]
fn main() -> Result<()> {
    let wanted: Vec<String> = env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("instructions.json");
    let mut last: BTreeMap<String, f64> =
        fs::read(&kept).ok().and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default();
    println!("{:<12} {:>14} {:>10}", "request", "instructions", "change");
    for call in CALLS {
        if !wanted.is_empty() && !wanted.iter().any(|wanted| wanted == call) {
            continue;
        }
        let each = (count(call, MANY)? as f64 - count(call, FEW)? as f64) / (MANY - FEW) as f64;
        let change = last.insert(call.to_owned(), each).map(|before| (each / before - 1.0) * 100.0);
        println!(
            "{call:<12} {each:>14.0} {:>10}",
            change.map_or(String::new(), |change| format!("{change:+.2} %"))
        );
    }
    fs::write(kept, serde_json::to_vec(&last)?)?;
    Ok(())
}

/// The instructions of a whole run.
fn count(call: &str, requests: u64) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", PROGRAM, "replay", call])
        .arg(requests.to_string())
        .output()
        .context("valgrind cannot be started; is it installed?")?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{call} failed:\n{text}");
    let collected = text.lines().find_map(|line| line.split_once("Collected : "));
    let (_, number) = collected.context("valgrind said nothing of instructions")?;
    Ok(number.trim().parse()?)
}
