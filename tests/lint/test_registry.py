import importlib
from pkgutil import iter_modules

import safemigrate.rules
from safemigrate.lint import rules


def test_every_module_of_the_package_is_a_rule_of_its_name() -> None:
    modules = [module.name for module in iter_modules(safemigrate.rules.__path__)]
    assert [name.replace("-", "_") for name in rules()] == sorted(modules)


def test_every_module_exports_its_rule_and_nothing_else() -> None:
    for name, rule in rules().items():
        module = importlib.import_module(rule.check.__module__)
        assert module.__all__ == [name.replace("-", "_")]


def test_names_are_sorted() -> None:
    assert list(rules()) == sorted(rules())
