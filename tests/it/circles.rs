//! No circles inside a room: the files of a folder do not use each other in a ring, neither directly nor by way of others.
//!
//! The rule, which ARCHITECTURE.md states for people:
//!
//! * A *room* is a folder with its `mod.rs`; its *members* are the files and folders that `mod.rs` declares, and `mod.rs`.
//! * A member uses another one if it names it (`super::a::B`, `crate::room::a::B`), or names something of the room that
//!   `mod.rs` only passes on (`super::B` where `mod.rs` has `pub use a::B`).
//! * A member uses `mod.rs` if it names a function or macro that is written there. Types, traits and constants of `mod.rs` are the
//!   room's vocabulary: all members may name them. Methods are not seen, as names alone do not say whose they are.
//! * `mod.rs` uses a member if its own code names something of it; passing on alone is no use.
//!
//! Code that only tests see is left out. The files are read as tokens, so that texts and comments are not taken for code.

use super::support::root;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Uses that are part of a circle and stay for now: room, user, used, why.
const LEFT: &[(&str, &str, &str, &str)] = &[
    (
        "engine",
        "stages",
        "coordinator",
        "stages send the coordinator's messages, which carry the pages that stages declare",
    ),
    (
        "engine",
        "job",
        "coordinator",
        "a job's handle sends the coordinator's messages, which carry the job",
    ),
    (
        "engine",
        "blocks",
        "coordinator",
        "it is told by the coordinator's type how the recognizer ended",
    ),
];

/// The name of a room's own file among its members.
const PARENT: &str = "mod.rs";

/// A path in code, like `super::a::B`, with the line that it begins in.
struct Named {
    parts: Vec<String>,
    line: usize,
    /// For paths of `use`: the name that it is known by from then on.
    bound: Option<String>,
}

/// What the code of a file names and declares, without what only tests see.
#[derive(Default)]
struct Code {
    /// Paths outside of `use`, single names among them.
    named: Vec<Named>,
    /// Paths of `use`, one for each name.
    used: Vec<Named>,
    /// Modules declared in files of their own.
    modules: BTreeSet<String>,
    /// Functions and macros of the outermost level.
    functions: BTreeSet<String>,
    /// Other names of the outermost level.
    vocabulary: BTreeSet<String>,
}

impl Code {
    fn read(text: &str) -> Code {
        let mut code = Code::default();
        let tokens: TokenStream = text.parse().expect("the file compiles, so it is tokens");
        code.walk(&tokens.into_iter().collect::<Vec<_>>(), true);
        code
    }

    fn walk(&mut self, tokens: &[TokenTree], is_outermost: bool) {
        let mut at = 0;
        while at < tokens.len() {
            if is_test_mark(&tokens[at..]) {
                at = after_item(tokens, at);
                continue;
            }
            match &tokens[at] {
                TokenTree::Group(group) => {
                    self.walk(&group.stream().into_iter().collect::<Vec<_>>(), false);
                    at += 1;
                }
                TokenTree::Ident(word) => {
                    let next = word_at(tokens, at + 1);
                    match (word.to_string().as_str(), next) {
                        ("use", _) => {
                            let end = (at..tokens.len())
                                .find(|i| is_mark(tokens.get(*i), ';'))
                                .unwrap_or(tokens.len());
                            self.use_tree(&tokens[at + 1..end], &[]);
                            at = end;
                        }
                        ("mod", Some(name)) if is_mark(tokens.get(at + 2), ';') => {
                            self.modules.insert(name);
                            at += 2;
                        }
                        ("fn", Some(name)) if is_outermost => {
                            self.functions.insert(name);
                            at += 2;
                        }
                        ("macro_rules", _) if is_outermost => {
                            self.functions.extend(word_at(tokens, at + 2));
                            at += 3;
                        }
                        (
                            "struct" | "enum" | "union" | "trait" | "type" | "const" | "static"
                            | "mod",
                            Some(name),
                        ) if is_outermost && name != "fn" => {
                            self.vocabulary.insert(name);
                            at += 2;
                        }
                        _ => at = self.path(tokens, at),
                    }
                }
                _ => at += 1,
            }
        }
    }

    /// Takes in the path that begins here; returns what follows it.
    fn path(&mut self, tokens: &[TokenTree], mut at: usize) -> usize {
        let line = tokens[at].span().start().line;
        // What follows a dot is a field or a method.
        let is_member = at > 0 && is_mark(tokens.get(at - 1), '.') && !is_range(tokens, at);
        let mut parts = Vec::new();
        while let Some(word) = word_at(tokens, at) {
            parts.push(word);
            at += 1;
            if !is_colons(tokens, at) {
                break;
            }
            at += 2;
        }
        if !is_member {
            self.named.push(Named {
                parts,
                line,
                bound: None,
            });
        }
        at
    }

    /// Takes in what a `use` names, below the names before it.
    fn use_tree(&mut self, tokens: &[TokenTree], before: &[String]) {
        let trees = tokens.split(|token| is_mark(Some(token), ','));
        for tree in trees.filter(|tree| !tree.is_empty()) {
            let line = tree[0].span().start().line;
            let mut parts = before.to_vec();
            let mut bound = None;
            let mut at = 0;
            while at < tree.len() {
                match &tree[at] {
                    TokenTree::Group(group) => {
                        let inner: Vec<_> = group.stream().into_iter().collect();
                        self.use_tree(&inner, &parts);
                        parts.clear();
                        break;
                    }
                    TokenTree::Ident(word) if word == "as" => {
                        bound = word_at(tree, at + 1);
                        break;
                    }
                    TokenTree::Ident(word) => parts.push(word.to_string()),
                    TokenTree::Punct(mark) if mark.as_char() == '*' => parts.push("*".into()),
                    _ => {}
                }
                at += 1;
            }
            if parts.len() > 1 && parts.last().is_some_and(|last| last == "self") {
                parts.pop();
            }
            let bound = bound.or_else(|| parts.last().cloned());
            if !parts.is_empty() {
                self.used.push(Named { parts, line, bound });
            }
        }
    }
}

fn word_at(tokens: &[TokenTree], at: usize) -> Option<String> {
    match tokens.get(at) {
        Some(TokenTree::Ident(word)) => Some(word.to_string()),
        _ => None,
    }
}

fn is_mark(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == mark)
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    is_mark(tokens.get(at), ':') && is_mark(tokens.get(at + 1), ':')
}

fn is_range(tokens: &[TokenTree], at: usize) -> bool {
    at > 1 && is_mark(tokens.get(at - 2), '.')
}

/// Whether an item begins here that is for tests only.
fn is_test_mark(tokens: &[TokenTree]) -> bool {
    let Some(TokenTree::Group(group)) = tokens.get(1) else {
        return false;
    };
    let text = group.stream().to_string().replace(' ', "");
    is_mark(tokens.first(), '#')
        && group.delimiter() == Delimiter::Bracket
        && (text == "test" || text == "cfg(test)")
}

/// Where the item that begins here, with its attributes, has ended.
fn after_item(tokens: &[TokenTree], start: usize) -> usize {
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        _ => is_mark(Some(token), ';'),
    };
    (start..tokens.len())
        .find(|at| ends(&tokens[*at]))
        .map_or(tokens.len(), |at| at + 1)
}

/// A folder with its `mod.rs`.
struct Room {
    /// Its names below `crate`.
    path: Vec<String>,
    parent: Code,
    /// The files of each member, with the number of names that lead from the file up to the room.
    members: BTreeMap<String, Vec<(PathBuf, usize, Code)>>,
}

/// Who uses whom in a room, and where first.
type Uses = BTreeMap<(String, String), String>;

impl Room {
    /// All uses between the members.
    fn uses(&self) -> Uses {
        let mut uses = Uses::new();
        let mut add = |user: &str, used: &str, place: String| {
            if user != used {
                uses.entry((user.into(), used.into())).or_insert(place);
            }
        };
        for (member, files) in &self.members {
            for (file, depth, code) in files {
                for named in code.named.iter().chain(&code.used) {
                    let Some(first) = self.below_room(&named.parts, *depth) else {
                        continue;
                    };
                    let place = format!(
                        "{}:{}: {}",
                        file.display(),
                        named.line,
                        named.parts.join("::")
                    );
                    if let Some(used) = self.owner(first) {
                        add(member, &used, place);
                    }
                }
            }
        }
        // Names of members that `mod.rs` takes in, and whether its own code has them.
        let own: BTreeSet<&String> = self.parent.named.iter().map(|n| &n.parts[0]).collect();
        for named in &self.parent.used {
            let first = self.below_room(&named.parts, 0).unwrap_or(&named.parts[0]);
            if self.members.contains_key(first) && own.contains(named.bound.as_ref().unwrap()) {
                add(PARENT, first, format!("{PARENT}:{}", named.line));
            }
        }
        for named in self.parent.named.iter().filter(|n| n.parts.len() > 1) {
            let first = self.below_room(&named.parts, 0).unwrap_or(&named.parts[0]);
            if self.members.contains_key(first) {
                add(PARENT, first, format!("{PARENT}:{}", named.line));
            }
        }
        uses
    }

    /// The name directly below the room, if a path leads there from a file so many names below it.
    fn below_room<'a>(&self, parts: &'a [String], depth: usize) -> Option<&'a String> {
        let ups = parts.iter().take_while(|part| *part == "super").count();
        if ups > 0 {
            return (ups == depth).then(|| parts.get(ups)).flatten();
        }
        let (first, rest) = parts.split_first()?;
        match first.as_str() {
            "crate" => rest.strip_prefix(self.path.as_slice())?.first(),
            "self" if depth == 0 => rest.first(),
            _ => None,
        }
    }

    /// The member that something of the room belongs to; `None` for its vocabulary and for what is not of the room.
    fn owner(&self, name: &String) -> Option<String> {
        if self.members.contains_key(name) {
            return Some(name.clone());
        }
        if self.parent.functions.contains(name) {
            return Some(PARENT.into());
        }
        let passed_on = self
            .parent
            .used
            .iter()
            .find(|named| named.bound.as_ref() == Some(name))?;
        let first = self
            .below_room(&passed_on.parts, 0)
            .unwrap_or(&passed_on.parts[0]);
        self.members.contains_key(first).then(|| first.clone())
    }
}

/// The room of a folder and those below it.
fn rooms(folder: &Path, path: &[String], found: &mut Vec<Room>) {
    let parent = Code::read(&std::fs::read_to_string(folder.join(PARENT)).unwrap());
    let mut members = BTreeMap::new();
    for name in &parent.modules {
        let mut files = Vec::new();
        let file = folder.join(format!("{name}.rs"));
        if file.is_file() {
            member_files(&file, 1, &mut files);
        }
        let inner = folder.join(name);
        if inner.join(PARENT).is_file() {
            member_files(&inner.join(PARENT), 1, &mut files);
            rooms(&inner, &[path, std::slice::from_ref(name)].concat(), found);
        }
        assert!(!files.is_empty(), "no file of {}", inner.display());
        members.insert(name.clone(), files);
    }
    found.push(Room {
        path: path.to_vec(),
        parent,
        members,
    });
}

/// A file and those of the modules that it declares.
fn member_files(file: &Path, depth: usize, found: &mut Vec<(PathBuf, usize, Code)>) {
    let code = Code::read(&std::fs::read_to_string(file).unwrap());
    let folder = match file.ends_with(PARENT) {
        true => file.parent().unwrap().to_path_buf(),
        false => file.with_extension(""),
    };
    for name in &code.modules {
        let below = [
            folder.join(format!("{name}.rs")),
            folder.join(name).join(PARENT),
        ];
        let below = below.iter().find(|path| path.is_file()).unwrap();
        member_files(below, depth + 1, found);
    }
    found.push((file.to_path_buf(), depth, code));
}

/// Everyone that can be reached over these uses.
fn reached(from: &str, uses: &Uses) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut open = vec![from.to_string()];
    while let Some(user) = open.pop() {
        for (_, used) in uses.keys().filter(|(from, _)| *from == user) {
            if seen.insert(used.clone()) {
                open.push(used.clone());
            }
        }
    }
    seen
}

/// The uses that are part of a circle, with their places.
fn circles(uses: &Uses) -> Vec<String> {
    let in_circle = uses
        .iter()
        .filter(|((user, used), _)| reached(used, uses).contains(user));
    in_circle
        .map(|((user, used), place)| format!("{user} uses {used} ({place})"))
        .collect()
}

#[test]
fn files_of_a_room_do_not_use_each_other_in_a_ring() {
    let source = root().join("src");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&source).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() && entry.path().join(PARENT).is_file() {
            rooms(&entry.path(), &[name], &mut found);
        }
    }
    assert!(found.len() > 20);
    let mut wrong = Vec::new();
    for room in &found {
        let name = room.path.join("/");
        let mut uses = room.uses();
        for (_, user, used, _) in LEFT.iter().filter(|left| left.0 == name) {
            let known = uses.remove(&(user.to_string(), used.to_string()));
            assert!(known.is_some(), "{name}: {user} no longer uses {used}");
        }
        wrong.extend(
            circles(&uses)
                .into_iter()
                .map(|line| format!("{name}: {line}")),
        );
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The circles of a room of these files, by who uses whom.
fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut found = Vec::new();
    rooms(folder.path(), &["room".into()], &mut found);
    let lines = found.iter().flat_map(|room| circles(&room.uses()));
    lines
        .map(|line| line.split(" (").next().unwrap().into())
        .collect()
}

#[test]
fn circles_are_found() {
    let both = ["a uses b", "b uses a"];
    let named = [
        ("mod.rs", "mod a; mod b;"),
        ("a.rs", "use super::b::{self, X as Y};"),
        (
            "b.rs",
            "fn f() { let x = format!(\"{}\", crate::room::a::g()); }",
        ),
    ];
    assert_eq!(circles_of(&named), both);
    let passed_on = [
        ("mod.rs", "mod a; mod b; pub use self::a::{X, Z as Y};"),
        ("a.rs", "use super::b;"),
        ("b.rs", "struct S(super::Y);"),
    ];
    assert_eq!(circles_of(&passed_on), both);
    let deeper = [
        ("mod.rs", "mod a; mod b; mod c;"),
        ("a/mod.rs", "mod inner;"),
        ("a/inner.rs", "use super::super::b::X;"),
        ("b.rs", "use super::c::X;"),
        ("c.rs", "use super::a::X;"),
    ];
    assert_eq!(circles_of(&deeper), ["a uses b", "b uses c", "c uses a"]);
    let of_parent = [
        ("mod.rs", "mod a; use a::X; fn f() { X } fn g() {}"),
        ("a.rs", "fn h() { super::g() }"),
    ];
    assert_eq!(circles_of(&of_parent), ["a uses mod.rs", "mod.rs uses a"]);
}

#[test]
fn what_is_no_circle_is_left_alone() {
    let vocabulary = [
        (
            "mod.rs",
            "mod a; mod b; use a::X; pub use b::Y; pub struct S; fn f() { X }",
        ),
        (
            "a.rs",
            "use super::{S, Y}; // crate::room::f\nconst T: &str = \"super::f()\";",
        ),
        (
            "b.rs",
            "#[cfg(test)] mod tests { use super::super::a::X; }\n#[cfg(test)] use super::a;",
        ),
    ];
    assert_eq!(circles_of(&vocabulary), Vec::<String>::new());
}
