//! Counts the instructions of a request with valgrind.
//!
//! A change of 2 % is visible in these counts, and not in measured times.
//!
//! ```console
//! cargo bench -p chat-bench                     # all kinds of request
//! cargo bench -p chat-bench -- send page        # these kinds only
//! cargo bench -p chat-bench -- --check          # fails if a count exceeds the baseline by more than its bound
//! cargo bench -p chat-bench -- --record         # writes the counts to baseline.json
//! ```
//!
//! Each kind of request is counted in a short run and in a long run. The difference of the two counts is divided by the
//! difference of the numbers of requests. The result is the count of one request, without the start of the program.
//!
//! Each count is printed with its changes since the previous run and since the baseline. The counts of the previous run
//! are kept in the target folder. The baseline is `baseline.json`, which is checked in.

use anyhow::{Context, Error, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, env, fs, path::Path, process::Command};

const PROGRAM: &str = env!("CARGO_BIN_EXE_chat-bench");
const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/baseline.json");
const REQUEST_KINDS: [&str; 10] = [
    "send",
    "send-keyed",
    "mark",
    "page",
    "newest",
    "page-cold",
    "unread",
    "unread-cold",
    "threads",
    "threads-cold",
];
/// Requests in the short run and in the long run.
const FEW: u64 = 100;
const MANY: u64 = 500;
/// The maximum number of times that a count beyond its bound is repeated.
///
/// The smallest count is used, since other work on the machine affects it least.
const REPEATS: usize = 4;

/// Instructions of one request, by kind of request.
type Counts = BTreeMap<String, f64>;

/// The counts to compare with, and the commit and machine that they belong to.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Baseline {
    commit: String,
    toolchain: String,
    processor: String,
    instructions: Counts,
}

/// The options of the command line.
#[derive(Debug, Default)]
struct Options {
    check: bool,
    record: bool,
    request_kinds: Vec<&'static str>,
}

fn main() -> Result<()> {
    let options = options()?;
    let baseline: Baseline = serde_json::from_slice(&fs::read(BASELINE)?).context(BASELINE)?;
    let previous_file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("instructions.json");
    let mut previous: Counts =
        fs::read(&previous_file).ok().and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default();
    if !options.record {
        warn_of_another_machine(&baseline)?;
    }

    print(["request", "instructions", "to previous", "to baseline", "bound"]);
    let mut exceeded = Vec::new();
    let mut counts = baseline.instructions.clone();
    for request_kind in options.request_kinds {
        let limit =
            baseline.instructions.get(request_kind).map(|known| known * (1.0 + bound(request_kind) / 100.0));
        let count = count_one(request_kind, limit.filter(|_| options.check))?;
        if limit.is_some_and(|limit| count > limit) {
            exceeded.push(request_kind);
        }
        let change = |from: Option<f64>| {
            from.map_or(String::new(), |from| format!("{:+.2} %", (count / from - 1.0) * 100.0))
        };
        let to_previous = change(previous.insert(request_kind.to_owned(), count));
        let to_baseline = change(baseline.instructions.get(request_kind).copied());
        print([
            request_kind,
            &format!("{count:.0}"),
            &to_previous,
            &to_baseline,
            &format!("{:+} %", bound(request_kind)),
        ]);
        counts.insert(request_kind.to_owned(), count.round());
    }
    fs::write(previous_file, serde_json::to_vec(&previous)?)?;
    if options.record {
        return record(counts);
    }
    ensure!(
        !options.check || exceeded.is_empty(),
        "more instructions than the baseline allows: {}; reduce them, or record a new baseline and justify it",
        exceeded.join(", ")
    );
    Ok(())
}

fn options() -> Result<Options> {
    let mut options = Options::default();
    for argument in env::args().skip(1) {
        match &*argument {
            // cargo adds it.
            "--bench" => {}
            "--check" => options.check = true,
            "--record" => options.record = true,
            request_kind => match REQUEST_KINDS.into_iter().find(|known| *known == request_kind) {
                Some(request_kind) => options.request_kinds.push(request_kind),
                None => {
                    bail!(
                        "unknown argument {request_kind}; give --check, --record or one of {}",
                        REQUEST_KINDS.join(", ")
                    )
                }
            },
        }
    }
    if options.request_kinds.is_empty() {
        options.request_kinds = REQUEST_KINDS.to_vec();
    }
    Ok(options)
}

/// Returns by how many per cent a count may exceed the baseline.
///
/// It is 1 for reads, and 2 for sends and marks.
fn bound(request_kind: &str) -> f64 {
    if ["send", "send-keyed", "mark"].contains(&request_kind) { 2.0 } else { 1.0 }
}

/// Counts the instructions of one request, and repeats a count beyond the limit.
fn count_one(request_kind: &str, limit: Option<f64>) -> Result<f64> {
    let count = || {
        Ok::<_, Error>(
            (count(request_kind, MANY)? as f64 - count(request_kind, FEW)? as f64) / (MANY - FEW) as f64,
        )
    };
    let mut smallest = count()?;
    for _ in 0..REPEATS {
        if limit.is_none_or(|limit| smallest <= limit) {
            break;
        }
        smallest = smallest.min(count()?);
    }
    Ok(smallest)
}

/// Counts the instructions of a whole run.
fn count(request_kind: &str, requests: u64) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", PROGRAM, "replay", request_kind])
        .arg(requests.to_string())
        .output()
        .context("cannot start valgrind; install it")?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{request_kind} failed:\n{text}");
    let collected = text.lines().find_map(|line| line.split_once("Collected : "));
    let (_, number) = collected.context("valgrind printed no instruction count")?;
    Ok(number.trim().parse()?)
}

/// Writes the baseline file: the counts, commit, toolchain and processor.
fn record(instructions: Counts) -> Result<()> {
    let commit = output("git", &["rev-parse", "--short", "HEAD"])?;
    let baseline = Baseline { commit, toolchain: toolchain()?, processor: processor(), instructions };
    Ok(fs::write(BASELINE, serde_json::to_string_pretty(&baseline)? + "\n")?)
}

/// Prints a warning if the baseline is of another compiler or processor.
#[expect(clippy::print_stderr, reason = "a program that prints")]
fn warn_of_another_machine(baseline: &Baseline) -> Result<()> {
    let (toolchain, processor) = (toolchain()?, processor());
    if (&baseline.toolchain, &baseline.processor) != (&toolchain, &processor) {
        eprintln!(
            "warning: the baseline was recorded with {} on {}, and this is {toolchain} on {processor}; the counts \
             are not comparable: record a baseline of commit {} here first",
            baseline.toolchain, baseline.processor, baseline.commit
        );
    }
    Ok(())
}

/// Returns the version of the compiler in this folder, without its date.
fn toolchain() -> Result<String> {
    let version = output("rustc", &["--version"])?;
    Ok(version.split(" (").next().unwrap_or_default().to_owned())
}

/// Returns the architecture, vendor and family of the processor.
///
/// Vendor and family are those in `/proc/cpuinfo`.
fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name));
        line.and_then(|line| line.split_once(": ")).map_or("unknown", |(_, value)| value)
    };
    format!("{} {} family {}", env::consts::ARCH, field("vendor_id"), field("cpu family"))
}

/// Runs a program and returns the line that it prints.
fn output(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .with_context(|| format!("cannot start {program}"))?;
    ensure!(output.status.success(), "{program} failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[expect(clippy::print_stdout, reason = "a program that prints")]
fn print([request_kind, count, previous, baseline, bound]: [&str; 5]) {
    println!("{request_kind:<12} {count:>13} {previous:>12} {baseline:>12} {bound:>6}");
}
