"""How Sphinx builds these pages; MyST, so that they are the same Markdown as README.md."""

project = "pytest-wheeltag"
author = "The pytest-wheeltag authors"
copyright = "2026, The pytest-wheeltag authors"
extensions = ["myst_parser"]
exclude_patterns = ["_build"]
# Links lead to headings, here as in README.md.
myst_heading_anchors = 3
html_theme = "alabaster"
