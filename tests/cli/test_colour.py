import io

import pytest

from safemigrate.cli.colour import choose_paint
from safemigrate.report import Tone, leave_plain


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("tone", Tone)
def test_a_terminal_gets_colour_for_every_tone(monkeypatch: pytest.MonkeyPatch, tone: Tone) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    painted = choose_paint(Terminal())("text", tone)
    assert painted.startswith("\x1b[")
    assert painted.endswith("text\x1b[0m")


def test_no_color_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert choose_paint(Terminal()) is leave_plain


def test_a_file_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert choose_paint(io.StringIO()) is leave_plain
