"""The job of docs/ci.md that posts what a job without a token wrote, run with a stand-in for gh."""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from safemigrate.errors import UsageError
from safemigrate.forge import make_mark
from safemigrate.model import LintResult, Timeline
from safemigrate.report import Judgement
from safemigrate.report.comment import Review, format_comment, format_failure
from tests.pipelines.conftest import ROOT
from tests.pipelines.jobs import Ran, run_steps

MARK = make_mark("alembic.ini")
EMPTY = LintResult((), 0, 0, (), 0)
NOTHING_NEW = format_comment(
    Review(Judgement(EMPTY, Timeline(()), frozenset())), mark=MARK, limit=1000
)
FINDINGS = f"{MARK}\n## ❌ safemigrate: 1 error\n"

# As gh does: each page of a list is an array of its own, and what fails has an exit code.
GH = """\
import json, os, sys
from pathlib import Path

kept = Path(os.environ["COMMENTS"])
comments = json.loads(kept.read_text())
command, *words = sys.argv[1:]
assert command == "api" and os.environ["GITHUB_TOKEN"], command
place = next(word for word in words if word.startswith("repos/acme/shop/issues/"))
if "--paginate" in words:
    assert place.endswith("/12/comments?per_page=100"), place
    if os.environ.get("IS_BROKEN"):
        sys.exit("HTTP 502")
    for at in range(0, max(len(comments), 1), 2):
        print(json.dumps(comments[at : at + 2]))
    sys.exit()
(field,) = [word for word in words if word.startswith("body=@")]
assert words[words.index(field) - 1] == "-F"
body = Path(field.removeprefix("body=@")).read_text()
match words[words.index("--method") + 1]:
    case "POST":
        assert place.endswith("/issues/12/comments"), place
        comments.append({"id": 9, "user": {"login": "github-actions[bot]"}, "body": body})
    case "PATCH":
        (one,) = [one for one in comments if place.endswith(f"/issues/comments/{one['id']}")]
        one["body"] = body
kept.write_text(json.dumps(comments))
"""

FAILED = format_failure(UsageError("no such revision", "name another"), mark=MARK, head="")

Post = Callable[..., tuple[Ran, list[str | None]]]


def read_step() -> dict[str, Any]:
    """Return the last step of the job that posts."""
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    _, _, section = text.partition("\n### Without a token beside the code\n")
    found = re.search(r"^```yaml\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    assert found is not None
    step: dict[str, Any] = yaml.safe_load(found[1])["jobs"]["comment"]["steps"][-1]
    # it is run so here, with pipefail
    assert step["shell"] == "bash"
    return step


@pytest.fixture
def post(tmp_path: Path) -> Post:
    """Run the step with a text, beside comments of the bot and of others."""
    if shutil.which("jq") is None:
        pytest.skip("jq is not here, which the runners of GitHub have")
    gh = tmp_path / "bin" / "gh"
    gh.parent.mkdir()
    gh.write_text(f"#!{sys.executable}\n{GH}", encoding="utf-8")
    gh.chmod(0o755)
    kept = tmp_path / "comments.json"

    def run(
        text: str, *bodies: str | None, by: str = "github-actions[bot]", **variables: str
    ) -> tuple[Ran, list[str | None]]:
        (tmp_path / "comment.md").write_text(text, encoding="utf-8")
        listed = [{"id": at, "user": {"login": by}, "body": one} for at, one in enumerate(bodies)]
        kept.write_text(json.dumps(listed), encoding="utf-8")
        env = {
            "PATH": os.pathsep.join((str(gh.parent), os.environ["PATH"])),
            "COMMENTS": str(kept),
            "GITHUB_OUTPUT": str(tmp_path / "output"),
            "GITHUB_REPOSITORY": "acme/shop",
            "RUNNER_TEMP": str(tmp_path),
            **variables,
        }
        values = {"github.token": "t", "github.event.pull_request.number": "12"}
        ran = run_steps([read_step()], values, folder=tmp_path, env=env)
        return ran, [one["body"] for one in json.loads(kept.read_text(encoding="utf-8"))]

    return run


def test_our_comment_is_found_by_its_mark(post: Post) -> None:
    others = ("coverage: 90%", f"{make_mark('api/alembic.ini')}\nother", None, f"> {MARK}")
    ran, bodies = post(FINDINGS, *others, f"{MARK}\nold", "deployed")

    assert ran.exit_code == 0, ran.stderr
    assert bodies == [*others, FINDINGS, "deployed"]


def test_a_comment_is_made_where_there_is_none_of_ours(post: Post) -> None:
    for others in ((), ("coverage: 90%",)):
        ran, bodies = post(FINDINGS, *others)
        assert ran.exit_code == 0, ran.stderr
        assert bodies == [*others, FINDINGS]

    _, bodies = post(FINDINGS, f"{MARK}\nmine, says mallory", by="mallory")
    assert bodies == [f"{MARK}\nmine, says mallory", FINDINGS]


@pytest.mark.parametrize("text", [NOTHING_NEW, FAILED])
def test_nothing_to_say_only_rewrites_what_is_there(post: Post, text: str) -> None:
    ran, bodies = post(text)
    assert (ran.exit_code, bodies) == (0, [])

    _, bodies = post(text, f"{MARK}\nold")
    assert bodies == [text]


def test_a_list_that_cannot_be_read_makes_no_second_comment(post: Post) -> None:
    ran, bodies = post(FINDINGS, f"{MARK}\nold", IS_BROKEN="1")

    assert ran.exit_code != 0
    assert bodies == [f"{MARK}\nold"]


@pytest.mark.parametrize("text", ["", "\nhello\n", "deployed\n", "<!-- x -->\n"])
def test_a_file_without_a_mark_takes_no_comment_of_others(post: Post, text: str) -> None:
    ran, bodies = post(text, "deployed by somebody")

    assert ran.exit_code != 0
    assert bodies == ["deployed by somebody"]
