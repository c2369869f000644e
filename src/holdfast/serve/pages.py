"""The dashboard beside the API: what it stands on, and the link by which one signs in first."""

from litestar import Router

from holdfast.api.about import About
from holdfast.api.access import Access
from holdfast.dashboard.live import looking
from holdfast.dashboard.once import OneTimeLink
from holdfast.dashboard.site import dashboard
from holdfast.registry import Registry


class Pages:
    """One dashboard. Close it before the server: it ends the streams of open pages."""

    def __init__(self, registry: Registry, about: About, access: Access, *, facts: dict[str, object]) -> None:
        self.link = OneTimeLink(about.clock)
        self._pulse = looking(registry)
        self.router: Router = dashboard(
            about=about,
            access=access,
            sessions=registry.sessions,
            pulse=self._pulse,
            link=self.link,
            facts={"version": about.version, "registration": about.registration, **facts},
        )

    async def close(self) -> None:
        """End every stream."""
        await self._pulse.close()
