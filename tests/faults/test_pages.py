"""Every fault has its page, and the pages in the repository are those the catalogue gives."""

import re
from pathlib import Path
from typing import Final

import pytest

from holdfast.faults import CATALOGUE, doc_path
from holdfast.faults.pages import main, pages, stale, write

ROOT: Final = Path(__file__).parents[2]
DIRECTORY: Final = ROOT / "docs" / "diagnosis"


def test_the_pages_in_the_repository_are_complete_and_up_to_date() -> None:
    assert stale(DIRECTORY) == [], "run `python -m holdfast.faults.pages`"


@pytest.mark.parametrize("code", CATALOGUE)
def test_the_page_of_a_code_is_where_doc_path_says(code: str) -> None:
    assert (ROOT / doc_path(code)).read_text(encoding="utf-8").startswith(f"# {code}: {CATALOGUE[code].title}\n")


@pytest.mark.parametrize("name", pages())
def test_every_link_of_a_page_within_the_documentation_leads_somewhere(name: str) -> None:
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", pages()[name]) if "://" not in target]

    assert targets != []
    assert [target for target in targets if not (DIRECTORY / target).resolve().is_file()] == []


def test_a_page_tells_symptom_cause_fix_evidence_rivals_guide_and_threads() -> None:
    page = pages()["KEY-REGENERATED.md"]

    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == [
        "What you see",
        "Cause",
        "Fix",
        "How Holdfast knows",
        "What `holdfast doctor` checks",
        "Easily confused with",
        "Often hidden behind",
        "In the troubleshooting guide",
        "Seen in",
    ]


def test_the_check_names_what_is_missing_changed_and_of_no_fault_and_writing_mends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path)
    (tmp_path / "SIG-ORDER.md").unlink()
    (tmp_path / "SIG-JSON.md").write_text("edited by hand")
    (tmp_path / "SIG-OLD.md").write_text("of no fault")

    assert main(["--check", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "SIG-ORDER.md is missing" in told
    assert "SIG-JSON.md is out of date" in told
    assert "SIG-OLD.md belongs to no fault" in told
    assert told.endswith("Run `python -m holdfast.faults.pages` and commit what it writes.\n")

    assert main([str(tmp_path)]) == 0
    assert main(["--check", str(tmp_path)]) == 0
