"""protocol.md says what the code does: numbers, close codes, fields, and the worked example."""

import json
import re

import msgspec
import pytest

from holdfast.faults.catalogue import CATALOGUE
from holdfast.gateway.settings import GatewaySettings
from holdfast.protocol import limits, payloads
from holdfast.protocol.closes import CloseCode, is_terminal
from holdfast.protocol.envelope import MESSAGE_TYPES, decode_envelope
from tests.processes import ROOT

PAGE = (ROOT / "docs" / "reference" / "protocol.md").read_text("utf-8")
SETTINGS = GatewaySettings()
EXAMPLE = {
    "seed of the key (hex)": "seed_hex",
    "agent_pubkey": "agent_pubkey",
    "nonce": "nonce",
    "server_time": "server_time",
    "host_id": "host_id",
    "text that is signed": "signed_text",
    "the signature": "signature",
}


def section(title: str) -> str:
    """The text under a heading, up to the next heading of any level."""
    _, _, text = PAGE.partition(f"# {title}\n")
    assert text, title
    return re.split(r"^#+ ", text, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> dict[str, str]:
    """The rows of the tables in `text`: first cell without its code quotes, and the rest."""
    found = re.findall(r"^\| `?([^`|]+?)`? \| (.*) \|$", text, re.MULTILINE)
    return {first: rest for first, rest in found if not first.startswith("---")}


@pytest.mark.parametrize("code", CloseCode, ids=lambda code: str(code.value))
def test_every_close_code_is_listed_with_the_right_advice(code: CloseCode) -> None:
    advice = rows(section("Coming back"))[str(code.value)].rpartition("|")[2].strip()

    assert (advice == "**no**") == is_terminal(code)


@pytest.mark.parametrize(
    ("heading", "struct"),
    [
        ("1. `request` on `agent.registration`", payloads.Init),
        ("2. `response` on `agent.registration`", payloads.Challenge),
        ("3. `request` on `agent.registration.complete`", payloads.Complete),
        ("4. `response` on `agent.registration.complete`", payloads.Confirmation),
        ("Errors", payloads.ErrorPayload),
    ],
)
def test_every_field_of_a_payload_is_described(heading: str, struct: type[msgspec.Struct]) -> None:
    described = set(rows(section(heading)))

    assert {field.encode_name for field in msgspec.structs.fields(struct)} <= described


def test_every_field_of_auth_and_its_answer_is_named() -> None:
    text = section("Resuming: `auth`")

    for struct in (payloads.Auth, payloads.AuthAnswer):
        assert all(f"`{field.encode_name}`" in text for field in msgspec.structs.fields(struct))


def test_every_type_of_message_is_named() -> None:
    assert all(f"`{kind}`" in section("Envelope") for kind in MESSAGE_TYPES)


def test_the_limits_are_the_defaults() -> None:
    bounds, said = SETTINGS.limits, rows(section("Limits"))

    assert said == {
        "what": "limit",
        "message before registration": f"{bounds.message_bytes_unregistered // 1024} KiB",
        "message after registration": f"{bounds.message_bytes_registered // 1024**2} MiB",
        "malformed messages in a row": str(limits.MALFORMED_IN_A_ROW),
        "messages of one agent": f"{bounds.messages_per_s:g} per second, bursts of {bounds.message_burst}",
        "registrations from one address": f"{bounds.registrations_per_s:g} per second, "
        f"bursts of {bounds.registration_burst}",
        "unregistered connections": f"{bounds.max_unregistered}, {bounds.max_unregistered_per_address} "
        "from one address",
        "a challenge": f"{SETTINGS.challenge_ttl_s:g} s",
        "silence before a connection is reported, closed": f"{SETTINGS.first_message_s:g} s, "
        f"{SETTINGS.silent_close_s:g} s",
        "silence of a registered agent": f"{SETTINGS.dead_after_s:g} s",
    }


def test_the_times_in_the_text_are_the_defaults() -> None:
    assert f"ping every {SETTINGS.ping_interval_s:g} s" in PAGE
    assert f"within {SETTINGS.clock_skew_s:g} s of the gateway's clock" in PAGE
    assert f"by default {int(limits.CHALLENGE_TTL_S)} |" in PAGE
    assert f"on the path `{limits.PATH}`" in PAGE
    assert limits.ATTEMPT_HEADER in PAGE
    assert limits.CHALLENGE_HEADER in PAGE


def test_the_envelope_shown_is_one() -> None:
    blocks = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)

    assert [decode_envelope(block.encode()).channel for block in blocks] == ["agent.registration"]


def test_the_worked_example_is_the_first_vector() -> None:
    vectors = json.loads((ROOT / "docs/reference/vectors/signatures.json").read_bytes())
    first = vectors["registration"][0]

    shown = rows(section("3. `request` on `agent.registration.complete`"))
    assert {label: shown[label].strip("`") for label in EXAMPLE} == {
        label: first[field] for label, field in EXAMPLE.items()
    }


def test_every_code_on_the_page_is_in_the_catalogue() -> None:
    codes = set(re.findall(r"`([A-Z]+(?:-[A-Z0-9]+)+)`", PAGE))

    assert len(codes) > 15
    assert codes <= set(CATALOGUE)
