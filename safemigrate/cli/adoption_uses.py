"""Which hooks, workflows and jobs of a repository there are for a project already."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from shlex import join
from typing import Any

import yaml

from safemigrate.cli.adoption_calls import Subject, Use, find_use
from safemigrate.cli.pipelines import JOB_NAME

__all__ = ["find_hook_use", "find_job_use", "find_workflow_use", "has_job"]

_ACTION = re.compile(r"[\w.-]+/safemigrate@")

# The job of ci/gitlab.yml, which is included from outside: its variables are not our environment's.
_FOLDER, _ARGUMENTS = (f"{JOB_NAME.upper()}_{name}" for name in ("FOLDER", "ARGS"))
_TEMPLATE = {
    "script": f'cd "${_FOLDER}"\nsafemigrate pull-request ${_ARGUMENTS}',
    "variables": {_FOLDER: ".", _ARGUMENTS: ""},
}
_DEEPEST = 10


class _Loader(yaml.SafeLoader):
    """Reads GitLab's own tags, such as `!reference [job, script]`, as nothing."""


_Loader.add_multi_constructor("!", lambda *_: None)


def find_hook_use(content: bytes, subject: Subject) -> Use:
    """Return for whom some hook of pre-commit's file judges what is committed."""
    document = _read(content)
    if document is None:
        return _guess(content)
    uses = []
    for repository in _list_mappings(document.get("repos")):
        is_published = repository.get("repo") not in {"local", "meta"}
        for hook in _list_mappings(repository.get("hooks")):
            usual = (
                "safemigrate lint" if is_published and hook.get("id") == f"{JOB_NAME}-lint" else ""
            )
            script = str(hook.get("entry", usual))
            if hook.get("stages") != ["manual"]:
                line = f"{script} {join(_list_texts(hook.get('args')))}"
                uses.append(find_use(subject, "lint", line))
    return max(uses, default=Use.NONE)


def find_workflow_use(content: bytes, subject: Subject) -> Use:
    """Return for whom a workflow of GitHub judges a pull request."""
    document = _read(content)
    if document is None:
        return _guess(content)
    uses = []
    for job in _list_mappings(_mapping(document.get("jobs")).values()):
        for step in _list_mappings(job.get("steps")):
            if _ACTION.match(str(step.get("uses", ""))):
                uses.append(_find_action_use(_mapping(step.get("with")), subject))
            levels = (document, job, step)
            folder = step.get("working-directory") or _default_folder(job, document)
            variables = {k: v for one in levels for k, v in _mapping(one.get("env")).items()}
            script = str(step.get("run", ""))
            uses.append(
                find_use(subject, "pull-request", script, folder=folder, variables=variables)
            )
    return max(uses, default=Use.NONE)


def _find_action_use(inputs: Mapping[str, Any], subject: Subject) -> Use:
    options = ["--config", str(inputs["config"])] if inputs.get("config") else []
    script = f"safemigrate pull-request {join(options)} {inputs.get('args', '')}"
    folder = str(inputs.get("working-directory") or "")
    return find_use(subject, "pull-request", script, folder=folder)


def _default_folder(*levels: Mapping[str, Any]) -> str:
    runs = (_mapping(_mapping(one.get("defaults")).get("run")) for one in levels)
    return next((str(run["working-directory"]) for run in runs if "working-directory" in run), "")


def find_job_use(content: bytes, subject: Subject) -> Use:
    """Return for whom a job of GitLab judges a merge request."""
    document = _read(content)
    if document is None:
        return _guess(content)
    jobs = _list_jobs(document, subject.top)
    uses = []
    for job in jobs.values():
        parts = [*_list_texts(job.get("before_script")), *_list_texts(job.get("script"))]
        variables = {**_mapping(document.get("variables")), **_mapping(job.get("variables"))}
        uses.append(find_use(subject, "pull-request", "\n".join(parts), variables=variables))
    return max(uses, default=Use.NONE)


def has_job(content: bytes) -> bool:
    """Return whether some job of GitLab has our name."""
    document = _read(content)
    return document is not None and JOB_NAME in document


def _list_jobs(document: Mapping[str, Any], top: Path) -> Mapping[str, Mapping[str, Any]]:
    """Return the jobs by their names, with those of files that are included."""
    jobs: dict[str, Mapping[str, Any]] = {}
    included = document.get("include")
    for one in included if isinstance(included, list) else [included]:
        place = one if isinstance(one, str) else _mapping(one).get("local")
        file = top / str(place).lstrip("/")
        if place is not None and file.is_file():
            jobs |= _mappings_of(_read(file.read_bytes()) or {})
        elif JOB_NAME in str(one):
            jobs[JOB_NAME] = _TEMPLATE
    for name, job in _mappings_of(document).items():
        extended = job.get("extends", name)
        # what one job is made of is put together as GitLab does it, as far as it is ours
        for base in extended if isinstance(extended, list) else [extended]:
            known = jobs.get(str(base), {})
            both = {**_mapping(known.get("variables")), **_mapping(job.get("variables"))}
            job = {**known, **job, "variables": both}  # noqa: PLW2901 - one base after another
        jobs[name] = job
    return jobs


def _mappings_of(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {str(name): one for name, one in document.items() if isinstance(one, dict)}


def _guess(content: bytes) -> Use:
    """Return for whom a file is that cannot be read."""
    return Use.UNSURE if JOB_NAME.encode() in content else Use.NONE


def _read(content: bytes) -> Mapping[str, Any] | None:
    """Return what a file says, nothing where it is empty; None where it cannot be read."""
    try:
        document = yaml.load(content, Loader=_Loader)  # noqa: S506 - it is a safe one
    except (UnicodeDecodeError, ValueError, yaml.YAMLError):
        return None
    return _mapping(document)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list_mappings(values: object) -> Iterator[Mapping[str, Any]]:
    for one in values if isinstance(values, Iterable) else ():
        if isinstance(one, dict):
            yield one


def _list_texts(value: object, depth: int = _DEEPEST) -> Iterator[str]:
    """Yield the texts of a list, and of lists in it, which an anchor may put into itself."""
    if isinstance(value, list):
        for one in value if depth else ():
            yield from _list_texts(one, depth - 1)
    elif value is not None:
        yield str(value)
