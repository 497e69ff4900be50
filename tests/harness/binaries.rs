//! The programs of the workspace, built once for each test process.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

/// The programs and examples, by name.
///
/// They are built with the features of a whole-workspace build, as the tests are. Nothing is therefore left to compile
/// after `cargo test --workspace`.
static PROGRAMS: LazyLock<HashMap<String, PathBuf>> = LazyLock::new(|| {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--workspace", "--bins", "--examples", "--locked", "--quiet"]);
    build.args(["--message-format", "json-render-diagnostics"]);
    build.current_dir(workspace()).stderr(Stdio::inherit());
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    let built = build.output().expect("cargo runs");
    assert!(built.status.success(), "the programs do not build");
    String::from_utf8_lossy(&built.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| {
            let name = message.pointer("/target/name")?.as_str()?.to_owned();
            Some((name, PathBuf::from(message.get("executable")?.as_str()?)))
        })
        .collect()
});

/// Returns the path of the built program or example of this name.
///
/// # Panics
/// If the workspace has no program or example of this name, or does not build.
pub fn path(name: &str) -> &'static Path {
    PROGRAMS.get(name).unwrap_or_else(|| panic!("the workspace has no program {name}"))
}

/// Returns the root of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of the workspace")
}
