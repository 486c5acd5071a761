"""The table of lock conflicts as a drawing, made of the one that the judging uses."""

from safemigrate.model import LockMode

__all__ = ["draw_conflicts"]

_CELL, _LEFT, _TOP = 27, 178, 26


def draw_conflicts() -> str:
    """Return the table of lock conflicts: a full square where one mode waits for the other."""
    modes = list(LockMode)
    width, height = _LEFT + _CELL * len(modes) + 2, _TOP + _CELL * len(modes) + 2
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">']
    for row, mode in enumerate(modes):
        middle = _TOP + row * _CELL + 18
        parts.append(f'<text x="0" y="{middle}">{row + 1} {mode.value}</text>')
        x = _LEFT + row * _CELL + _CELL / 2
        parts.append(f'<text class="middle" x="{x}" y="18">{row + 1}</text>')
        for column, other in enumerate(modes):
            kind = "waits" if mode.conflicts_with(other) else "passes"
            told = f"{mode.value} and {other.value}: {'conflict' if kind == 'waits' else 'fit'}"
            parts.append(
                f'<rect class="{kind}" x="{_LEFT + column * _CELL + 2}" '
                f'y="{_TOP + row * _CELL + 2}" width="{_CELL - 4}" height="{_CELL - 4}">'
                f"<title>{told}</title></rect>"
            )
    return "\n".join([*parts, "</svg>"])
