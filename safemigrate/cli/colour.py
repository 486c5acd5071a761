"""Colour on a terminal, and nowhere else."""

import os
from typing import TextIO

import click

from safemigrate.report import Paint, Tone, leave_plain

__all__ = ["choose_paint"]


def choose_paint(stream: TextIO) -> Paint:
    """Return the paint for a stream: none off a terminal or under NO_COLOR."""
    return _paint if stream.isatty() and not os.environ.get("NO_COLOR") else leave_plain


def _paint(text: str, tone: Tone) -> str:
    match tone:
        case Tone.ERROR:
            return click.style(text, fg="red", bold=True)
        case Tone.WARNING:
            return click.style(text, fg="yellow", bold=True)
        case Tone.INFO | Tone.HELP:
            return click.style(text, fg="cyan", bold=True)
        case Tone.GOOD:
            return click.style(text, fg="green", bold=True)
        case Tone.STRONG:
            return click.style(text, bold=True)
        case Tone.FRAME:
            return click.style(text, fg="blue")
