"""The route of the configuration in force."""

import msgspec
from litestar import get
from litestar.di import NamedDependency

from holdfast.api.about import About, Setting
from holdfast.model import Role


class SettingsBody(msgspec.Struct, frozen=True, kw_only=True):
    """Every value that can be set, in the order of the reference page."""

    settings: list[Setting]


@get("/settings", opt={"role": Role.VIEWER}, tags=["health"])
async def list_settings(about: NamedDependency[About]) -> SettingsBody:
    """The configuration in force, with the source of each value and without secrets."""
    return SettingsBody(settings=list(about.settings))


ROUTES = [list_settings]
