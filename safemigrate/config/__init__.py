"""The configuration: `[tool.safemigrate]` of pyproject.toml, or safemigrate.toml, as a value."""

from safemigrate.config.file import load_config
from safemigrate.config.globs import matches_glob
from safemigrate.config.proving import Deployer, VerifyChoices, check_property_words
from safemigrate.config.running import RunChoices
from safemigrate.config.settings import (
    ALL_RULES,
    Config,
    PathChoice,
    RuleChoice,
    RuleOptions,
    RuleSettings,
    check_rule_names,
)

__all__ = [
    "ALL_RULES",
    "Config",
    "Deployer",
    "PathChoice",
    "RuleChoice",
    "RuleOptions",
    "RuleSettings",
    "RunChoices",
    "VerifyChoices",
    "check_property_words",
    "check_rule_names",
    "load_config",
    "matches_glob",
]
