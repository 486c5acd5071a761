"""What the pages of docs/explanation claim, as the tests read it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from safemigrate.model import LockMode

__all__ = ["PAGES", "Claim", "list_blocks", "list_claims", "list_rows", "read_page"]

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "explanation").glob("*.md"))
WORKS = {"no row", "reads every row", "writes every row anew", "what it asks for"}


@dataclass(frozen=True)
class Claim:
    """What a page says of a statement: locks by table, and its work, on these tables if named."""

    statement: str
    locks: dict[str, LockMode]
    work: str
    worked_on: frozenset[str]


def read_page(name: str) -> str:
    return (ROOT / "docs" / "explanation" / f"{name}.md").read_text(encoding="utf-8")


def list_blocks(text: str, language: str) -> list[str]:
    """Return the code blocks that are in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def list_rows(text: str, *heads: str) -> list[list[str]]:
    """Return the rows of all tables with these heads."""
    head = re.escape("| " + " | ".join(heads) + " |")
    bodies = re.findall(rf"^{head}\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert bodies
    return [
        [cell.strip() for cell in line[1:-1].split("|")]
        for body in bodies
        for line in body.splitlines()
    ]


def make_claim(statement: str, locks: str, work: str) -> Claim:
    by_table: dict[str, LockMode] = {}
    for part in locks.split(";"):
        mode, tables = part.split(" on ")
        by_table |= {table.strip(): LockMode(mode.strip()) for table in tables.split(",")}
    work, _, tables = work.partition(" of ")
    assert work in WORKS
    return Claim(statement, by_table, work, frozenset(tables.split(", ")) - {""})


def list_claims(text: str) -> list[list[Claim]]:
    """Return what is claimed in each block with comments: statements that follow one another.

    A comment above a statement says `LOCKS: WORK`.
    """
    blocks = []
    for block in list_blocks(text, "sql"):
        found: Sequence[tuple[str, str, str]] = re.findall(
            r"^-- (.*): (.*)\n((?:(?!--).*\n)+)", block, re.MULTILINE
        )
        if found:
            blocks.append([make_claim(sql.rstrip(";\n"), *said) for *said, sql in found])
            assert len(found) == block.count("--") == block.count(";\n")
    return blocks
