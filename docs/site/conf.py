"""The documentation as a site: the pages of this repository, as they stand. `tox -e docs` builds it without network."""

project = "meshproof"
author = "the meshproof authors"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "meshproof"
html_show_copyright = False
root_doc = "docs/site/index"
include_patterns = [
    "docs/site/index.md",
    *("README.md", "README.zh-CN.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/*.md", "docs/zh/*.md"),
    *("reports/README.md", "examples/**/README.md", "findings/README.md", "harness/istiod/README.md"),
]
exclude_patterns = [".*", "build", "dist"]
myst_heading_anchors = 4
