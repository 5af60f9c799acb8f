"""Sphinx configuration. Build with: python -m sphinx -b html docs build/docs"""

from __future__ import annotations

import sys
from pathlib import Path

import rustorch

sys.path.insert(0, str(Path(__file__).parent))

project = "rustorch"
author = "The rustorch authors"
copyright = "2026, the rustorch authors"
version = release = rustorch.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "op_pages",
]
exclude_patterns = ["_build"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_default_options = {"members": True, "show-inheritance": True}
autosummary_generate = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False

# The examples in docstrings and pages are tests: python -m sphinx -b doctest docs build/doctest
doctest_global_setup = "import numpy as np\nimport rustorch as rt\nfrom rustorch import nn"

# Links to Python's and NumPy's own pages need the network; a build without it leaves them plain.
intersphinx_mapping = {}

html_theme = "furo"
html_title = f"rustorch {release}"
html_static_path: list[str] = []
