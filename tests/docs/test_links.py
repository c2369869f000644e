"""The documentation holds together: links lead somewhere, and every page can be found from the index."""

import re
from pathlib import Path

import pytest

from tests.processes import ROOT

DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "examples" / "README.md"])


def targets(page: Path) -> list[str]:
    """Relative links of a page, code left out."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text("utf-8"), flags=re.DOTALL)
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", link)]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_of_the_project_and_to_a_heading_in_it(page: Path) -> None:
    for link in targets(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page

        assert target.is_relative_to(ROOT), link
        assert target.exists(), f"{page.relative_to(ROOT)} links to {link}, which is not there"
        assert not anchor or anchor in anchors(target), f"{link} has no such heading"


def test_every_page_is_in_the_index_of_the_documentation() -> None:
    linked = {(DOCS / link).resolve() for link in targets(DOCS / "README.md")}
    kinds = ("tutorial", "how-to", "reference", "explanation")
    pages = {page for kind in kinds for page in (DOCS / kind).glob("*.*")}

    assert {page.relative_to(DOCS) for page in pages - linked} == set(), "add these to docs/README.md"
