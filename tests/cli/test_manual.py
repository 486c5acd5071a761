"""`--help` of every command: whole, of one form, and true."""

import re
import shlex
from contextlib import suppress

import click
import pytest
from click.core import ParameterSource
from click.testing import CliRunner

from safemigrate.cli.group import group
from safemigrate.cli.manual import Manual

WIDTH = 80
_CONTEXT = click.Context(group, info_name="safemigrate")
COMMANDS = {name: group.get_command(_CONTEXT, name) for name in group.list_commands(_CONTEXT)}
SAID = {ParameterSource.COMMANDLINE}
UNITS = {"ms": "milliseconds", "bytes": "bytes"}


def list_options(name: str) -> list[click.Option]:
    command = COMMANDS[name]
    assert command is not None
    return [one for one in command.params if isinstance(one, click.Option) and not one.hidden]


EXAMPLES = sorted(
    {
        line
        for command in COMMANDS.values()
        if isinstance(command, Manual)
        for _, *lines in command.examples
        for line in lines
    }
)


def show_help(*arguments: str) -> str:
    result = CliRunner().invoke(
        group, [*arguments, "--help"], prog_name="safemigrate", terminal_width=WIDTH
    )
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_the_form_of_a_manual_page(name: str) -> None:
    command = COMMANDS[name]
    assert isinstance(command, Manual)
    first = command.get_short_help_str(limit=1_000)
    page = show_help(name)

    assert re.fullmatch(r"[A-Z].{10,70}\.", first)
    assert min(command.exits) == 0
    assert 2 in command.exits
    assert command.examples
    assert page.index("\nExit codes:\n") < page.index("\nExamples:\n")
    assert all(len(line) <= WIDTH for line in page.splitlines())


@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_leaves_no_option_out(name: str) -> None:
    page = show_help(name)

    for option in list_options(name):
        for flag in (*option.opts, *option.secondary_opts):
            assert re.search(rf"^  (\S+, |\S+ / )?{re.escape(flag)}\b", page, re.MULTILINE), flag


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_is_told_in_sentences(name: str) -> None:
    for option in list_options(name):
        told = option.help or ""
        assert re.match(r"[A-Z]", told), option
        assert told.endswith("."), option
        assert "`" not in told, option
        assert not option.multiple or "may be repeated" in told.lower(), option
        assert option.envvar is None or option.show_envvar, option


@pytest.mark.parametrize("name", COMMANDS)
def test_a_default_and_a_unit_are_shown(name: str) -> None:
    for option in list_options(name):
        told = option.help or ""
        is_number = isinstance(option.type, click.types.IntParamType | click.types.FloatParamType)
        if is_number and not option.multiple:
            assert option.show_default or "default: " in told or "needed with" in told, option
        unit = (option.name or "").rpartition("_")[2]
        assert UNITS.get(unit, "") in told, option
        if option.type.name == "text" and not option.is_flag:
            assert option.metavar, option


def test_the_first_page_names_every_command_and_variable() -> None:
    page = show_help()

    for name in COMMANDS:
        assert re.search(rf"^  {name} +[A-Z]", page, re.MULTILINE), name
    assert "\nOther:\n" not in page
    assert "…" not in page
    assert "..." not in page.replace("[ARGS]...", "")
    assert all(f"\n  {code}  " in page for code in range(5))
    for variable in ("NO_COLOR", "SAFEMIGRATE_CACHE_DIR", "SAFEMIGRATE_PG_BINARIES"):
        assert f"\n  {variable} " in page


@pytest.mark.parametrize("line", EXAMPLES)
def test_an_example_is_understood(line: str) -> None:
    written = re.split(r" (?:>>?|\|) ", line)[0]
    program, name, *arguments = shlex.split(written)
    command = COMMANDS[name]
    assert command is not None

    # a list, such as that of --properties, is written at once and is an answer too
    with suppress(click.exceptions.Exit):
        context = command.make_context(name, [*arguments], parent=_CONTEXT)
        given = [one for one in context.params if context.get_parameter_source(one) in SAID]
        assert bool(given) == bool(arguments)

    assert program == "safemigrate"
    assert len(line) <= WIDTH - 4


def test_no_two_commands_say_differently_what_the_same_option_does() -> None:
    told: dict[tuple[str, ...], set[str]] = {}
    shared = {"-c", "-x", "--in-schema", "--no-cache", "--quiet", "--dry-run", "--format"}
    for option in (one for name in COMMANDS for one in list_options(name)):
        names = (*option.opts, *option.secondary_opts)
        if shared & set(names):
            told.setdefault(names, set()).add(option.help or "")

    differing = {names for names, texts in told.items() if len(texts) > 1}
    assert differing <= {("--dry-run",)}
