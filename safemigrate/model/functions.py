"""A function of the history, as the catalog remembers it."""

from dataclasses import dataclass

from safemigrate.model.history import Statement
from safemigrate.model.other_actions import CreateFunction

__all__ = ["Function"]


@dataclass(frozen=True, slots=True)
class Function:
    """A function or procedure with what is known of its body.

    `statement`: the one that it was made by, None where that has no place in the history.
    `offset`: 0-based character offset of CREATE FUNCTION in that statement, 0 but in a body.
    """

    definition: CreateFunction
    statement: Statement | None = None
    offset: int = 0

    def takes(self, argument_count: int) -> bool:
        """Return whether it can be called with that many arguments."""
        most = len(self.definition.arguments)
        if argument_count > most:
            return self.definition.is_variadic
        return argument_count >= most - self.definition.optional_arguments

    def replaces(self, other: "Function") -> bool:
        """Return whether both have the same arguments, so that there can be but one of them."""
        return self.definition.arguments == other.definition.arguments
