//! Elements with attributes and text, written as XML or as HTML. Pure. Text can only get in escaped.

use std::fmt::Write as _;

use crate::printable::printable;

/// One element.
#[derive(Debug, Clone)]
pub(super) struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    children: Vec<Node>,
}

#[derive(Debug, Clone)]
enum Node {
    Element(Element),
    Text(String),
    /// Written as it is: part of this program.
    Raw(&'static str),
}

/// How empty elements are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Xml,
    Html,
}

/// Elements that HTML has no end tag of.
const VOID: [&str; 2] = ["meta", "br"];

/// An element without attributes and content.
pub(super) fn element(name: &'static str) -> Element {
    Element { name, attributes: Vec::new(), children: Vec::new() }
}

impl Element {
    pub(super) fn attribute(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    pub(super) fn class(self, value: impl Into<String>) -> Self {
        self.attribute("class", value)
    }

    pub(super) fn text(mut self, text: impl Into<String>) -> Self {
        self.children.push(Node::Text(text.into()));
        self
    }

    pub(super) fn raw(mut self, text: &'static str) -> Self {
        self.children.push(Node::Raw(text));
        self
    }

    pub(super) fn child(mut self, child: Self) -> Self {
        self.children.push(Node::Element(child));
        self
    }

    pub(super) fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children.into_iter().map(Node::Element));
        self
    }

    pub(super) fn to_xml(&self) -> String {
        let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
        self.write(&mut out, Dialect::Xml);
        out.push('\n');
        out
    }

    pub(super) fn to_html(&self) -> String {
        let mut out = "<!doctype html>\n".to_owned();
        self.write(&mut out, Dialect::Html);
        out.push('\n');
        out
    }

    fn write(&self, out: &mut String, dialect: Dialect) {
        out.push('<');
        out.push_str(self.name);
        for (name, value) in &self.attributes {
            let value = escape(value).replace('\n', "&#10;").replace('\t', "&#9;");
            let _ = write!(out, " {name}=\"{value}\"");
        }
        match dialect {
            Dialect::Xml if self.children.is_empty() => return out.push_str("/>"),
            Dialect::Html if VOID.contains(&self.name) => return out.push('>'),
            _ => out.push('>'),
        }
        // Between text a line break would show.
        let breaks = self.children.iter().all(|child| matches!(child, Node::Element(_))) && !self.children.is_empty();
        for child in &self.children {
            if breaks {
                out.push('\n');
            }
            match child {
                Node::Element(element) => element.write(out, dialect),
                Node::Text(text) => out.push_str(&escape(text)),
                Node::Raw(text) => out.push_str(text),
            }
        }
        if breaks {
            out.push('\n');
        }
        let _ = write!(out, "</{}>", self.name);
    }
}

/// Text in a form that stands for itself. What no XML may hold is written out or removed.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn empty_elements_differ_between_the_dialects() {
        let page = element("p").child(element("meta")).child(element("i"));
        assert!(page.to_xml().ends_with("<p>\n<meta/>\n<i/>\n</p>\n"));
        assert!(page.to_html().ends_with("<p>\n<meta>\n<i></i>\n</p>\n"));
    }

    proptest! {
        /// Whatever a cluster says, it neither opens an element nor ends an attribute, and holds no control character.
        #[test]
        fn text_cannot_be_broken_out_of(text in "\\PC*|[\\x00-\\x7f]*") {
            let escaped = escape(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            prop_assert!(!escaped.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{:?}", escaped);
            let entities = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
            let known = |at: usize| entities.iter().any(|entity| escaped[at..].starts_with(entity));
            prop_assert!(escaped.match_indices('&').all(|(at, _)| known(at)), "{:?}", escaped);
        }
    }
}
