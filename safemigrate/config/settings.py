"""What a project can set."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches

from safemigrate.errors import ConfigError
from safemigrate.model import ServerVersion, Severity

__all__ = ["Config", "RuleSettings", "check_rule_names"]


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """What a project changed about the rules.

    `severities`: rule name → the severity its findings get instead of the rule's own.
    `disabled`: names of rules that are off.
    """

    severities: Mapping[str, Severity] = field(default_factory=dict)
    disabled: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Config:
    """The configuration of a project; what was not set is None or empty.

    `path`: the file it was read from, as shown to the user; None when there is none.
    `prefix`: what stands before a key's name in that file, such as `tool.safemigrate.`.
    `lock_timeout`: how long one attempt at a lock may wait. `lock_attempts`: how many there are.
    `deadline`: how long all of them together may take.
    """

    path: str | None = None
    prefix: str = ""
    pg_version: ServerVersion | None = None
    rules: RuleSettings = field(default_factory=RuleSettings)
    lock_timeout: timedelta | None = None
    lock_attempts: int | None = None
    deadline: timedelta | None = None


def check_rule_names(config: Config, known: Collection[str]) -> None:
    """Raise ConfigError when the configuration names a rule that is not among `known`."""
    for name in sorted({*config.rules.severities, *config.rules.disabled}):
        if name in known:
            continue
        close = get_close_matches(name, known, n=1)
        guess = f'did you mean "{close[0]}"? ' if close else ""
        raise ConfigError(
            f'unknown rule "{config.prefix}rules.{name}" in "{config.path}"',
            f'{guess}"safemigrate rule" lists the rules',
        )
