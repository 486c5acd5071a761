"""`safemigrate rule`."""

import sys
from difflib import get_close_matches

import click

from safemigrate.cli.colour import choose_paint
from safemigrate.cli.completing import complete_rules
from safemigrate.cli.manual import Manual
from safemigrate.cli.options import format_option
from safemigrate.errors import ExitCode, UsageError
from safemigrate.lint import rules
from safemigrate.report import encode_document, format_rule, format_rules, rules_document
from safemigrate.rulekit import Rule
from safemigrate.testing import Case, load_rule_cases, rule_book_folder

__all__ = ["command"]


@click.command(
    "rule",
    cls=Manual,
    exits={ExitCode.DONE: "it is shown", ExitCode.USAGE: "there is no such rule"},
    examples=[
        ("List all rules", "safemigrate rule"),
        ("Read the page of one", "safemigrate rule non-concurrent-index"),
    ],
)
@click.argument("name", required=False, shell_complete=complete_rules)
@format_option("text", "json")
def command(name: str | None, format_: str) -> None:
    """Show the rule book.

    Without NAME, a table of all rules. With NAME, the page of that rule: what it finds, why that is
    unsafe, what to write instead, and the cases in the rule book that prove it.
    """
    chosen = list(rules().values()) if name is None else [_find_rule(name)]
    if format_ == "json":
        click.echo(encode_document(rules_document(chosen)), nl=False)
        return
    paint = choose_paint(sys.stdout)
    if name is None:
        click.echo(format_rules(chosen, paint), nl=False)
        return
    (rule,) = chosen
    cases = _read_cases(rule)
    report = format_rule(
        rule,
        _render_page(rule.page),
        found=[case.id for case in cases if case.is_bad],
        allowed=[case.id for case in cases if not case.is_bad],
        paint=paint,
    )
    click.echo(report, nl=False)


def _find_rule(name: str) -> Rule:
    """Return the rule of that name; raises UsageError when there is none."""
    known = rules()
    if name in known:
        return known[name]
    close = get_close_matches(name.lower().replace("_", "-"), known, n=1)
    guess = f'did you mean "{close[0]}"? ' if close else ""
    raise UsageError(f'there is no rule "{name}"', f'{guess}"safemigrate rule" lists them all')


def _read_cases(rule: Rule) -> tuple[Case, ...]:
    """Return the rule's cases in the rule book."""
    path = rule_book_folder() / f"{rule.name}.yml"
    return load_rule_cases(path).cases if path.is_file() else ()


def _render_page(page: str) -> str:
    """Return the page as this terminal shows Markdown best; as it is written elsewhere."""
    if not sys.stdout.isatty():
        return page
    from rich.console import Console  # noqa: PLC0415 - rich is for terminals only, and slow to load
    from rich.markdown import Markdown  # noqa: PLC0415 - as above

    console = Console()
    with console.capture() as capture:
        console.print(Markdown(page))
    return capture.get()
