//! What every page has: its head, sections, tables that scroll by themselves, text with code in it. Pure.

use super::markup::{Element, element};

/// The head of a page: complete in itself, with these styles.
pub(super) fn head(title: &str, styles: &[&'static str]) -> Element {
    let meta =
        |name: &'static str, content: &str| element("meta").attribute("name", name).attribute("content", content);
    element("head")
        .child(element("meta").attribute("charset", "utf-8"))
        .child(meta("viewport", "width=device-width, initial-scale=1"))
        .child(meta("color-scheme", "light dark"))
        .child(
            element("meta")
                .attribute("http-equiv", "Content-Security-Policy")
                .attribute("content", "default-src 'none'; style-src 'unsafe-inline'"),
        )
        .child(element("title").text(title))
        .child(styles.iter().fold(element("style"), |all, style| all.raw(style)))
}

/// A section with its heading.
pub(super) fn titled(id: &'static str, title: &str) -> Element {
    element("section").attribute("aria-labelledby", id).child(element("h2").attribute("id", id).text(title))
}

/// A table that may be wider than the page: it scrolls by itself, with the keyboard too.
pub(super) fn scrolling(label: &str, table: Element) -> Element {
    element("div")
        .class("scroll")
        .attribute("role", "region")
        .attribute("tabindex", "0")
        .attribute("aria-label", label)
        .child(table)
}

/// A heading of a table's column.
pub(super) fn column(text: &str) -> Element {
    element("th").attribute("scope", "col").text(text)
}

/// Text whose parts in backticks are code.
pub(super) fn prose(name: &'static str, text: &str) -> Element {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return element(name).text(text);
    }
    parts.into_iter().enumerate().fold(element(name), |all, (place, part)| match place % 2 {
        0 => all.text(part),
        _ => all.child(element("code").text(part)),
    })
}

/// The same with a capital letter.
pub(super) fn sentence(text: &str) -> String {
    let mut all = text.chars();
    all.next().map_or_else(String::new, |first| first.to_uppercase().chain(all).collect())
}
