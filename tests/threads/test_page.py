"""The page about the threads names every test, and every test it names is there."""

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "explanation" / "threads.md"


def test_the_page_names_the_tests_that_are_there_and_no_others() -> None:
    written = {
        name
        for module in HERE.glob("test_*.py")
        if module != Path(__file__)
        for name in re.findall(r"^async def (test_\w+)", module.read_text("utf-8"), re.MULTILINE)
    }

    assert set(re.findall(r"`(test_\w+)`", PAGE.read_text("utf-8"))) == written


def test_every_thread_has_its_row() -> None:
    rows = re.findall(r"^\| (\d+) \| (\S+/\S+#\d+) \|", PAGE.read_text("utf-8"), re.MULTILINE)

    assert [int(number) for number, _ in rows] == list(range(1, 26))


def test_every_thread_of_the_page_is_named_by_a_test() -> None:
    threads = set(re.findall(r"^\| (?:\d+ \| )?(\S+/\S+#\d+) \|", PAGE.read_text("utf-8"), re.MULTILINE))
    told = "".join(module.read_text("utf-8") for module in HERE.glob("test_*.py"))

    assert {thread for thread in threads if thread not in told} == set()
