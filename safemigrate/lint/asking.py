"""Which rules have anything to look at in a passage: most are about kinds of action it has not."""

from collections.abc import Iterator, Mapping

from safemigrate.config import RuleOptions
from safemigrate.lint.registry import rules
from safemigrate.lint.selection import Selection
from safemigrate.model import Catalog, Direction, Event, Finding, Passage, Severity
from safemigrate.rulekit import Context, EventIndex, Rule

__all__ = ["Inquiry", "NeededKinds", "needed_kinds"]

Kinds = frozenset[type[object]]
NeededKinds = Mapping[str, Kinds | None]
"""For each rule the kinds of action without which it says nothing; None where that is not known."""


class Inquiry:
    """The rules of a selection, asked about one passage after another.

    A rule is left out where it would find that there is no action of any kind it asks for.
    `selection`: the rules.
    """

    def __init__(
        self,
        selection: Selection,
        end: Catalog,
        options: RuleOptions,
        needed: NeededKinds,
    ) -> None:
        """`needed`: as `needed_kinds` has it for the same `end` and `options`."""
        self._end = end
        self._options = options
        self._needed = needed
        self.selection = selection
        self._concerned: dict[tuple[Direction, Kinds], tuple[tuple[Rule, Severity], ...]] = {}

    def ask(self, passage: Passage) -> Iterator[Finding]:
        """Yield what the rules find in the passage, rule by rule."""
        index = EventIndex(passage)
        for rule, severity in self._list_concerned(passage.direction, index.kinds):
            context = Context(passage, index, rule.name, severity, self._end, self._options)
            yield from rule.check(context)

    def _list_concerned(
        self, direction: Direction, kinds: Kinds
    ) -> tuple[tuple[Rule, Severity], ...]:
        found = self._concerned.get((direction, kinds))
        if found is None:
            book = rules()
            found = tuple(
                (book[name], severity)
                for name, severity in self.selection.items()
                if direction in book[name].directions and self._may_speak(name, kinds)
            )
            self._concerned[direction, kinds] = found
        return found

    def _may_speak(self, name: str, kinds: Kinds) -> bool:
        needed = self._needed[name]
        return needed is None or not needed.isdisjoint(kinds)


def needed_kinds(end: Catalog, options: RuleOptions) -> NeededKinds:
    """Return for each rule the kinds of action without which it says nothing.

    The rule is asked about nothing at all, and what it asks for is noted. It is a function of what
    it is told: where it has asked for actions of some kinds only, got none, and ended, it does the
    same in every passage that has none of these. `end` and `options` are the same for all passages.
    """
    return {name: _try(rule, end, options) for name, rule in rules().items()}


def _try(rule: Rule, end: Catalog, options: RuleOptions) -> Kinds | None:
    index = _Notes()
    unseen = _UnseenPassage.__new__(_UnseenPassage)
    context = Context(unseen, index, rule.name, rule.severity, end, options)
    try:
        speaks = any(True for _ in rule.check(context))
    except (Exception, _Looked):  # noqa: BLE001 - whatever keeps it from an answer, it is asked
        return None
    return None if speaks else frozenset(index.asked)


class _Looked(BaseException):  # so that no rule catches it
    """A rule has looked at more than the actions of the kinds that it asks for."""


class _UnseenPassage(Passage):
    """A passage of which nothing can be told."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> object:
        raise _Looked


class _Notes(EventIndex):
    """The events of no passage, and the kinds that were asked for."""

    __slots__ = ("asked",)

    def __init__(self) -> None:
        self._by_kind = {}
        self._answers = {}
        self.asked: set[type[object]] = set()

    def list_events(self, kinds: tuple[type[object], ...]) -> Iterator[Event]:
        self.asked.update(kinds)
        return iter(())
