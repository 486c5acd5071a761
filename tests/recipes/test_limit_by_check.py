import pytest

from safemigrate.model import AlterColumnType
from safemigrate.recipes import condition_of_type
from safemigrate.sql import read_actions


@pytest.mark.parametrize(
    ("old", "change", "condition"),
    [
        ("text", "c TYPE varchar(20)", "char_length(c) <= 20"),
        ("character varying", '"No" TYPE char(3)', 'char_length("No") <= 3'),
        ("bigint", "c TYPE integer", "c BETWEEN -2147483648 AND 2147483647"),
        ("numeric", "c TYPE smallint", "c = trunc(c) AND c BETWEEN -32768 AND 32767"),
        ("numeric", "c TYPE numeric(12, 2)", "c = round(c, 2) AND abs(c) < 1e10"),
        ("numeric", "c TYPE numeric(5)", "c = round(c, 0) AND abs(c) < 1e5"),
        ("timestamp with time zone", "c TYPE date", None),
        ("text", "c TYPE varchar(20) USING left(c, 20)", None),
        ("text", "c TYPE varchar(20)[]", None),
    ],
)
def test_what_the_values_must_satisfy(old: str, change: str, condition: str | None) -> None:
    (action,) = read_actions(f"ALTER TABLE t ALTER COLUMN {change}")
    assert isinstance(action, AlterColumnType)
    assert condition_of_type(action, old) == condition
