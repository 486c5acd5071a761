"""Jobs as GitHub and GitLab run them: the scripts of a YAML file, in its environment.

https://docs.github.com/actions/reference/workflows-and-actions/metadata-syntax
https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax
https://docs.gitlab.com/ci/yaml/#script
"""

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Ran", "run_script", "run_steps"]

# What GitHub calls `shell: bash`.
_BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail")
_EXPRESSION = re.compile(
    r"\$\{\{ *(?:(?P<condition>[^{}&|]+) && )?(?P<name>[\w.-]+)(?: \|\| '')? *\}\}"
)
_TERM = re.compile(r"([\w.-]+) (==|!=) '([^']*)'")


@dataclass(slots=True)
class Ran:
    """What became of the steps of a job.

    `values`: what expressions stand for, such as `steps.judge.outputs.sarif`.
    `used`: each action that was called, with its inputs.
    """

    values: dict[str, str]
    exit_code: int = 0
    stdout: str = ""
    stderr: str = ""
    used: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def fill(self, text: object) -> str:
        """Return a text with its expressions evaluated; what is not set is empty, as on GitHub."""
        return _EXPRESSION.sub(self._evaluate, str(text))

    def _evaluate(self, match: re.Match[str]) -> str:
        condition = match["condition"]
        is_wanted = condition is None or self._holds(condition)
        return self.values.get(match["name"], "") if is_wanted else ""

    def allows(self, condition: str | None) -> bool:
        """Return whether a step runs: by its condition, and unless one before it has failed."""
        terms = [] if condition is None else condition.split(" && ")
        if "always()" not in terms and self.exit_code:
            return False
        return all(self._holds(term) for term in terms if term != "always()")

    def _holds(self, term: str) -> bool:
        match = _TERM.fullmatch(term)
        assert match is not None, f"not understood: {term}"
        is_equal = self.values.get(match[1], "") == match[3]
        return is_equal if match[2] == "==" else not is_equal


def run_steps(
    steps: Sequence[Mapping[str, Any]],
    values: Mapping[str, str],
    *,
    folder: Path,
    env: Mapping[str, str],
) -> Ran:
    """Run steps of GitHub in the folder; calls of actions are kept and not made.

    `env` names the files that GitHub reads: GITHUB_OUTPUT has to be there.
    """
    ran = Ran(dict(values))
    output = Path(env["GITHUB_OUTPUT"])
    for step in steps:
        if not ran.allows(step.get("if")):
            continue
        if "uses" in step:
            given = {key: ran.fill(value) for key, value in step.get("with", {}).items()}
            ran.used.append((step["uses"], given))
            continue
        output.write_text("", encoding="utf-8")
        place = folder / ran.fill(step.get("working-directory", "."))
        own = {key: ran.fill(value) for key, value in step.get("env", {}).items()}
        done = run_script(ran.fill(step["run"]), place, {**env, **own})
        ran.exit_code = ran.exit_code or done.returncode
        ran.stdout += done.stdout
        ran.stderr += done.stderr
        for line in output.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            ran.values[f"steps.{step['id']}.outputs.{name}"] = value
    return ran


def run_script(
    script: str, folder: Path, env: Mapping[str, str], shell: Sequence[str] = _BASH
) -> subprocess.CompletedProcess[str]:
    """Run a script as a job does, out of a file."""
    file = Path(env["RUNNER_TEMP"]) / "script.sh"
    file.write_text(script, encoding="utf-8")
    return subprocess.run(
        [*shell, str(file)],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
