"""docs/pre-commit.md: what it says to paste is configuration, and its commands run."""

import re
import shlex
import sys
from pathlib import Path

import pytest
import yaml

from tests.hook.conftest import CONFIG, ROOT, Published, Shop
from tests.hook.test_published import BAD, GOOD, HOOKS, SHARED, UNDO, VERIFY_COMMAND

TEXT = (ROOT / "docs" / "pre-commit.md").read_text(encoding="utf-8")
REPOSITORY = {"repo": "https://github.com/safemigrate/safemigrate", "rev": "v0.1.0"}


def list_blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


# that one is run where the proofs are looked at
SHOWN = [line for block in list_blocks("sh") for line in block.splitlines()]
COMMANDS = [line for line in SHOWN if line != VERIFY_COMMAND]
(OUTPUT,) = list_blocks("text")


@pytest.fixture
def user(shop: Shop, published: Published) -> Shop:
    """Somebody who has pasted the first configuration."""
    (entry, *rest) = yaml.safe_load(list_blocks("yaml")[0])["repos"]
    assert {key: entry[key] for key in REPOSITORY} == REPOSITORY
    assert rest == []
    shop.use(published.entry(*({**one, **SHARED} for one in entry["hooks"])))
    shop.git("add", ".", shop.revise("0002", GOOD, UNDO, after="0001"))
    return shop


@pytest.mark.parametrize("text", list_blocks("yaml"))
def test_what_is_pasted_is_configuration(text: str, shop: Shop) -> None:
    shop.write(CONFIG, text)

    shop.check("pre-commit", "validate-config", CONFIG)

    (entry,) = yaml.safe_load(text)["repos"]
    assert {key: entry[key] for key in REPOSITORY} == REPOSITORY
    for hook in entry["hooks"]:
        assert hook["id"] in HOOKS
        given = set(hook.get("additional_dependencies", ())) | set(
            HOOKS[hook["id"]].get("additional_dependencies", ())
        )
        # what is named there takes the place of what the hook has
        assert given == {*hook.get("additional_dependencies", given)}


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_does_what_it_is_shown_for(line: str, user: Shop) -> None:
    assert len(SHOWN) == len(COMMANDS) + 1
    program, *arguments = shlex.split(line)
    if program == "safemigrate":
        program = str(Path(sys.executable).with_name(program))

    done = user.run(program, *arguments)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout


def test_a_refusal_looks_as_it_is_shown(user: Shop) -> None:
    user.git("commit", "--quiet", "-m", "second")
    index = BAD.replace("ix_recipe_name", "by_name")
    user.git("add", user.revise("0003", index, UNDO, after="0002"))

    done = user.commit()

    assert done.returncode == 1
    assert OUTPUT in done.stderr
