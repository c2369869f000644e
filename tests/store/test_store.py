from holdfast.store import open_store


async def test_a_new_database_opens_and_answers(database_url: str) -> None:
    store = await open_store(database_url)
    await store.ping()
    await store.close()
