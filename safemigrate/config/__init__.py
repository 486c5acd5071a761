"""The configuration: `[tool.safemigrate]` of pyproject.toml, or safemigrate.toml, as a value."""

from safemigrate.config.file import load_config
from safemigrate.config.settings import Config, RuleSettings, check_rule_names

__all__ = ["Config", "RuleSettings", "check_rule_names", "load_config"]
