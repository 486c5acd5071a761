"""Whether row-level security keeps tenants apart: two of them, and every way to their rows."""
