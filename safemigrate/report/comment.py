"""What a branch adds, as one comment on its pull request: judged, explained and proved."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from safemigrate import __version__
from safemigrate.errors import SafemigrateError
from safemigrate.model import HistoryProof, Standing
from safemigrate.model.history import SEVERAL_HEADS
from safemigrate.model.secrets import hide_passwords
from safemigrate.report.comment_revision import Part, list_parts
from safemigrate.report.excerpt import cut_line
from safemigrate.report.findings import count_findings, format_totals
from safemigrate.report.formats import Judgement
from safemigrate.report.markdown_text import code_span, escape_html, escape_text, measure
from safemigrate.report.proof_markdown import describe_history, headline_proof
from safemigrate.report.proofs import format_proof_totals
from safemigrate.report.wording import count

__all__ = ["Review", "format_comment", "format_failure"]

_SIGNS = ("❌", "⚠️", "✅")
_NOTHING_NEW = "No migration is new here, or has other code than before."
_UNASKED = "Not asked: "
_PROVED = "proved"
_LONGEST_LINE = 1000
_MOST_NOTES = 10
_MOST_ROWS = 40
# What a paragraph or a list around the revisions may take of the limit, and their table.
_SHARE = 12
_TABLE_SHARE = 4
# what is kept free for the lines that say what is left out
_NOTE_ROOM = 300


@dataclass(frozen=True, slots=True)
class Review:
    """What there is to say of a pull request.

    `judgement`: its `paths` are those of what is new. `proof`: None where nothing was proved, and
    `unproved` says why, where it was wanted. `project`: the path of the configuration, empty where
    there is no other in the repository. `head`: the commit, or empty. `faults`: the notices for
    which Alembic would stop. `doubts`: those that somebody should look at.
    """

    judgement: Judgement
    proof: HistoryProof | None = None
    unproved: str = ""
    project: str = ""
    head: str = ""
    faults: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the branch adds nothing that there is something to say of."""
        is_broken = self.proof is not None and any(one.is_broken for one in self.proof.checks)
        told = (self.unproved, self.faults, self.doubts, is_broken)
        return not (any(told) or list_parts(self.judgement, self.proof))


def format_comment(
    review: Review, *, mark: str = "", limit: int, version: str = __version__
) -> str:
    """Return the comment, at most `limit` characters long in UTF-16; `mark` is its first line.

    Where there is no room for all, the code, tables and evidence of the revisions that come last
    go first, then what is said of them, then the revisions themselves; and the comment says so.
    """
    parts = list_parts(review.judgement, review.proof)
    history = [*_list_history(review.proof, limit // _SHARE)]
    above = [mark] if mark else []
    heading = "\n".join([*above, f"## {_headline(review, parts)}"])
    head = [heading, *_list_head(review, parts, limit)]
    tail = [*_list_tail(review, version, limit // _SHARE)]
    full = _join([*head, *(part.full for part in (*parts, *history)), *tail])
    if measure(full) <= limit:
        return full
    room = limit - measure(_join([*head, *tail])) - _NOTE_ROOM
    # what is wrong with the whole is not to go for the last of many revisions
    forms = _choose_forms([*history, *parts], room)
    whole, shown = forms[: len(history)], forms[len(history) :]
    cut = _describe_cut(parts, shown, is_whole=whole == [part.full for part in history])
    return _join([*head, *shown, *whole, cut, *tail])


def format_failure(
    error: SafemigrateError, *, mark: str, head: str, version: str = __version__
) -> str:
    """Return the comment that says that a commit could not be judged, and why."""
    commit = f" commit {code_span(head[:12])}" if head else " this commit"
    message = escape_text(cut_line(hide_passwords(error.message), _LONGEST_LINE))
    blocks = [
        f"{mark}\n## ❌ safemigrate: not judged",
        f"Could not judge{commit}: {message}",
        "What stood here before was of an earlier commit.",
    ]
    if error.hint:
        blocks.append(f"Help: {escape_text(cut_line(hide_passwords(error.hint), _LONGEST_LINE))}")
    return _join([*blocks, f"<sub>safemigrate {version}</sub>"])


def _headline(review: Review, parts: list[Part]) -> str:
    if review.is_empty:
        return f"✅ safemigrate: no new migration{_name_project(review)}"
    found = count_findings(review.judgement.result) or "no findings"
    proof = review.proof
    proved = "not proved" if review.unproved else "" if proof is None else _name_proofs(proof)
    sign = min((part.sign for part in parts), key=_SIGNS.index, default="✅")
    if proof is not None and sign != "❌" and any(one.is_broken for one in proof.checks):
        sign = "❌"
    if (review.unproved or review.doubts) and sign == "✅":
        sign = "⚠️"
    faults = dict.fromkeys(map(_name_fault, review.faults))
    if any(one.is_unloadable for one in review.judgement.result.unjudged):
        faults["a revision cannot be loaded"] = None
    is_new = "" if parts else "no new migration"
    said = "; ".join(filter(None, (*faults, is_new or found, proved)))
    return f"{'❌' if faults else sign} safemigrate: {said}{_name_project(review)}"


def _name_fault(fault: str) -> str:
    return "several heads" if SEVERAL_HEADS in fault else "a revision is missing"


def _name_proofs(proof: HistoryProof) -> str:
    """Return in a few words how the proofs ended."""
    said = headline_proof(proof)
    checks = [*proof.checks, *(check for one in proof.revisions for check in one.checks)]
    unknown = sum(check.standing is Standing.UNKNOWN for check in checks)
    words = [said] if said != _PROVED or not unknown else []
    words += [f"{unknown} unknown"] if unknown else []
    return ", ".join(words) if words == [_PROVED] else f"proofs: {', '.join(words)}"


def _name_project(review: Review) -> str:
    return f" in {code_span(cut_line(review.project))}" if review.project else ""


def _list_head(review: Review, parts: list[Part], limit: int) -> Iterator[str]:
    """Yield the totals, and where there are several revisions a table of them."""
    room = limit // _SHARE
    if parts or review.proof is not None:
        totals = [format_totals(review.judgement.result)]
    else:
        totals = [_NOTHING_NEW]
    if review.proof is not None:
        said = format_proof_totals(review.proof)
        totals += [line for line in said if not line.startswith(_UNASKED)]
    yield _write_line(" ".join(cut_line(line, _LONGEST_LINE) for line in totals), room)
    for fault in review.faults:
        title = _name_fault(fault).capitalize()
        yield f"**{title}**: {_write_line(cut_line(fault, _LONGEST_LINE), room)}"
    for doubt in review.doubts:
        yield f"**To look at**: {_write_line(cut_line(doubt, _LONGEST_LINE), room)}"
    if review.unproved:
        yield f"**Not proved**: {_write_line(cut_line(review.unproved, _LONGEST_LINE), room)}"
    if len(parts) > 1:
        listed = [part.row for part in parts[:_MOST_ROWS]]
        rows = _choose_lines(listed, limit // _TABLE_SHARE)
        if len(parts) > len(rows):
            rows.append(f"| | and {len(parts) - len(rows)} more | | | |")
        titles = "| | revision | lint | proofs | strongest lock |"
        yield "\n".join([titles, "|---|---|---|---|---|", *rows])


def _list_history(proof: HistoryProof | None, room: int) -> Iterator[Part]:
    """Yield what there is to say of the history as a whole, if there is anything.

    `room`: what it may take at least.
    """
    points = [] if proof is None else [*describe_history(proof, is_full=False)]
    if proof is not None and points:
        title, brief, full = (
            "\n".join(["### The history as a whole", "", *lines])
            for lines in (
                _cap(points, len(points), room),
                points,
                describe_history(proof, is_full=True),
            )
        )
        yield Part(sign="", row="", title=title, brief=brief, full=full)


def _list_tail(review: Review, version: str, room: int) -> Iterator[str]:
    """Yield what comes last; `room`: what each list may take."""
    proof = review.proof
    if proof is not None:
        lines = [line for line in format_proof_totals(proof) if line.startswith(_UNASKED)]
        if lines:
            unasked = _list_lines([line.removeprefix(_UNASKED) for line in lines], room)
            yield "\n".join(_fold(f"{count(len(lines), 'proof')} not asked for", unasked))
    notices = review.judgement.result.notices + (() if proof is None else proof.notices)
    told = {*review.faults, *review.doubts}
    notes = [one for one in dict.fromkeys(notices) if one not in told]
    if notes:
        listed = _list_lines(notes, room, most=_MOST_NOTES)
        yield "\n".join(["#### Notes", "", *listed])
    commit = f" at commit {code_span(review.head[:12])}" if review.head else ""
    yield f"<sub>safemigrate {version}{commit}</sub>"


def _write_line(text: str, room: int) -> str:
    """Return text of one line, cut so that it takes at most so many characters as Markdown."""
    while measure(escape_text(text)) > room and len(text) > 1:
        text = f"{text[: (len(text) - 1) // 2]}…"
    return escape_text(text)


def _choose_lines(lines: Iterable[str], room: int) -> list[str]:
    """Return the first lines, as many as there is room for."""
    shown: list[str] = []
    for line in lines:
        room -= measure(line) + 1
        if room < 0:
            break
        shown.append(line)
    return shown


def _list_lines(texts: Sequence[str], room: int, most: int | None = None) -> list[str]:
    """Return the lines of a list, at most so many of them."""
    written = (f"- {_write_line(cut_line(one, _LONGEST_LINE), room // 2)}" for one in texts[:most])
    return _cap(written, len(texts), room)


def _cap(lines: Iterable[str], total: int, room: int) -> list[str]:
    """Return the lines of a list, and one that counts those for which there is no room."""
    shown = _choose_lines(lines, room)
    more = total - len(shown)
    return [*shown, *([f"- and {more} more"] if more else [])]


def _fold(summary: str, lines: Iterable[str]) -> list[str]:
    """Return lines that are shown when somebody asks for them."""
    return ["<details>", f"<summary>{escape_html(summary)}</summary>", "", *lines, "", "</details>"]


def _choose_forms(parts: list[Part], room: int) -> list[str]:
    """Return what is shown of each revision, the first ones in the fullest form."""
    shown: list[str] = []
    for part in parts:
        room -= measure(part.title) + 2
        if room < 0:
            break
        shown.append(part.title)
    for form in ("brief", "full"):
        for position, part in enumerate(parts[: len(shown)]):
            longer: str = getattr(part, form)
            more = measure(longer) - measure(shown[position])
            if more <= room:
                room -= more
                shown[position] = longer
    return shown


def _describe_cut(parts: list[Part], shown: list[str], *, is_whole: bool) -> str:
    """Return the line that says what is missing; `is_whole`: not of the history as a whole."""
    left_out = len(parts) - len(shown)
    shorter = sum(text != part.full for text, part in zip(shown, parts, strict=False))
    said = []
    if left_out:
        said.append(f"{left_out} of {count(len(parts), 'revision')} left out")
    if shorter:
        said.append(f"{count(shorter, 'revision')} shortened")
    if not is_whole:
        said.append("the history as a whole shortened")
    return f"**There was no room for all of it**: {', '.join(said)}; the job's report has the rest."


def _join(blocks: Iterable[str]) -> str:
    return "\n\n".join(blocks) + "\n"
