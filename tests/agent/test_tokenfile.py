"""Files with an enrolment token, as editors and shells save them."""

from pathlib import Path

import pytest

from holdfast.agent.tokenfile import read_token
from holdfast.faults import Refused

TOKEN = "hfe_abcdefghijklmnopqrstuvwxyz234567abcdef"


@pytest.mark.parametrize("encoding", ["ascii", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_token_is_read_from_whatever_an_editor_saved(tmp_path: Path, encoding: str, end: str) -> None:
    (tmp_path / "token").write_bytes(f"{TOKEN}{end}".encode(encoding))

    assert read_token(tmp_path / "token") == TOKEN


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"hfe_\xff", "byte 4 is no UTF-8 text"),
        (TOKEN.encode("utf-16-le"), "it is UTF-16 without the mark that says so: save it as UTF-8"),
        (b"x" * 5000, "it has more than 4096 bytes: this is no token"),
    ],
)
def test_what_is_no_token_is_refused_with_the_reason(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "token").write_bytes(content)

    with pytest.raises(Refused) as refused:
        read_token(tmp_path / "token")

    assert (refused.value.problem.code, refused.value.problem.why) == ("ID-TOKEN-INVALID", why)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        read_token(tmp_path / "missing")

    assert refused.value.problem.what == f"no enrolment token in {tmp_path / 'missing'}"
    assert refused.value.problem.why == "No such file or directory"
