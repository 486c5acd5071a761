"""Rows: generated ones for every table, and what becomes of them."""

from safemigrate.verify.rows.filling import Filling, fill_tables

__all__ = ["Filling", "fill_tables"]
