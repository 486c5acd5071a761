"""What stands in several places for the same job is the same in each of them."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from safemigrate.cli.pipelines import make_gitlab_job, make_workflow
from tests.pipelines.conftest import ACTION, JUDGE, ROOT

TEXTS = {
    "action.yml": (ROOT / "action.yml").read_text(encoding="utf-8"),
    "init": make_workflow("", ()),
    "docs/ci.md": (ROOT / "docs" / "ci.md").read_text(encoding="utf-8"),
}
TEMPLATE = (ROOT / "ci" / "gitlab.yml").read_text(encoding="utf-8")
PINNED = re.compile(r"uses: ([\w/.-]+)@([0-9a-f]{40} # v[\d.]+)$", re.MULTILINE)


def read_shown_workflow() -> dict[Any, Any]:
    """Return the first workflow of the page."""
    found = re.search(r"^```yaml\n(.*?)^```$", TEXTS["docs/ci.md"], re.DOTALL | re.MULTILINE)
    assert found is not None
    workflow: dict[Any, Any] = yaml.safe_load(found[1])
    return workflow


def read_job(text: str) -> Mapping[str, Any]:
    (job,) = yaml.safe_load(text).values()
    assert isinstance(job, dict)
    return job


def list_options(script: str) -> dict[str, str]:
    """Return the options of the command with their values, as the shell is told them."""
    command = script.partition("safemigrate pull-request ")[2]
    return dict(re.findall(r'(--[\w-]+) "([^"]+)"', command))


def test_an_action_is_called_by_one_digest_everywhere() -> None:
    called: dict[str, set[str]] = {}
    for name, text in TEXTS.items():
        found = PINNED.findall(text)
        assert found, name
        for action, digest in found:
            called.setdefault(action, set()).add(digest)

    assert {*called} >= {"actions/checkout", "actions/setup-python"}
    assert {action: len(digests) for action, digests in called.items()} == dict.fromkeys(called, 1)


def test_the_workflow_of_init_is_that_of_the_page_around_the_command() -> None:
    shown, written = read_shown_workflow(), yaml.safe_load(TEXTS["init"])
    (shown_job,), (job,) = shown["jobs"].values(), written["jobs"].values()
    shown_steps, steps = shown_job.pop("steps"), job.pop("steps")

    # triggers, permissions, concurrency and the runner
    assert shown == written
    assert shown_steps[0] == steps[0]


def test_the_action_runs_what_the_workflow_of_init_does() -> None:
    steps = yaml.safe_load(TEXTS["init"])["jobs"]["safemigrate"]["steps"]
    (judge,) = [one for one in ACTION["runs"]["steps"] if one["name"] == JUDGE]

    assert steps[-1]["run"] == "safemigrate pull-request"
    assert "\nsafemigrate pull-request " in judge["run"]
    assert ACTION["inputs"]["token"]["default"] == steps[-1]["env"]["GITHUB_TOKEN"]
    (setup,) = [one for one in steps if "setup-python" in one.get("uses", "")]
    assert setup["with"]["python-version"] == ACTION["inputs"]["python-version"]["default"]


def test_the_job_of_init_is_the_template_of_gitlab() -> None:
    template, job = read_job(TEMPLATE), read_job(make_gitlab_job("", ()))

    for key in ("image", "rules", "interruptible", "resource_group", "artifacts"):
        assert template[key] == job[key]
    assert template["variables"]["GIT_DEPTH"] == job["variables"]["GIT_DEPTH"]
    assert list_options(template["script"][-1]) == list_options(job["script"][-1])
    assert {*list_options(job["script"][-1])} == {"--code-quality", "--junit"}
