"""A page for each command, from click itself."""

import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from safemigrate.cli.group import group
from safemigrate.cli.manual import Manual
from safemigrate_docs.markdown import fence, format_table, head_page, mark_options, toctree

__all__ = ["list_command_pages", "list_commands"]

_PROGRAM = "safemigrate"

# The guides that tell more about a command; each page that there is gets its link.
_GUIDES = {
    "completion": ("completion",),
    "downgrade": ("running", "plan", "many-databases"),
    "explain": ("explanation/locks", "explanation/how-it-judges", "sql-migrations"),
    "history": ("running",),
    "init": ("tutorial", "ci", "pre-commit"),
    "lint": ("tutorial", "pre-commit", "ci", "style", "sql-migrations", "isolation"),
    "new": ("new",),
    "plan": ("plan",),
    "pull-request": ("pull-request", "ci"),
    "resolve": ("running",),
    "review": ("review",),
    "snapshot": ("running", "drift"),
    "status": ("running", "drift"),
    "upgrade": (
        "running",
        "explanation/runner",
        "deploy",
        "plan",
        "hooks",
        "events",
        "many-databases",
    ),
    "verify": ("verify", "pytest"),
}


def list_commands() -> dict[str, click.Command]:
    """Return every command that is shown in the help, by the words that call it, sorted."""
    context = click.Context(group, info_name=_PROGRAM)
    return dict(sorted(_walk(group, context, "")))


def _walk(
    of: click.Group, context: click.Context, prefix: str
) -> Iterator[tuple[str, click.Command]]:
    for name in of.list_commands(context):
        command = of.get_command(context, name)
        if command is None or command.hidden:
            continue
        yield f"{prefix}{name}", command
        if isinstance(command, click.Group):
            yield from _walk(command, context, f"{prefix}{name} ")


def list_command_pages(source: Path) -> dict[str, str]:
    """Return the pages by their paths below the reference; `source`: where the guides are."""
    commands = list_commands()
    outline = _Outline()
    group.format_commands(click.Context(group, info_name=_PROGRAM), outline)
    parts = [
        head_page("Commands", f"Every command of {_PROGRAM}, with all of its options."),
        mark_options(_list_paragraphs(group)[0]) + "\n\n",
    ]
    for heading, names in outline.sections:
        rows = [
            (
                f"[`{_PROGRAM} {name}`]({_stem(name)}.md)",
                mark_options(_list_paragraphs(commands[name])[0]),
            )
            for name in map(str.strip, names)
        ]
        parts += [f"## {heading}\n\n", format_table(("command", "does"), rows)]
    parts.append(
        "Every command ends with one of five [exit codes](../../exit-codes.md), by cause, and "
        "reads the same [variables of the environment](../../environment.md) and "
        "[configuration](../configuration.md).\n\n"
    )
    parts.append(toctree(_stem(name) for name in commands))
    pages = {
        f"commands/{_stem(name)}.md": _page(name, one, source) for name, one in commands.items()
    }
    return {"commands/index.md": "".join(parts), **pages}


class _Outline(click.HelpFormatter):
    """Takes the help of a command apart: its headings, and what stands first in the rows below."""

    def __init__(self) -> None:
        super().__init__()
        self.sections: list[tuple[str, list[str]]] = []

    def write_heading(self, heading: str) -> None:
        self.sections.append((heading, []))

    def write_dl(self, rows: Iterable[tuple[str, str]], *_: object, **__: object) -> None:
        self.sections[-1][1].extend(first for first, _ in rows)


def _stem(name: str) -> str:
    return name.replace(" ", "-")


def _list_paragraphs(command: click.Command) -> list[str]:
    """Return the help of a command, a paragraph each; a block that click leaves as it is, too."""
    text = inspect.cleandoc(command.help or "").partition("\f")[0].strip()
    return [_join(paragraph) for paragraph in text.split("\n\n")]


def _join(paragraph: str) -> str:
    if paragraph.startswith("\b"):
        return paragraph
    return " ".join(paragraph.split())


def _page(name: str, command: click.Command, source: Path) -> str:
    context = click.Context(command, info_name=f"{_PROGRAM} {name}")
    first, *others = _list_paragraphs(command)
    usage = " ".join((context.command_path, *command.collect_usage_pieces(context)))
    return "".join(
        (
            head_page(f"{_PROGRAM} {name}", first),
            mark_options(first) + "\n\n",
            fence(usage, "text"),
            *(_show_paragraph(one) for one in (*others, *_list_epilog(command))),
            *_list_examples(command),
            *_list_options(name, command, context),
            *_list_exits(command),
            *_list_guides(name, source),
        )
    )


def _list_examples(command: click.Command) -> Iterator[str]:
    examples = command.examples if isinstance(command, Manual) else ()
    if examples:
        yield "## Examples\n\n"
    for purpose, *lines in examples:
        yield f"{mark_options(purpose)}:\n\n{fence(chr(10).join(lines), 'sh')}"


def _list_options(name: str, command: click.Command, context: click.Context) -> Iterator[str]:
    """Yield the options below the headings that they have in the command's own help."""
    shown: dict[str, list[click.Option]] = {}
    for one in command.get_params(context):
        record = one.get_help_record(context)
        if isinstance(one, click.Option) and record is not None:
            shown.setdefault(record[0], []).append(one)
    outline = _Outline()
    command.format_options(context, outline)
    yield f"## Options\n\n```{{program}} {_PROGRAM} {name}\n```\n\n"
    for heading, rows in outline.sections:
        if len(outline.sections) > 1:
            yield f"### {heading}\n\n"
        for row in rows:
            yield from (_show_option(one, context) for one in shown[row])


def _list_exits(command: click.Command) -> Iterator[str]:
    exits = command.exits if isinstance(command, Manual) else {}
    if exits:
        rows = [(str(int(code)), mark_options(said)) for code, said in sorted(exits.items())]
        yield "## Exit codes\n\n"
        yield format_table(("code", "means"), rows)


def _list_guides(name: str, source: Path) -> Iterator[str]:
    found = [one for one in _GUIDES.get(name, ()) if (source / f"{one}.md").is_file()]
    yield "## See also\n\n"
    for one in (*found, "exit-codes", "environment"):
        yield f"- [](../../{one}.md)\n"


def _list_epilog(command: click.Command) -> list[str]:
    text = inspect.cleandoc(command.epilog or "").strip()
    return [_join(paragraph) for paragraph in text.split("\n\n")] if text else []


def _show_paragraph(text: str) -> str:
    if text.startswith("\b"):
        return fence(inspect.cleandoc(text[1:].strip("\n")), "text")
    return mark_options(text) + "\n\n"


def _show_option(option: click.Option, context: click.Context) -> str:
    metavar = "" if option.is_flag or option.count else option.make_metavar(context)
    if isinstance(option.type, click.Choice) and option.metavar is None:
        metavar = "CHOICE"
    elif isinstance(option.type, click.IntRange | click.FloatRange) and option.metavar is None:
        metavar = "N"
    words = [*option.opts, *option.secondary_opts]
    shown = ", ".join(f"{word} {metavar}".strip() for word in words)
    lines = [mark_options(" ".join((option.help or "").split()))]
    extra = option.get_help_extra(context)
    if isinstance(option.type, click.Choice):
        lines.append("One of " + ", ".join(f"`{one}`" for one in option.type.choices) + ".")
    if "range" in extra:
        lines.append(f"Range: `{extra['range']}`.")
    if "default" in extra:
        lines.append(f"Default: `{extra['default']}`.")
    if "envvars" in extra:
        lines.append("Variable: " + ", ".join(f"`{one}`" for one in extra["envvars"]) + ".")
    body = "\n\n".join((lines[0], " ".join(lines[1:]))) if lines[1:] else lines[0]
    return f"````{{option}} {shown}\n{body}\n````\n\n"
