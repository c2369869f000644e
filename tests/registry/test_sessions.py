"""Signed-in browsers."""

from holdfast.model import Role
from holdfast.registry.sessions import SESSION_S, Sessions
from holdfast.registry.tokens import ApiTokens
from holdfast.store import Store, open_store

NOW = 1_800_000_000.0


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


async def _parts(url: str) -> tuple[Store, ApiTokens, Sessions, Clock]:
    store, clock = await open_store(url), Clock()
    return store, ApiTokens(store, clock), Sessions(store, clock), clock


async def test_a_session_knows_whose_it_is_until_it_expires(database_url: str) -> None:
    store, tokens, sessions, clock = await _parts(database_url)
    issued = await tokens.create("ann", Role.OPERATOR)
    secret, expires_at = await sessions.open(issued.token)

    found = await sessions.find(secret)
    clock.now = expires_at
    later = await sessions.find(secret)
    await store.close()

    assert expires_at == NOW + SESSION_S
    assert found is not None
    assert (found.name, found.role) == ("ann", Role.OPERATOR)
    assert later is None


async def test_a_session_ends_with_its_token(database_url: str) -> None:
    store, tokens, sessions, clock = await _parts(database_url)
    revoked, short = await tokens.create("ann", Role.ADMIN), await tokens.create("bob", Role.ADMIN, 60)
    of_revoked, _ = await sessions.open(revoked.token)
    of_short, expires_at = await sessions.open(short.token)

    await tokens.revoke(revoked.token.token_id)
    clock.now = NOW + 60
    found = [await sessions.find(of_revoked), await sessions.find(of_short)]
    await store.close()

    assert expires_at == NOW + 60
    assert found == [None, None]


async def test_a_closed_session_and_an_invented_one_are_nobodys(database_url: str) -> None:
    store, tokens, sessions, _ = await _parts(database_url)
    secret, _ = await sessions.open((await tokens.create("ann", Role.VIEWER)).token)

    await sessions.close(secret)
    found = [await sessions.find(secret), await sessions.find("hfs_invented"), await sessions.find("")]
    await store.close()

    assert found == [None, None, None]
