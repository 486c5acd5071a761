"""The page that `--help` shows: what a command does, its options in groups, its ends, examples."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

import click

from safemigrate.errors import ExitCode

__all__ = ["Example", "Manual", "write_command_table", "write_section"]

# What an example does, as a sentence without its end, and the lines to type.
Example = tuple[str, *tuple[str, ...]]

# One list is easier to read than several while it fits on a screen.
_FEW = 10

# The headings in the order they are shown, each with the names of its parameters. An option of the
# same name means the same in every command, so that one table does for all.
_HEADINGS: Mapping[str, tuple[str, ...]] = {
    "Project and database": (
        *("config", "url", "in_schema", "x", "schema", "server", "pg_version"),
    ),
    "What to look at": (
        *("base", "changed_since", "staged", "select", "ignore", "baseline", "style", "no_verify"),
    ),
    "Rows and sizes": ("seed", "rows", "samples", "statistics"),
    "The application": (
        *("workload", "max_block_ms", "deployed_by", "longest_read_ms"),
        *("old_statements", "new_statements", "plans"),
    ),
    "Bounds": ("allow_host", "timeout"),
    "The change": ("sql", "recipe", "list_recipes", "autogenerate", "allow_empty", "live"),
    "The parts of a recipe": (
        *("table", "column", "type", "default", "check", "references", "name", "to", "reason"),
    ),
    "The place in the history": (
        *("head", "splice", "branch_label", "version_path", "depends_on", "rev_id"),
    ),
    "Many databases": ("target", "targets", "schemas_from", "jobs", "canary", "max_failures"),
    "Locks and waiting": (
        *("deadline", "when_busy", "lock_timeout_ms", "stall_budget_ms", "lock_attempts"),
    ),
    "The gate": ("allow", "override", "disk_free_bytes"),
    "The decision": ("statement", "decision"),
    "What to write": (
        *("fix", "diff", "write_baseline", "dry_run", "output"),
        *("sarif", "junit", "code_quality", "comment_file", "no_comment"),
    ),
}
_REST = "Report and other"

# The commands under the question that they answer, in the order in which a project meets them.
_COMMANDS: Mapping[str, tuple[str, ...]] = {
    "Begin": ("init", "new", "completion"),
    "Judge, without a database": ("lint", "explain", "rule", "pull-request"),
    "Prove, on a throwaway server": ("verify", "review"),
    "Run, on your database": (
        *("plan", "upgrade", "downgrade", "status", "history", "resolve", "snapshot"),
    ),
}
_OTHERS = "Other"


class Manual(click.Command):
    """A command whose help says how it ends and shows it at work."""

    def __init__(
        self,
        *args: Any,
        exits: Mapping[ExitCode, str] | None = None,
        examples: Iterable[Example] = (),
        **kwargs: Any,
    ) -> None:
        """`exits`: what each exit code means here; `examples`: lines to type, simplest first."""
        super().__init__(*args, **kwargs)
        # Ctrl-C ends every command
        self.exits = {ExitCode.GAVE_UP: "stopped before it was done", **(exits or {})}
        self.examples = tuple(examples)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, under headings where there are many."""
        # several may set the same parameter
        rows: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if isinstance(parameter, click.Option) and record is not None:
                rows.setdefault(parameter.name or "", []).append(record)
        if sum(map(len, rows.values())) <= _FEW:
            write_section(formatter, "Options", chain.from_iterable(rows.values()))
            return
        for heading, names in _HEADINGS.items():
            found = [rows.pop(name) for name in names if name in rows]
            write_section(formatter, heading, chain.from_iterable(found))
        write_section(formatter, _REST, chain.from_iterable(rows.values()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes and the examples."""
        rows = [(str(int(code)), meaning) for code, meaning in sorted(self.exits.items())]
        write_section(formatter, "Exit codes", rows)
        if self.examples:
            with formatter.section("Examples"):
                margin = " " * (formatter.current_indent + 2)
                for index, (purpose, *lines) in enumerate(self.examples):
                    if index:
                        formatter.write_paragraph()
                    formatter.write_text(f"{purpose}:")
                    for line in lines:
                        # as it is typed, however narrow the terminal is
                        formatter.write(f"{margin}{line}\n")
        super().format_epilog(ctx, formatter)


def write_command_table(
    commands: Mapping[str, click.Command], formatter: click.HelpFormatter
) -> None:
    """Write the commands under their headings, each with its first line."""
    rest = dict(commands)
    # every line is whole: what a command does is not to be guessed from half a sentence
    room = 200
    widest = max((len(name) for name in commands), default=0)
    for heading, names in _COMMANDS.items():
        found = [(name.ljust(widest), rest.pop(name)) for name in names if name in rest]
        rows = [(name, one.get_short_help_str(room)) for name, one in found]
        write_section(formatter, heading, rows)
    rows = [(name.ljust(widest), one.get_short_help_str(room)) for name, one in rest.items()]
    write_section(formatter, _OTHERS, rows)


def write_section(
    formatter: click.HelpFormatter, heading: str, rows: Iterable[tuple[str, str]]
) -> None:
    """Write the rows in two columns under a heading, and nothing where there are none."""
    listed = list(rows)
    if listed:
        with formatter.section(heading):
            formatter.write_dl(listed)
