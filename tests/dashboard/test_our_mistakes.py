"""An error that nobody foresaw is a page of its own for people, and a problem document for programs."""

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx

from tests.processes import control_plane


def test_a_mistake_of_ours_is_told_on_a_page_and_as_a_document(tmp_path: Path) -> None:
    with control_plane(tmp_path / "data") as plane:
        with closing(sqlite3.connect(plane.data_dir / "holdfast.db")) as database:
            database.execute("DROP TABLE audit")
        page, document = (
            httpx.get(plane.api_url + path, trust_env=False, timeout=10) for path in ("/ui/audit", "/audit")
        )
        logged = plane.child.output()

    assert (page.status_code, document.status_code) == (500, 500)
    assert page.headers["content-type"].startswith("text/html")
    assert "<h1>Holdfast made a mistake</h1>" in page.text
    assert document.headers["content-type"] == "application/problem+json"
    assert document.json()["code"] == "API-BUG"
    assert logged.count("api.request_failed") == 2
    assert "no such table" in logged
