//! The import graph of one member: which file names an item of which other file. Re-exports are
//! followed to the file that defines the item; tests are left out.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// A chain of re-exports longer than this is a loop in the code itself.
const MAX_REEXPORTS: usize = 16;

/// The files of a member and their arrows.
pub(crate) struct Graph {
    /// Paths from the member's `src`.
    pub(crate) files: Vec<PathBuf>,
    /// From a file to a file that it imports, with the names it takes.
    pub(crate) arrows: BTreeMap<(usize, usize), BTreeSet<String>>,
}

impl Graph {
    /// Reads the member whose root file is `src/main.rs` or `src/lib.rs`.
    pub(crate) fn read(src: &Path) -> Result<Self> {
        let root = ["main.rs", "lib.rs"].into_iter().find(|name| src.join(name).is_file());
        let root = root.with_context(|| format!("{}: no main.rs or lib.rs", src.display()))?;
        let mut tree = Tree { src, files: Vec::new(), modules: Vec::new() };
        tree.load(Path::new(root), src, None)?;

        let mut arrows = BTreeMap::<_, BTreeSet<String>>::new();
        for module in 0..tree.modules.len() {
            for path in &tree.modules[module].named {
                let Some(target) = tree.resolve(module, path, 0) else { continue };
                let (from, to) = (tree.modules[module].file, target);
                if from != to {
                    let name = path.last().cloned().unwrap_or_default();
                    arrows.entry((from, to)).or_default().insert(name);
                }
            }
        }
        Ok(Self { files: tree.files, arrows })
    }

    /// Files that import each other in a loop, each circle once (Tarjan's algorithm). With `nests`
    /// what a module takes from its own submodules does not count.
    pub(crate) fn circles(&self, nests: bool) -> Vec<Vec<usize>> {
        let mut search = Circles {
            next: vec![Vec::new(); self.files.len()],
            index: vec![None; self.files.len()],
            low: vec![0; self.files.len()],
            stack: Vec::new(),
            found: Vec::new(),
            count: 0,
        };
        let submodule = |of: usize, file: usize| {
            let of = &self.files[of];
            let root = of.parent() == Some(Path::new("")) && is_root(of);
            root || self.files[file].starts_with(of.with_extension(""))
        };
        for (from, to) in self.arrows.keys() {
            if !nests || !submodule(*from, *to) {
                search.next[*from].push(*to);
            }
        }
        for file in 0..self.files.len() {
            if search.index[file].is_none() {
                search.visit(file);
            }
        }
        search.found.retain(|circle| circle.len() > 1);
        search.found
    }
}

fn is_root(file: &Path) -> bool {
    file == Path::new("main.rs") || file == Path::new("lib.rs")
}

struct Circles {
    next: Vec<Vec<usize>>,
    index: Vec<Option<usize>>,
    low: Vec<usize>,
    stack: Vec<usize>,
    found: Vec<Vec<usize>>,
    count: usize,
}

impl Circles {
    fn visit(&mut self, file: usize) {
        let own = self.count;
        self.count += 1;
        self.index[file] = Some(own);
        self.low[file] = own;
        self.stack.push(file);
        for to in self.next[file].clone() {
            match self.index[to] {
                None => {
                    self.visit(to);
                    self.low[file] = self.low[file].min(self.low[to]);
                }
                Some(index) if self.stack.contains(&to) => {
                    self.low[file] = self.low[file].min(index);
                }
                Some(_) => {}
            }
        }
        if self.low[file] == own {
            let start = self.stack.iter().position(|on| *on == file).unwrap_or_default();
            self.found.push(self.stack.split_off(start));
        }
    }
}

/// One module: a file, or an inline `mod` of it. A file that is compiled twice is two modules.
struct Module {
    file: usize,
    parent: Option<usize>,
    children: HashMap<String, usize>,
    /// Items that stand here, by name.
    defined: HashSet<String>,
    /// What `use` brings in: the name here, and its whole path.
    imported: HashMap<String, Vec<String>>,
    /// Modules whose names are all brought in.
    globs: Vec<Vec<String>>,
    /// Every path that the code names, private imports included; a `pub use` only hands a name on.
    named: Vec<Vec<String>>,
}

struct Tree<'a> {
    src: &'a Path,
    files: Vec<PathBuf>,
    modules: Vec<Module>,
}

impl Tree<'_> {
    /// Reads one file and, below it, the files of its modules, which lie in `folder`.
    fn load(&mut self, file: &Path, folder: &Path, parent: Option<usize>) -> Result<usize> {
        let whole = self.src.join(file);
        let text = fs::read_to_string(&whole).with_context(|| whole.display().to_string())?;
        let parsed = syn::parse_file(&text).with_context(|| whole.display().to_string())?;
        let number = self.files.iter().position(|known| known == file).unwrap_or_else(|| {
            self.files.push(file.to_path_buf());
            self.files.len() - 1
        });
        self.module(number, &parsed.items, folder, parent)
    }

    fn module(
        &mut self,
        file: usize,
        items: &[syn::Item],
        folder: &Path,
        parent: Option<usize>,
    ) -> Result<usize> {
        let mut read = Reader::default();
        for item in items {
            read.visit_item(item);
        }
        let this = self.modules.len();
        self.modules.push(Module {
            file,
            parent,
            children: HashMap::new(),
            defined: read.defined,
            imported: read.imported,
            globs: read.globs,
            named: read.named,
        });
        for item in items {
            let syn::Item::Mod(module) = item else { continue };
            if is_test(&module.attrs) {
                continue;
            }
            let name = module.ident.to_string();
            let below = folder.join(&name);
            let child = if let Some((_, items)) = &module.content {
                self.module(file, items, &below, Some(this))?
            } else {
                let beside = self.src.join(&self.files[file]);
                // The modules of a file that is named by an attribute lie beside it.
                let (path, below) = match path_attribute(&module.attrs) {
                    Some(path) => {
                        let folder = beside.parent().unwrap_or(self.src);
                        let path = clean(&folder.join(path));
                        let folder = path.parent().unwrap_or(self.src).to_path_buf();
                        (path, folder)
                    }
                    None => (below.with_extension("rs"), below),
                };
                let path = path.strip_prefix(self.src)?.to_path_buf();
                self.load(&path, &below, Some(this))?
            };
            self.modules[this].children.insert(name, child);
        }
        Ok(this)
    }

    /// The file that defines what `path` names, seen from `module`; `None` for other crates.
    fn resolve(&self, module: usize, path: &[String], depth: usize) -> Option<usize> {
        let (first, rest) = path.split_first()?;
        if depth > MAX_REEXPORTS {
            return None;
        }
        match first.as_str() {
            "crate" => self.walk(0, rest, depth),
            "self" => self.walk(module, rest, depth),
            "super" => self.walk_up(module, rest, depth),
            name if self.modules[module].children.contains_key(name) => {
                self.walk(module, path, depth)
            }
            name => {
                let whole = self.modules[module].imported.get(name)?;
                // `use x::y as x` would name itself for ever.
                (whole.first() != Some(first)).then_some(())?;
                let whole: Vec<_> = whole.iter().chain(rest).cloned().collect();
                self.resolve(module, &whole, depth + 1)
            }
        }
    }

    fn walk_up(&self, module: usize, rest: &[String], depth: usize) -> Option<usize> {
        let parent = self.modules[module].parent?;
        match rest.split_first() {
            Some((first, rest)) if first == "super" => self.walk_up(parent, rest, depth),
            _ => self.walk(parent, rest, depth),
        }
    }

    fn walk(&self, module: usize, path: &[String], depth: usize) -> Option<usize> {
        let here = &self.modules[module];
        let Some((first, rest)) = path.split_first() else { return Some(here.file) };
        if let Some(child) = here.children.get(first) {
            // A function may bear the name of its module: `issue::issue` handed on as `issue`.
            let handed_on = rest.is_empty().then(|| here.imported.get(first)).flatten();
            return match handed_on {
                Some(whole) => self.resolve(module, whole, depth + 1),
                None => self.walk(*child, rest, depth),
            };
        }
        if here.defined.contains(first) {
            return Some(here.file);
        }
        if let Some(whole) = here.imported.get(first) {
            let whole: Vec<_> = whole.iter().chain(rest).cloned().collect();
            return self.resolve(module, &whole, depth + 1);
        }
        if depth < MAX_REEXPORTS {
            for glob in &here.globs {
                let whole: Vec<_> = glob.iter().chain(path).cloned().collect();
                if let Some(file) = self.resolve(module, &whole, depth + 1) {
                    return Some(file);
                }
            }
        }
        Some(here.file)
    }
}

/// Collects what one module defines, imports and names. Inline modules are read by themselves.
#[derive(Default)]
struct Reader {
    defined: HashSet<String>,
    imported: HashMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
    named: Vec<Vec<String>>,
    /// Inside of a function: its `use` lines count as the module's.
    inside: bool,
}

impl Reader {
    fn import(&mut self, tree: &syn::UseTree, before: &[String], handed_on: bool) {
        let with = |name: &syn::Ident| {
            let mut path = before.to_vec();
            path.push(name.to_string());
            path
        };
        match tree {
            syn::UseTree::Path(path) => self.import(&path.tree, &with(&path.ident), handed_on),
            syn::UseTree::Name(name) if name.ident == "self" => {
                self.bring_in(before.last().cloned(), before.to_vec(), handed_on);
            }
            syn::UseTree::Name(name) => {
                self.bring_in(Some(name.ident.to_string()), with(&name.ident), handed_on);
            }
            syn::UseTree::Rename(rename) => {
                self.bring_in(Some(rename.rename.to_string()), with(&rename.ident), handed_on);
            }
            syn::UseTree::Glob(_) => {
                if !handed_on {
                    self.named.push(before.to_vec());
                }
                self.globs.push(before.to_vec());
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, before, handed_on);
                }
            }
        }
    }

    fn bring_in(&mut self, name: Option<String>, path: Vec<String>, handed_on: bool) {
        if !handed_on {
            self.named.push(path.clone());
        }
        if let Some(name) = name {
            self.imported.insert(name, path);
        }
    }

    /// Paths in the tokens of a macro, which are not parsed.
    fn scan(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.end_of(&mut path);
                    }
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.end_of(&mut path);
                    colons = 0;
                    self.scan(group.stream());
                }
                _ => {
                    self.end_of(&mut path);
                    colons = 0;
                }
            }
        }
        self.end_of(&mut path);
    }

    fn end_of(&mut self, path: &mut Vec<String>) {
        let path = std::mem::take(path);
        if path.len() > 1 {
            self.named.push(path);
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if is_test(attributes(item)) {
            return;
        }
        if !self.inside {
            self.defined.extend(name_of(item));
        }
        match item {
            syn::Item::Mod(_) => {}
            syn::Item::Use(import) => {
                let handed_on = !matches!(import.vis, syn::Visibility::Inherited);
                self.import(&import.tree, &[], handed_on);
            }
            _ => {
                let outside = std::mem::replace(&mut self.inside, true);
                visit::visit_item(self, item);
                self.inside = outside;
            }
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    /// `pub(in crate::store)` names a module without taking anything from it.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() && path.segments.len() > 1 {
            self.named.push(path.segments.iter().map(|s| s.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invocation: &'ast syn::Macro) {
        self.scan(invocation.tokens.clone());
        visit::visit_macro(self, invocation);
    }
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name_of(item: &syn::Item) -> Option<String> {
    Some(match item {
        syn::Item::Const(item) => item.ident.to_string(),
        syn::Item::Enum(item) => item.ident.to_string(),
        syn::Item::Fn(item) => item.sig.ident.to_string(),
        syn::Item::Macro(item) => item.ident.as_ref()?.to_string(),
        syn::Item::Static(item) => item.ident.to_string(),
        syn::Item::Struct(item) => item.ident.to_string(),
        syn::Item::Trait(item) => item.ident.to_string(),
        syn::Item::Type(item) => item.ident.to_string(),
        _ => return None,
    })
}

/// Whether an item is compiled for tests alone.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else { return false };
        list.path.is_ident("cfg")
            && matches!(list.tokens.to_string().split([' ', '(', ',']).next(), Some("test"))
    })
}

fn path_attribute(attributes: &[syn::Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| match &attribute.meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    })
}

/// Takes `..` out of a path that need not exist.
fn clean(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for part in path.components() {
        if part == std::path::Component::ParentDir {
            cleaned.pop();
        } else {
            cleaned.push(part);
        }
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrows(files: &[(&str, &str)]) -> (Vec<(String, String)>, usize) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let graph = Graph::read(folder.path()).unwrap();
        let name = |file: usize| graph.files[file].display().to_string();
        let arrows = graph.arrows.keys().map(|(from, to)| (name(*from), name(*to))).collect();
        (arrows, graph.circles(false).len())
    }

    fn arrow(from: &str, to: &str) -> (String, String) {
        (from.to_owned(), to.to_owned())
    }

    #[test]
    fn a_reexport_is_followed_to_its_file() {
        let (found, circles) = arrows(&[
            ("lib.rs", "mod a;\nmod b;\npub use b::B;"),
            ("a.rs", "use crate::B;\nfn f(b: &B) {}"),
            ("b.rs", "pub struct B;"),
        ]);
        assert_eq!((found, circles), (vec![arrow("a.rs", "b.rs")], 0));
    }

    #[test]
    fn a_path_without_use_and_one_in_a_macro_are_arrows() {
        let (found, _) = arrows(&[
            ("main.rs", "mod a;\nmod b;\nfn main() { a::f(); println!(\"{}\", b::g()); }"),
            ("a.rs", "pub fn f() {}"),
            ("b.rs", "pub fn g() -> u8 { 0 }"),
        ]);
        assert_eq!(found, [arrow("main.rs", "a.rs"), arrow("main.rs", "b.rs")]);
    }

    #[test]
    fn a_circle_is_found_and_tests_are_left_out() {
        let tests = "pub fn f() {}\n#[cfg(test)]\nmod tests { use crate::b::g; }";
        let lib = ("lib.rs", "mod a;\nmod b;");
        let below = ("b.rs", "use super::a::f;\npub fn g() { f() }");
        assert_eq!(arrows(&[lib, ("a.rs", tests), below]), (vec![arrow("b.rs", "a.rs")], 0));
        let (_, circles) = arrows(&[lib, ("a.rs", "pub fn f() { crate::b::g() }"), below]);
        assert_eq!(circles, 1);
    }

    #[test]
    fn a_file_that_is_compiled_twice_has_two_parents() {
        let (found, _) = arrows(&[
            ("lib.rs", "mod one;\nmod two;"),
            ("one.rs", "#[path = \"text/t.rs\"]\nmod t;\npub struct Tx;"),
            ("two.rs", "#[path = \"text/t.rs\"]\nmod t;\npub struct Tx;"),
            ("text/t.rs", "use super::Tx;"),
        ]);
        assert_eq!(found, [arrow("text/t.rs", "one.rs"), arrow("text/t.rs", "two.rs")]);
    }
}
