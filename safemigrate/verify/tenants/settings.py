"""The settings that conditions read, by themselves or through functions."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["SettingFinder"]

_SETTING = re.compile(r"current_setting\s*\(\s*'((?:[^']|'')+)'", re.IGNORECASE)
_CALL = re.compile(r'("(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)\s*\(', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SettingFinder:
    """Finds settings; `functions`: definitions of the project's functions, by plain name."""

    functions: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, functions: Iterable[tuple[str, str, str]]) -> "SettingFinder":
        """Return the finder over functions as `read_functions` gives them."""
        found: dict[str, tuple[str, ...]] = {}
        for _, name, text in functions:
            found[name] = (*found.get(name, ()), text)
        return cls(found)

    def find(self, text: str) -> tuple[str, ...]:
        """Return the custom settings that the text reads, each once, in order."""
        found: dict[str, None] = {}
        bodies = (body for name in sorted(self.reaches(text)) for body in self.functions[name])
        for one in (text, *bodies):
            # those with a dot are an application's own
            found |= dict.fromkeys(name for name in _SETTING.findall(one) if "." in name)
        return tuple(found)

    def calls(self, text: str) -> set[str]:
        """Return the plain names of the project's functions that the text calls."""
        called = {one.strip('"').replace('""', '"') for one in _CALL.findall(text)}
        return called & self.functions.keys()

    def reaches(self, text: str) -> set[str]:
        """Return the plain names of the project's functions that it calls, however far away."""
        seen: set[str] = set()
        waiting = [text]
        while waiting:
            for name in self.calls(waiting.pop()) - seen:
                seen.add(name)
                waiting += self.functions[name]
        return seen
