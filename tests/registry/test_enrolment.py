"""Enrolment tokens: who holds one is let in, and whoever holds a damaged one learns what is damaged."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.faults import Refused
from holdfast.model import AuditQuery
from holdfast.registry import RegistrationPolicy, Registry
from holdfast.registry.secret_text import (
    API_PREFIX,
    ENROLMENT_PREFIX,
    TOKEN_CHARS,
    damage,
    new_secret,
    read_enrolment_secret,
)
from tests.registry.conftest import OpenRegistry
from tests.registry.fleet import Clock, claim, key


@pytest.fixture
async def guarded(open_registry: OpenRegistry) -> Registry:
    """A registry that asks for enrolment tokens."""
    return await open_registry(RegistrationPolicy.TOKEN)


async def refusal_of(registry: Registry, token: str | None, org_id: str = "default-org") -> str:
    """The code with which this registration is refused."""
    with pytest.raises(Refused) as refusal:
        await registry.register(claim("web-01", enrolment_token=token, org_id=org_id))
    return refusal.value.problem.code


async def test_a_valid_token_lets_an_agent_in_with_its_labels_and_counts(guarded: Registry) -> None:
    issued = await guarded.enrolment_tokens.create("rack 1", org_id="acme", labels={"rack": "r1"}, max_uses=2)

    await guarded.register(claim("web-01", org_id="acme", enrolment_token=f"  {issued.secret}\n"))

    agent = await guarded.get_agent("web-01")
    assert agent is not None
    assert agent.labels == {"rack": "r1"}
    assert [token.uses for token in await guarded.enrolment_tokens.list()] == [1]


async def test_a_refusal_names_the_field_that_has_to_hold_the_token(guarded: Registry) -> None:
    for token in (None, "hfe_short", new_secret(ENROLMENT_PREFIX)):
        with pytest.raises(Refused) as refusal:
            await guarded.register(claim("web-01", enrolment_token=token))

        assert refusal.value.problem.field == "payload.enrolment_token"


async def test_who_used_a_token_up_stands_in_the_audit_log(guarded: Registry) -> None:
    issued = await guarded.enrolment_tokens.create("rack 1", max_uses=1)
    first = await guarded.register(claim("web-01", enrolment_token=issued.secret, remote_address="192.0.2.7:4000"))

    with pytest.raises(Refused) as refusal:
        await guarded.register(claim("web-02", enrolment_token=issued.secret))

    (used,) = (await guarded.list_audit(AuditQuery(action="enrolment-token.use"))).records
    assert refusal.value.problem.why.endswith(f"in the audit log under {used.subject}")
    assert (used.subject, used.actor) == (issued.token.token_id, first.agent_uid)
    assert (used.detail["host_id"], used.detail["remote_address"], used.detail["use"]) == (
        "web-01", "192.0.2.7:4000", 1
    )  # fmt: skip


async def test_without_a_token_nobody_new_is_let_in(guarded: Registry) -> None:
    assert await refusal_of(guarded, None) == "ID-TOKEN-INVALID"
    assert (await guarded.list_agents()).total == 0


async def test_an_unknown_revoked_expired_or_foreign_token_is_refused_by_name(guarded: Registry, clock: Clock) -> None:
    tokens = guarded.enrolment_tokens
    revoked, foreign = await tokens.create("revoked"), await tokens.create("foreign", org_id="acme")
    expired = await tokens.create("expired", ttl=1)
    await tokens.revoke(revoked.token.token_id, actor="ops")
    clock.pass_s(1)

    assert await refusal_of(guarded, new_secret(ENROLMENT_PREFIX)) == "ID-TOKEN-INVALID"
    assert await refusal_of(guarded, revoked.secret) == "ID-TOKEN-INVALID"
    assert await refusal_of(guarded, expired.secret) == "ID-TOKEN-EXPIRED"
    assert await refusal_of(guarded, foreign.secret, org_id="umbrella") == "ID-WRONG-ORG"


async def test_a_token_of_three_uses_lets_three_of_ten_in_at_once(guarded: Registry) -> None:
    issued = await guarded.enrolment_tokens.create("three", max_uses=3)

    answers = await asyncio.gather(
        *(guarded.register(claim(f"host-{n}", enrolment_token=issued.secret)) for n in range(10)),
        return_exceptions=True,
    )

    refusals = [answer.problem.code for answer in answers if isinstance(answer, Refused)]
    assert refusals == ["ID-TOKEN-EXHAUSTED"] * 7
    assert (await guarded.list_agents()).total == 3
    assert [token.uses for token in await guarded.enrolment_tokens.list()] == [3]


async def test_an_agent_that_registers_again_needs_no_token_and_uses_none_up(guarded: Registry) -> None:
    issued = await guarded.enrolment_tokens.create("one", max_uses=1)
    await guarded.register(claim("web-01", enrolment_token=issued.secret))

    again = await guarded.register(claim("web-01", enrolment_token=issued.secret))
    bare = await guarded.register(claim("web-01"))

    assert not again.first_time
    assert not bare.first_time
    assert [token.uses for token in await guarded.enrolment_tokens.list()] == [1]


async def test_an_agent_moves_to_another_org_only_with_a_token_of_that_org(guarded: Registry) -> None:
    here = await guarded.enrolment_tokens.create("here", org_id="acme")
    there = await guarded.enrolment_tokens.create("there", org_id="umbrella")
    await guarded.register(claim("web-01", org_id="acme", enrolment_token=here.secret))

    assert await refusal_of(guarded, None, org_id="umbrella") == "ID-TOKEN-INVALID"
    await guarded.register(claim("web-01", org_id="umbrella", enrolment_token=there.secret))

    agent = await guarded.get_agent("web-01")
    assert agent is not None
    assert agent.org_id == "umbrella"


async def test_a_bad_token_is_refused_before_a_challenge_is_made(guarded: Registry) -> None:
    issued = await guarded.enrolment_tokens.create("one", max_uses=1)

    await guarded.check_enrolment(issued.secret, "default-org")
    with pytest.raises(Refused) as refusal:
        await guarded.check_enrolment(issued.secret[:-2], "default-org")

    assert refusal.value.problem.code == "ID-TOKEN-INVALID"
    assert refusal.value.problem.why == f"it was cut short: {TOKEN_CHARS - 2} of {TOKEN_CHARS} characters"
    assert [token.uses for token in await guarded.enrolment_tokens.list()] == [0]


async def test_a_known_agent_passes_that_check_without_a_token(guarded: Registry) -> None:
    issued = await guarded.enrolment_tokens.create("one", max_uses=1)
    await guarded.register(claim("web-01", enrolment_token=issued.secret))

    await guarded.check_enrolment(None, "default-org", key("web-01"))
    with pytest.raises(Refused):
        await guarded.check_enrolment(None, "default-org", key("web-02"))


async def test_where_no_token_is_asked_for_a_damaged_one_does_no_harm(registry: Registry) -> None:
    await registry.check_enrolment("nonsense", "default-org")

    assert (await registry.register(claim("web-01", enrolment_token="nonsense"))).first_time


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda token: "", "the token is empty"),
        (lambda token: token[:20], "it was cut short: 20 of 42 characters"),
        (lambda token: token + "a", "it is too long: 43 characters instead of 42"),
        (lambda token: token[:10] + "\n" + token[11:], "there is a blank or line break inside it"),
        (lambda token: token[:10] + "0" + token[11:], "it holds a character that no token holds"),
        (lambda token: token.upper(), "its letters were turned into capitals"),
        (lambda token: f'"{token}"', 'it stands in quotes (")'),
        (lambda token: f"\u201c{token}\u201d", "it stands in quotes (\u201c)"),
        (
            lambda token: "\0".join(token) + "\0",
            "every second character is NUL: it was read from a file saved as UTF-16",
        ),
        (lambda token: token[4:], "it does not begin with hfe_"),
        (lambda _token: new_secret(API_PREFIX), "an API token (hfa_…) was given where an enrolment token (hfe_…)"),
    ],
)
def test_the_damage_of_a_token_is_named(change: object, why: str) -> None:
    assert callable(change)
    with pytest.raises(Refused) as refusal:
        read_enrolment_secret(change(new_secret(ENROLMENT_PREFIX)))
    assert refusal.value.problem.why.startswith(why)


@pytest.mark.parametrize("around", ["{}\n", " {}\r\n", "\ufeff{}", "\ufeff {}\t"])
def test_what_copying_puts_around_a_token_is_forgiven(around: str) -> None:
    token = new_secret(ENROLMENT_PREFIX)

    assert read_enrolment_secret(around.format(token)) == token


@given(st.sampled_from([API_PREFIX, ENROLMENT_PREFIX]), st.integers(4, TOKEN_CHARS - 1), st.characters(codec="utf-8"))
def test_one_changed_character_never_goes_unnoticed(prefix: str, index: int, character: str) -> None:
    token = new_secret(prefix)
    changed = token[:index] + character + token[index + 1 :]

    assert (damage(changed, prefix) is None) == (changed == token)


@given(st.text())
def test_no_text_at_all_makes_the_check_fail(text: str) -> None:
    assert damage(text, ENROLMENT_PREFIX) is not None
