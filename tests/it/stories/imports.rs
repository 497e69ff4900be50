//! The modules of a crate have no cycles of imports.
//!
//! The imports of a file are its `use` items and its paths that begin with `crate`, `super` or `self`. A path that
//! leads through a re-export counts for the file that the item is from. Modules of `#[cfg(test)]` do not count. Nor do
//! the imports between a module and the modules below it.

use chat_tests::binaries;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs,
    path::{Path, PathBuf},
};

/// The first file of each crate, relative to the root of the workspace.
const ROOTS: [&str; 9] = [
    "chat-core/src/lib.rs",
    "chat-server/src/lib.rs",
    "chat-server/src/main.rs",
    "chat-client/src/lib.rs",
    "chat-cli/src/main.rs",
    "chat-program/src/lib.rs",
    "bench/src/main.rs",
    "tests/harness/lib.rs",
    "tests/postgres/src/lib.rs",
];
/// The largest number of re-exports that one path leads through.
const MAX_REEXPORTS: usize = 8;

/// The imports between files: each file with those that it imports from.
type Imports = BTreeMap<PathBuf, BTreeSet<PathBuf>>;

/// A module of a file, or within one.
struct Module {
    file: PathBuf,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    /// The path of each imported or mentioned item, and the name that the module has for it.
    paths: Vec<(Vec<String>, Option<String>)>,
}

/// The modules of a crate; the first one is its root.
struct Crate(Vec<Module>);

impl Crate {
    fn read(root: &Path) -> Self {
        let mut modules = Self(Vec::new());
        modules.add_file(root, root.parent().unwrap(), None);
        modules
    }

    /// Adds the module of a file, whose children are in `folder`.
    fn add_file(&mut self, file: &Path, folder: &Path, parent: Option<usize>) -> usize {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let tokens = text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.add(file, folder, parent, tokens)
    }

    fn add(&mut self, file: &Path, folder: &Path, parent: Option<usize>, tokens: TokenStream) -> usize {
        let id = self.0.len();
        self.0.push(Module { file: file.to_owned(), parent, children: BTreeMap::new(), paths: Vec::new() });
        self.scan(id, folder, tokens);
        id
    }

    /// Collects the imports and the child modules in a part of a module.
    fn scan(&mut self, module: usize, folder: &Path, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut rest = &tokens[..];
        let mut is_test = false;
        while let [first, after @ ..] = rest {
            let here = rest;
            rest = after;
            match (&*first.to_string(), after) {
                ("#", [TokenTree::Group(attribute), after @ ..]) => {
                    is_test |= is_cfg_test(attribute);
                    rest = after;
                    continue;
                }
                // `pub(in crate::…)` imports nothing.
                ("pub", [TokenTree::Group(group), after @ ..])
                    if group.delimiter() == Delimiter::Parenthesis =>
                {
                    rest = after;
                    continue;
                }
                ("pub", _) => continue,
                ("mod", [TokenTree::Ident(name), body, after @ ..]) => {
                    rest = after;
                    if !is_test {
                        self.add_child(module, folder, &name.to_string(), body);
                    }
                }
                // `use<…>` names generic parameters.
                ("use", [next, ..]) if next.to_string() != "<" => {
                    let end = after.iter().position(|token| token.to_string() == ";").unwrap();
                    if !is_test {
                        use_tree(&[], &after[..end], &mut self.0[module].paths);
                    }
                    rest = &after[end..];
                }
                ("crate" | "super" | "self", [TokenTree::Punct(colon), ..]) if colon.as_char() == ':' => {
                    let (path, after) = simple_path(here);
                    self.0[module].paths.push((path, None));
                    rest = after;
                }
                _ => {
                    if let TokenTree::Group(group) = first {
                        self.scan(module, folder, group.stream());
                    }
                }
            }
            is_test = false;
        }
    }

    fn add_child(&mut self, module: usize, folder: &Path, name: &str, body: &TokenTree) {
        let children = folder.join(name);
        let child = match body {
            TokenTree::Group(body) => {
                let file = self.0[module].file.clone();
                self.add(&file, &children, Some(module), body.stream())
            }
            _ => {
                let flat = folder.join(format!("{name}.rs"));
                let file = if flat.exists() { flat } else { children.join("mod.rs") };
                self.add_file(&file, &children, Some(module))
            }
        };
        self.0[module].children.insert(name.to_owned(), child);
    }

    /// Returns the module that has the item of a path; `None` if another crate has it.
    fn resolve(&self, module: usize, path: &[String], depth: usize) -> Option<usize> {
        let is_local =
            |name| self.0[module].children.contains_key(name) || self.import(module, name).is_some();
        let mut at = match &*path[0] {
            "crate" => 0,
            "super" | "self" => module,
            name if depth < MAX_REEXPORTS && is_local(name) => module,
            _ => return None,
        };
        for name in path {
            at = match &**name {
                "crate" | "self" => at,
                "super" => self.0[at].parent?,
                name => match (self.0[at].children.get(name), self.import(at, name)) {
                    (Some(child), _) => *child,
                    (None, Some(reexport)) if depth < MAX_REEXPORTS && reexport != path => {
                        self.resolve(at, reexport, depth + 1)?
                    }
                    // An item of this module.
                    _ => return Some(at),
                },
            };
        }
        Some(at)
    }

    /// Returns the path of the item that a module imports under this name.
    fn import(&self, module: usize, name: &str) -> Option<&[String]> {
        let mut paths = self.0[module].paths.iter();
        paths.find(|(_, known)| known.as_deref() == Some(name)).map(|(path, _)| &**path)
    }

    /// Returns whether a module is the module of a file, or below it.
    fn is_below(&self, module: usize, file: &Path) -> bool {
        let mut modules = std::iter::successors(Some(module), |id| self.0[*id].parent);
        modules.any(|id| self.0[id].file == file)
    }

    /// Adds the imports between the files of the crate.
    fn imports(&self, imports: &mut Imports) {
        for (id, module) in self.0.iter().enumerate() {
            for (path, _) in &module.paths {
                let Some(target) = self.resolve(id, path, 0) else { continue };
                let (file, target_file) = (&module.file, &self.0[target].file);
                if file != target_file && !self.is_below(id, target_file) && !self.is_below(target, file) {
                    imports.entry(file.clone()).or_default().insert(target_file.clone());
                }
            }
        }
    }
}

/// Returns whether an attribute limits an item to tests.
fn is_cfg_test(attribute: &Group) -> bool {
    let text = attribute.stream().to_string().replace(' ', "");
    text == "cfg(test)" || text.starts_with("cfg(all(test,")
}

/// Collects the paths of a `use` tree below `prefix`.
fn use_tree(prefix: &[String], tokens: &[TokenTree], paths: &mut Vec<(Vec<String>, Option<String>)>) {
    let (path, rest) = simple_path(tokens);
    let path = [prefix, &path].concat();
    match rest {
        [TokenTree::Group(group), ..] => {
            let tokens: Vec<_> = group.stream().into_iter().collect();
            let trees = tokens.split(|token| token.to_string() == ",");
            trees.filter(|tree| !tree.is_empty()).for_each(|tree| use_tree(&path, tree, paths));
        }
        [TokenTree::Ident(_as), name, ..] => paths.push((path, Some(name.to_string()))),
        [_glob, ..] => paths.push((path, None)),
        [] => {
            let name = path.iter().rfind(|name| *name != "self").cloned();
            paths.push((path, name));
        }
    }
}

/// Splits off the path at the start: names with `::` between them.
fn simple_path(mut tokens: &[TokenTree]) -> (Vec<String>, &[TokenTree]) {
    let mut path = Vec::new();
    loop {
        match tokens {
            [TokenTree::Ident(name), rest @ ..] if path.is_empty() || name != "as" => {
                path.push(name.to_string());
                tokens = rest;
            }
            _ => return (path, tokens),
        }
        match tokens {
            [TokenTree::Punct(one), TokenTree::Punct(two), rest @ ..]
                if one.as_char() == ':' && two.as_char() == ':' =>
            {
                tokens = rest;
            }
            _ => return (path, tokens),
        }
    }
}

/// Returns the shortest way from a file back to itself.
fn cycle<'a>(imports: &'a Imports, start: &'a Path) -> Option<Vec<&'a Path>> {
    let mut queue = VecDeque::from([vec![start]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = queue.pop_front() {
        for next in imports.get(*way.last()?).into_iter().flatten() {
            if next == start {
                return Some(way);
            }
            if seen.insert(next) {
                queue.push_back([&way[..], &[next]].concat());
            }
        }
    }
    None
}

/// Reads the imports of all crates, with paths relative to the root of the workspace.
fn all() -> Imports {
    let workspace = binaries::workspace();
    let mut imports = Imports::new();
    for root in ROOTS {
        Crate::read(&workspace.join(root)).imports(&mut imports);
    }
    let relative = |path: PathBuf| path.strip_prefix(workspace).unwrap().to_owned();
    imports
        .into_iter()
        .map(|(file, targets)| (relative(file), targets.into_iter().map(relative).collect()))
        .collect()
}

#[test]
fn no_files_of_a_crate_import_from_each_other() {
    let imports = all();
    let mut cycles: Vec<Vec<&Path>> = Vec::new();
    for file in imports.keys() {
        if let Some(cycle) = cycle(&imports, file)
            && !cycles.iter().any(|known| known.contains(&file.as_path()))
        {
            cycles.push(cycle);
        }
    }
    assert!(cycles.is_empty(), "these files import from each other: {cycles:#?}");
}

#[test]
fn imports_are_found_through_reexports_and_in_paths() {
    let imports = all();
    for (file, target) in [
        ("chat-core/src/store/sql/sqlite/file.rs", "chat-core/src/store/sql/sqlite/lock.rs"),
        ("chat-core/src/store/sql/sqlite/file.rs", "chat-core/src/store/sql/open_error.rs"),
        ("chat-client/src/send.rs", "chat-client/src/error.rs"),
    ] {
        assert!(imports[Path::new(file)].contains(Path::new(target)), "{file} imports from {target}");
    }
}

/// Other programs than chat-server use chat-core. They have none of its commands and options.
#[test]
fn chat_core_names_no_command_and_no_option_of_chat_server() {
    let workspace = binaries::workspace();
    for file in all().into_keys().filter(|file| file.starts_with("chat-core/src")) {
        let source = fs::read_to_string(workspace.join(&file)).unwrap();
        for line in source.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for name in ["`chat-server", "--database-url", "--postgres-connections"] {
                assert!(!line.contains(name), "{}: {line}", file.display());
            }
        }
    }
}
