"""The two files of a new rule: `python -m safemigrate.testing.scaffold NAME`, in a checkout."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from string import Template

from safemigrate import __version__
from safemigrate.errors import SafemigrateError, UsageError
from safemigrate.testing.rulebook import rule_book_folder

__all__ = ["CURES", "check_rule_name", "main", "write_rule"]

CURES = frozenset({"avoid", "ban", "no", "prefer", "require", "use"})
"""First words of a name that would say the cure, not the pattern found."""

_NAME = re.compile(r"[a-z]+(-[a-z]+)*\Z")

_RULE = Template('''\
"""What the rule is about, in a few words."""

from collections.abc import Iterator

from safemigrate.model import AddColumn, Finding, Severity
from safemigrate.rulekit import Context, Family, rule

__all__ = ["$function"]


@rule(family=Family.LOCKS, severity=Severity.ERROR, since="$version")
def $function(context: Context) -> Iterator[Finding]:
    """One sentence that says the harm.

    ## What it does

    Finds …

    ## Why is this unsafe?

    Which lock on which relation, who waits, how long.

    ## Example

    ```sql
    SELECT 1;
    ```

    ## Use instead

    ```sql
    SELECT 1;
    ```

    ```python
    op.execute("SELECT 1")
    ```

    ## When it is safe

    On a table that the same migration creates.

    ## References

    - PostgreSQL manual, "…"
    """
    for event, action in context.events(AddColumn):
        if context.is_new(event, action.table):
            continue
        yield context.finding(event, "what happens, with the user's names", why="who waits for it")
''')

_CASES = Template("""\
rule: $name
schema: |
  CREATE TABLE recipe (id bigint PRIMARY KEY, name text);
  INSERT INTO recipe SELECT n, 'name' FROM generate_series(1, 100) AS n;
cases:
  - id: plain
    bad: ALTER TABLE recipe ADD COLUMN origin text;
    finds: [{line: 1, column: 20}]
    locks: {public.recipe: ACCESS EXCLUSIVE}
    rewrites: []
    scans: []
  - id: from Alembic
    bad-alembic: op.add_column("recipe", sa.Column("origin", sa.Text()))
    finds: [{line: 1}]
  - id: table created in the same migration
    good: |
      BEGIN;
      CREATE TABLE dish (id bigint PRIMARY KEY);
      ALTER TABLE dish ADD COLUMN origin text;
      COMMIT;
""")


def check_rule_name(name: str) -> None:
    """Raise UsageError for a name that a rule may not have."""
    if not _NAME.match(name):
        raise UsageError(
            f'"{name}" is not a name for a rule', "use lower-case words joined by dashes"
        )
    if name.partition("-")[0] in CURES:
        raise UsageError(
            f'"{name}" names the cure', 'name the pattern found: it is read after the word "allow"'
        )


def write_rule(name: str, *, rules: Path, cases: Path, version: str) -> tuple[Path, Path]:
    """Write the rule's Python into `rules` and its case file into `cases`; return both paths.

    `version`: of the package that first has the rule. Raises UsageError for a name that a rule
    may not have, and when one of the files is there.
    """
    check_rule_name(name)
    function = name.replace("-", "_")
    code, book = rules / f"{function}.py", cases / f"{name}.yml"
    for path in (code, book):
        if path.exists():
            raise UsageError(f'"{path.name}" is already there', "choose another name")
    names = {"name": name, "function": function, "version": version}
    code.write_text(_RULE.substitute(names), encoding="utf-8")
    book.write_text(_CASES.substitute(names), encoding="utf-8")
    return code, book


def main(arguments: Sequence[str]) -> int:
    """Write the files of the rule named by the one argument; return the exit code."""
    try:
        if len(arguments) != 1:
            raise UsageError("one name is needed", "make rule NAME=lower-case-words")
        rules = Path(__file__).parent.parent / "rules"
        cases = rule_book_folder()
        if cases.name != "rules":
            raise UsageError("this is no checkout", "clone the repository to write rules")
        made = write_rule(arguments[0], rules=rules, cases=cases, version=__version__)
        sys.stdout.write("".join(f"{path}\n" for path in made))
        sys.stdout.write("next: fill them in, and run: pytest tests/rulebook\n")
    except SafemigrateError as err:
        sys.stderr.write(f"error: {err.message}\nhint: {err.hint}\n")
        return err.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
