"""What the revisions share."""

from pathlib import Path

from alembic import op


def add_index(table, *columns):
    name = f"ix_{table}_{'_'.join(columns)}"
    op.create_index(name, table, list(columns))


def run_file(path):
    for statement in Path(path).read_text(encoding="utf-8").split(";"):
        if statement.strip():
            op.execute(statement)


def grant(tables, role):
    for table in tables:
        op.execute(
            f"GRANT SELECT ON {table} TO {role}",
        )
