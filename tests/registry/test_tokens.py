"""API tokens: shown once, kept as a hash, gone when revoked or expired."""

import pytest
import sqlalchemy as sa

from holdfast.model import AuditQuery, Role
from holdfast.registry import InvalidQuery, NotFound, Registry
from holdfast.store import open_store
from holdfast.store.tables import api_tokens
from tests.registry.fleet import Clock


async def test_a_token_is_verified_and_listed_without_its_secret(registry: Registry, clock: Clock) -> None:
    issued = await registry.tokens.create("dashboard", "operator", 3600, actor="setup")

    found = await registry.tokens.verify(f" {issued.secret}\n")
    clock.pass_s(1)
    listed = await registry.tokens.list()

    assert issued.secret.startswith("hfa_")
    assert found == issued.token
    assert issued.token.role is Role.OPERATOR
    assert [(token.name, token.last_used_at) for token in listed] == [("dashboard", clock.now - 1)]
    assert issued.secret not in repr(listed)


async def test_the_secret_itself_is_nowhere_in_the_database(registry: Registry, database_url: str) -> None:
    issued = await registry.tokens.create("dashboard", Role.VIEWER)

    store = await open_store(database_url)
    rows = await store.read(lambda connection: connection.execute(sa.select(api_tokens)).all())
    await store.close()
    assert len(rows) == 1
    assert issued.secret not in repr(rows)


async def test_an_expired_revoked_unknown_or_damaged_token_is_none(registry: Registry, clock: Clock) -> None:
    short = await registry.tokens.create("short", Role.VIEWER, 10)
    revoked = await registry.tokens.create("revoked", Role.ADMIN)
    enrolment = await registry.enrolment_tokens.create("agents")
    await registry.tokens.revoke(revoked.token.token_id)
    clock.pass_s(10)

    for secret in (short.secret, revoked.secret, enrolment.secret, short.secret[:-1], "", "hfa_ä", "hfa_" + "a" * 38):
        assert await registry.tokens.verify(secret) is None


async def test_a_token_is_revoked_by_its_name_or_id_and_only_if_it_is_there(registry: Registry) -> None:
    issued = await registry.tokens.create("dashboard", Role.VIEWER)

    await registry.tokens.revoke("dashboard", actor="ops")
    await registry.tokens.revoke(issued.token.token_id, actor="ops")
    with pytest.raises(NotFound):
        await registry.tokens.revoke("nobody's")

    revocations = await registry.audit.list(AuditQuery(action="token.revoke"))
    assert [(record.actor, record.subject) for record in revocations.records] == [("ops", issued.token.token_id)]


async def test_a_name_that_several_tokens_have_revokes_none_of_them(registry: Registry) -> None:
    one = await registry.tokens.create("twin", Role.VIEWER)
    await registry.tokens.create("twin", Role.VIEWER)

    with pytest.raises(NotFound):
        await registry.tokens.revoke("twin")
    assert await registry.tokens.verify(one.secret) is not None


async def test_a_token_that_makes_no_sense_is_not_created(registry: Registry) -> None:
    with pytest.raises(InvalidQuery):
        await registry.tokens.create("x", "emperor")
    with pytest.raises(InvalidQuery):
        await registry.tokens.create(" ", Role.VIEWER)
    with pytest.raises(InvalidQuery):
        await registry.tokens.create("x", Role.VIEWER, 0)
    with pytest.raises(InvalidQuery):
        await registry.enrolment_tokens.create("x", max_uses=0)
    assert await registry.tokens.list() == ()


def test_a_role_includes_those_below_it() -> None:
    assert Role.ADMIN.includes(Role.VIEWER)
    assert Role.OPERATOR.includes(Role.OPERATOR)
    assert not Role.VIEWER.includes(Role.OPERATOR)
