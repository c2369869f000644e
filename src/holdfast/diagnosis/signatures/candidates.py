"""The recipes that are tried, in three tiers, likeliest first (fault catalogue, 3.1, steps 4 to 7).

Tier 1 holds single mistakes, tier 2 pairs of them, tier 3 the times that depend on a zone or on the agent's clock.

The order decides the label as well: several recipes can give the same bytes, and the first of them, the simplest, is
the one that is named.
"""

from collections.abc import Iterator
from itertools import permutations
from typing import Final

from msgspec.structs import replace

from holdfast.diagnosis.signatures.documents import DOCUMENTS
from holdfast.diagnosis.signatures.forms import HOST_FORMS, NONCE_FORMS, WRAPPINGS
from holdfast.diagnosis.signatures.recipes import FIELDS, RIGHT, Recipe
from holdfast.diagnosis.signatures.times import (
    LOCAL_NOTATIONS,
    NOTATIONS,
    OWN_NOTATIONS,
    OWN_SECONDS,
    ZONES,
    local_name,
    own_name,
)

SEPARATORS: Final = (":", "|", ".", "\n", ",", ";", " ", "-", "_", "/", "&", "\x00", "\t", "+", " + ", "||", "#")
TAILS: Final = ("\n", "\r\n", "\x00", " ")

_ORDERS: Final = tuple(Recipe(fields=order) for order in permutations(FIELDS) if order != FIELDS)
_NONCES: Final = tuple(Recipe(nonce=name) for name in NONCE_FORMS if name != "text")
_SEPARATED: Final = tuple(Recipe(separator=separator) for separator in SEPARATORS)
_TAILED: Final = tuple(Recipe(tail=tail) for tail in TAILS)
_TIMES: Final = tuple(Recipe(time=name) for name in NOTATIONS)
_HOSTS: Final = tuple(Recipe(host=name) for name in HOST_FORMS if name != "text")
_WRAPPED: Final = tuple(Recipe(wrap=name) for name in WRAPPINGS)
_DOCUMENTS: Final = tuple(Recipe(document=name) for name in DOCUMENTS)

# The transcript of the older `auth` message of the same system, with the host or the uid as agent_id.
_AUTH: Final = ("agent_pubkey", "server_time", "nonce")

_FIELD_SETS: Final = (
    Recipe(fields=("nonce",)),
    Recipe(fields=("nonce",), nonce="decoded"),
    Recipe(fields=("host_id", "nonce"), separator=":"),
    Recipe(fields=("agent_uid", "nonce"), separator=":"),
    Recipe(fields=("nonce", "host_id"), separator=":"),
    Recipe(fields=("nonce", "server_time")),
    Recipe(fields=("nonce", "host_id")),
    Recipe(fields=("host_id", "nonce")),
    Recipe(fields=("nonce", "server_time"), nonce="decoded"),
    Recipe(fields=("nonce", "host_id"), nonce="decoded"),
    Recipe(fields=("host_id", "nonce"), nonce="decoded"),
    Recipe(fields=("server_time", "nonce")),
    Recipe(fields=("server_time", "host_id")),
    Recipe(fields=("server_time",)),
    Recipe(fields=("host_id",)),
    Recipe(fields=()),
    Recipe(fields=("words",)),
    Recipe(fields=("registration_id",)),
    Recipe(fields=("registration_id", "nonce")),
    Recipe(fields=("nonce", "registration_id")),
    Recipe(fields=("registration_id", "host_id")),
    Recipe(fields=("nonce", "registration_id", "host_id")),
    Recipe(fields=("registration_id", "nonce", "host_id")),
    Recipe(fields=(*FIELDS, "registration_id")),
    Recipe(fields=("registration_id", *FIELDS)),
    Recipe(fields=(*FIELDS, "org_id")),
    Recipe(fields=("org_id", *FIELDS)),
    Recipe(fields=(*FIELDS, "agent_pubkey")),
    Recipe(fields=("agent_pubkey", *FIELDS)),
    Recipe(fields=(*FIELDS, "raw key")),
    Recipe(fields=(*FIELDS, "agent_uid")),
    Recipe(fields=("host_id", *_AUTH), separator=":"),
    Recipe(fields=("agent_uid", *_AUTH), separator=":"),
    Recipe(fields=("host_id", *_AUTH), separator=":", time="unix"),
    Recipe(fields=("agent_uid", *_AUTH), separator=":", time="unix"),
)

_DECODED: Final = Recipe(nonce="decoded")

# What is tried with every other key of the host, and first with the registered one.
HEAD: Final = (
    _DECODED,
    *_ORDERS,
    Recipe(nonce="hex"),
    Recipe(tail="\n"),
    Recipe(separator=":"),
    Recipe(fields=("nonce",)),
    Recipe(fields=("nonce",), nonce="decoded"),
)
TIER_1: Final = tuple(
    dict.fromkeys((*HEAD, *_NONCES, *_SEPARATED, *_TAILED, *_TIMES, *_HOSTS, *_WRAPPED, *_FIELD_SETS, *_DOCUMENTS))
)


def tier_1(right: Recipe) -> Iterator[Recipe]:
    """Single deviations from `right`, which is the plain recipe or that of the legacy profile."""
    if right == RIGHT:
        yield from TIER_1
        return
    yield RIGHT
    yield from (replace(recipe, nonce=right.nonce) if recipe.nonce == RIGHT.nonce else recipe for recipe in TIER_1)


_HASHES: Final = tuple(
    Recipe(wrap=name)
    for name in ("sha256", "hex sha256", "sha512", "hex sha512", "sha1", "hex sha1", "hex md5", "base64", "hex")
)


def tier_2() -> Iterator[Recipe]:
    """Pairs of deviations that go together."""
    nonces = (_DECODED, Recipe(nonce="hex"), Recipe(nonce="base64url"))
    yield from _pairs(nonces, (*_ORDERS, *_SEPARATED, *_TAILED, *_TIMES, *_WRAPPED, *_HOSTS))
    yield from _pairs(_ORDERS, (*_SEPARATED, *_TAILED, *_TIMES, *_HASHES))
    yield from _pairs(_SEPARATED[:8], (*_TAILED, *_HASHES, *_TIMES))
    yield from _pairs(_HASHES, (*_TAILED, *_TIMES))


def tier_3() -> Iterator[Recipe]:
    """The agent's own clock around the arrival, and server_time as the local time of every zone."""
    for seconds in OWN_SECONDS:
        yield from (Recipe(time=own_name(seconds, notation)) for notation in OWN_NOTATIONS)
    local = [Recipe(time=local_name(minutes, notation)) for minutes in ZONES for notation in LOCAL_NOTATIONS]
    yield from local
    yield from (replace(recipe, nonce="decoded") for recipe in local)


def _pairs(firsts: tuple[Recipe, ...], seconds: tuple[Recipe, ...]) -> Iterator[Recipe]:
    for first in firsts:
        for second in seconds:
            yield _both(first, second)


def _both(first: Recipe, second: Recipe) -> Recipe:
    """The deviations of two recipes in one; they deviate in different respects."""
    changed = {
        name: getattr(second, name)
        for name in second.__struct_fields__
        if getattr(second, name) != getattr(RIGHT, name)
    }
    return replace(first, **changed)
