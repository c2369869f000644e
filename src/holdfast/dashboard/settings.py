"""The configuration in force."""

from litestar import Response, get
from litestar.di import NamedDependency

from holdfast.api.about import About
from holdfast.dashboard.rendering import View
from holdfast.dashboard.visitors import AnyRequest
from holdfast.model import Role


@get("/ui/settings", opt={"role": None, "sees": Role.VIEWER}, include_in_schema=False)
async def settings_page(
    request: AnyRequest, view: NamedDependency[View], about: NamedDependency[About]
) -> Response[str]:
    """Every value, where it came from and what it is for."""
    groups: dict[str, list[object]] = {}
    for setting in about.settings:
        groups.setdefault(setting.key.rpartition(".")[0], []).append(setting)
    return view.page(request, "settings.html", title="Settings", groups=groups)


ROUTES = [settings_page]
