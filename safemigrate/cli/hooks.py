"""The entry that has pre-commit run `safemigrate lint`.

The format is that of https://pre-commit.com/#adding-pre-commit-plugins-to-your-project.
"""

import re
from dataclasses import dataclass
from shlex import quote
from textwrap import indent

import yaml

__all__ = ["HOOK_FILE", "Hook", "append_hook", "quote_scalar"]

HOOK_FILE = ".pre-commit-config.yaml"

_ID = "safemigrate-lint"
_PLAIN = re.compile(r'[A-Za-z][\w ./="$-]*', re.ASCII)


@dataclass(frozen=True, slots=True)
class Hook:
    """A hook that judges what is staged.

    `command`: the words that run it. `folder`: where, relative to the top of the repository,
    empty for the top itself. `project`: what its name says beside, where there are several.
    """

    command: tuple[str, ...]
    folder: str
    project: str = ""

    def text(self) -> str:
        """Return the entry, as an item of `repos:` that stands at the first column."""
        return (
            "- repo: local\n"
            "  hooks:\n"
            f"    - id: {_ID}\n"
            f"      name: {quote_scalar(f'safemigrate lint {self.project}'.rstrip())}\n"
            f"      entry: {quote_scalar(self._entry())}\n"
            "      language: system\n"
            # pre-commit tells of no file that is deleted, or that a merge brings without a conflict
            "      always_run: true\n"
            "      pass_filenames: false\n"
        )

    def _entry(self) -> str:
        """Return the command line; pre-commit splits it as a shell does, and starts at the top."""
        command = " ".join(quote(word) for word in self.command)
        if not self.folder:
            return command
        return f"sh -c {quote(f'cd {quote(self.folder)} && exec {command}')}"


def append_hook(content: bytes | None, hook: Hook) -> bytes | None:
    """Return the content of pre-commit's file with the hook at its end, all before it as it was.

    `content`: None when there is no file yet. Returns None where the hook cannot be put at the end,
    because the list of repositories is not the last thing there, or is written on one line.
    """
    if content is None:
        return f"repos:\n{indent(hook.text(), '  ')}".encode()
    try:
        text = content.decode()
        column = _find_column(yaml.compose(text, Loader=yaml.SafeLoader))
        before = yaml.safe_load(text)
    except (UnicodeDecodeError, yaml.YAMLError):
        return None
    if column is None:
        return None
    end = "\r\n" if "\r\n" in text else "\n"
    entry = indent(hook.text(), " " * column).replace("\n", end)
    appended = f"{text if text.endswith(end) else text + end}{entry}"
    wanted = {**before, "repos": [*before["repos"], *yaml.safe_load(hook.text())]}
    try:
        is_right = yaml.safe_load(appended) == wanted
    except yaml.YAMLError:
        return None
    return appended.encode() if is_right else None


def quote_scalar(text: str) -> str:
    """Return the text as YAML on one line, quoted where it has to be."""
    # words such as `on` are no text when they stand there plain
    if _PLAIN.fullmatch(text) and yaml.safe_load(text) == text:
        return text
    return "'" + text.replace("'", "''") + "'"


def _find_column(root: yaml.Node | None) -> int | None:
    """Return the column that the items of `repos:` stand at; None where they are no block."""
    if not isinstance(root, yaml.MappingNode):
        return None
    for key, value in root.value:
        if key.value == "repos" and isinstance(value, yaml.SequenceNode):
            return None if value.flow_style else value.start_mark.column
    return None
