"""How the documentation is built; `make docs` does it."""

import os
import sys
from importlib.metadata import version as version_of
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "safemigrate"
author = "the safemigrate project"
project_copyright = "the safemigrate project, MIT licence"
version = release = version_of("safemigrate")

extensions = [
    "myst_parser",
    "drawings",
    "safemigrate_docs",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
]
exclude_patterns = ["_*"]

myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 4
smartquotes = False  # two dashes are an option, or a comment in SQL

# Docstrings are written as Markdown is: what stands between backticks is code.
default_role = "code"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "alphabetical"
python_use_unqualified_type_names = True
# Only what is public here has a page: other packages' pages are elsewhere.
nitpick_ignore_regex = [("py:.*", r"(?!safemigrate\.(?:errors|model|rulekit|testing)\.[A-Z]).*")]

# Nobody but a maintainer asks other hosts: `make docs-links`.
linkcheck_ignore = [r"https://github\.com/safemigrate/.*"]

html_theme = "furo"
html_title = "safemigrate"
html_favicon = "_static/logo.svg"
html_logo = "_static/logo.svg"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
templates_path = ["_templates"]
html_additional_pages = {"404": "404.html"}
# Where the site is, for the page of what is not found: it may be shown at any address.
html_context = {"site_root": os.environ.get("SAFEMIGRATE_DOCS_ROOT", "/")}
html_copy_source = False
html_show_sphinx = False
html_permalinks_icon = "#"
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0b5c7a",
        "color-brand-content": "#0b5c7a",
        "color-brand-visited": "#5b4a8a",
        "color-api-name": "#0b5c7a",
        "color-api-pre-name": "#0b5c7a",
    },
    "dark_css_variables": {
        "color-brand-primary": "#6cc5e4",
        "color-brand-content": "#6cc5e4",
        "color-brand-visited": "#b9a7e8",
        "color-api-name": "#6cc5e4",
        "color-api-pre-name": "#6cc5e4",
    },
    # A page of the reference has no source that could be shown or changed.
    "top_of_page_buttons": [],
}
pygments_style = "friendly"
pygments_dark_style = "github-dark"
