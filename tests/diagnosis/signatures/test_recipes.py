"""Recipes say the same in bytes, in words and in Python."""

import base64
import email.utils
import hashlib
import json
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import urlencode

import pytest
from msgspec.structs import replace

from holdfast.diagnosis.signatures.candidates import HEAD, TIER_1, tier_2, tier_3
from holdfast.diagnosis.signatures.recipes import RIGHT, Kitchen, Recipe, formula, mistakes, python_source
from holdfast.faults import fault
from holdfast.model import agent_uid
from tests.diagnosis.signatures.author import NONCE, REGISTRATION_ID, RESPONSE, SERVER_TIME, Author

ALL = (RIGHT, *TIER_1, *tier_2(), *tier_3())
AUTHORS = [Author(host_id="Web-01.example.com"), Author(host_id=" häst ", init_host_id="other")]


def written_by_the_author(author: Author, source: str) -> object:
    """What the Python expression gives in the hands of an author who has just these names."""
    complete = {"registration_id": author.registration_id, "host_id": author.host_id}
    names: dict[str, object] = {
        "nonce": NONCE, "server_time": SERVER_TIME, "host_id": author.host_id,
        "init_host_id": author.init_host_id or author.host_id, "registration_id": REGISTRATION_ID,
        "org_id": "default-org", "agent_uid": agent_uid(author.registered),
        "agent_pubkey": base64.b64encode(author.registered).decode(), "response_text": RESPONSE,
        "response": json.loads(RESPONSE), "complete": complete, "base64": base64, "hashlib": hashlib, "json": json,
        "email": email, "unicodedata": unicodedata, "urlencode": urlencode, "datetime": datetime, "UTC": UTC,
        "timedelta": timedelta, "timezone": timezone,
    }  # fmt: skip
    return eval(source, names)


@pytest.mark.parametrize("author", AUTHORS, ids=lambda author: author.host_id)
def test_the_python_of_every_recipe_gives_its_bytes(author: Author) -> None:
    kitchen = Kitchen(author.failure("x"))
    compared = 0

    for recipe in ALL:
        text = kitchen.text(recipe)
        # The agent's own clock is not known here, and Ed25519ph is no matter of the text.
        if text is None or recipe.time.startswith("own ") or recipe.is_prehashed:
            continue
        assert written_by_the_author(author, python_source(recipe)) == text, recipe
        compared += 1

    assert compared > 1200


def test_every_recipe_but_the_right_one_has_a_code_of_the_catalogue() -> None:
    assert mistakes(RIGHT) == ()
    for recipe in ALL[1:]:
        assert mistakes(recipe), recipe
        for code in mistakes(recipe):
            assert fault(code).code == code


def test_no_two_recipes_are_said_in_the_same_words() -> None:
    words = [formula(recipe) for recipe in dict.fromkeys(ALL)]

    assert len(words) == len(set(words))


def test_the_tiers_are_as_large_as_their_budget() -> None:
    assert len(HEAD) == 11
    assert len(TIER_1) <= 165
    assert len(list(tier_2())) <= 1000
    assert len(list(tier_3())) <= 420


def test_every_tier_only_holds_what_the_one_before_lacks() -> None:
    assert not set(TIER_1) & {*tier_2(), *tier_3()}
    assert RIGHT not in ALL[1:]


def test_a_recipe_that_needs_what_is_missing_gives_nothing() -> None:
    kitchen = Kitchen(Author(host_id="日本").failure("x"))

    assert kitchen.text(Recipe(wrap="latin-1")) is None
    assert kitchen.text(Recipe(nonce="decoded", wrap="utf-16")) is None


def test_a_payload_nested_to_any_depth_is_printed_again_or_left_out() -> None:
    printed = []
    for depth in range(800, 1010):
        payload = '{"a":' + "[" * depth + "]" * depth + "}"
        kitchen = Kitchen(replace(Author().failure("x"), complete_payload=payload, response_payload=payload))
        printed.append(kitchen.text(Recipe(document="complete spaced")) is not None)
        assert (kitchen.text(Recipe(document="response spaced")) is not None) == printed[-1]

    assert printed[0]
    assert not printed[-1]
