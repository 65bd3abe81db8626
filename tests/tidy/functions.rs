//! Functions: at most so many lines as fit on a screen.

use crate::sources::{hold, rust};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

const MOST_LINES: usize = 70;

struct Lengths<'a> {
    path: &'a str,
    complaints: Vec<String>,
}

impl Lengths<'_> {
    fn check(&mut self, name: &syn::Ident, block: &syn::Block) {
        let (start, end) = (block.span().start().line, block.span().end().line);
        let lines = end - start + 1;
        if lines > MOST_LINES {
            self.complaints.push(format!("{}:{start}: {name} has {lines} lines", self.path));
        }
    }
}

impl<'ast> Visit<'ast> for Lengths<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.check(&function.sig.ident, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.check(&function.sig.ident, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.check(&function.sig.ident, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[test]
fn no_function_is_longer_than_a_screen() {
    let mut complaints = Vec::new();
    for source in rust() {
        // A template is Rust once its names are filled in.
        let text = source.text.replace("{{Type}}", "Template");
        let file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", source.path));
        let mut lengths = Lengths { path: &source.path, complaints: vec![] };
        lengths.visit_file(&file);
        complaints.extend(lengths.complaints);
    }
    hold(
        "At most 70 lines: name its steps and let it call them. What fits on a screen can be checked at a look.",
        &complaints,
    );
}
