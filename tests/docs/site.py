"""The documentation as it is built: its pages, and what they link to and load."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

# What a browser fetches by itself, by the tag and its attribute.
LOADED = {
    ("audio", "src"),
    ("embed", "src"),
    ("iframe", "src"),
    ("img", "src"),
    ("img", "srcset"),
    ("link", "href"),
    ("object", "data"),
    ("script", "src"),
    ("source", "src"),
    ("source", "srcset"),
    ("video", "src"),
}


@dataclass
class Page(HTMLParser):
    """What a page has: its anchors, its links and what is loaded with it."""

    name: str
    text: str
    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    descriptions: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._is_heading = False
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        if "id" in values:
            self.anchors.add(values["id"])
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "meta" and values.get("name") == "description":
            self.descriptions.append(values["content"])
        self.loaded += [value for key, value in values.items() if (tag, key) in LOADED]
        if tag == "h1":
            self.headings.append("")
            self._is_heading = True
        if tag == "a" and "headerlink" in values.get("class", ""):
            self._is_heading = False

    def handle_endtag(self, tag: str) -> None:
        if tag == "h1":
            self._is_heading = False

    def handle_data(self, data: str) -> None:
        if self._is_heading:
            self.headings[-1] += data

    def follow(self, link: str) -> tuple[str, str]:
        """Return the page that a link within the site leads to, and the anchor in it."""
        parts = urlsplit(urljoin(f"/{self.name}", link))
        return unquote(parts.path).removeprefix("/"), unquote(parts.fragment)


@dataclass(frozen=True)
class Site:
    """The folder of a built site, and that of its sources with the pages written from the code."""

    folder: Path
    sources: Path

    @cached_property
    def pages(self) -> Mapping[str, Page]:
        """Return every page by its path."""
        paths = sorted(self.folder.rglob("*.html"))
        names = [path.relative_to(self.folder).as_posix() for path in paths]
        texts = [path.read_text(encoding="utf-8") for path in paths]
        return {
            name: Page(name, text)
            for name, text in zip(names, texts, strict=True)
            if not name.startswith("_static/")
        }


def is_external(link: str) -> bool:
    """Return whether a link leads to another host."""
    return bool(urlsplit(link).netloc) or urlsplit(link).scheme not in {"", "data"}
