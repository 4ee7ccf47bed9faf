"""Reads a report page: well formed, complete in itself, and readable without seeing it."""

import html.parser
import re
import sys

VOID = {"meta", "br"}


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.headers, self.tables, self.seen = [], [], [], 0, 0, set()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.seen.add(tag)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes["href"]] if "href" in attributes else []
        assert not {"src", "srcset", "onclick", "onload"} & set(attributes), (tag, attributes)
        assert tag not in {"script", "link", "img", "iframe", "object"}, tag
        if tag == "html":
            assert attributes["lang"] == "en"
        if tag == "th":
            assert attributes["scope"] in {"row", "col", "rowgroup"}, attributes
        self.tables += tag == "table"
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"


text = open(sys.argv[1], encoding="utf-8").read()
page = Page()
page.feed(text)
page.close()
assert not page.open, page.open
assert {"title", "h1", "h2", "main", "style"} <= page.seen
assert len(set(page.ids)) == len(page.ids), "an id stands twice"
for link in page.links:
    assert link.startswith("#") and link[1:] in page.ids, f"{link} leads nowhere"
style = text[text.index("<style>"):text.index("</style>")]
assert not re.search(r"url\(|@import", style)
print(" ".join(page.ids))
