"""A real browser before a real `holdfast up`. A page that logs an error or asks another host fails its test."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    ViewportSize,
    expect,
)  # fmt: skip

from tests.cli.commands import holdfast
from tests.dashboard.browser import chromium
from tests.processes import ControlPlane, control_plane

WIDE: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
PATIENCE_MS = 20_000  # a deadline, for machines that do much else meanwhile
Scheme = Literal["light", "dark"]

expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Watch:
    """What must not happen while a page is open."""

    origin: str
    wrong: list[str] = field(default_factory=list)
    allowed: tuple[str, ...] = ()

    def follow(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.wrong.append(f"script error: {error}"))
        page.on("request", self._request)
        page.on("response", self._response)

    def check(self) -> None:
        unexpected = [text for text in self.wrong if not any(part in text for part in self.allowed)]
        assert unexpected == []

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.wrong.append(f"console {message.type}: {message.text} ({message.location.get('url')})")

    def _request(self, request: Request) -> None:
        if urlsplit(request.url).netloc != self.origin and not request.url.startswith("data:"):
            self.wrong.append(f"request to another host: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self.wrong.append(f"{response.status} {response.url}")


@dataclass
class Visit:
    """Opens pages of one control plane, each in a browser profile of its own."""

    browser: Browser
    plane: ControlPlane
    contexts: list[BrowserContext] = field(default_factory=list)
    watches: list[Watch] = field(default_factory=list)

    def page(
        self, path: str | None = None, *, token: str | None = None, phone: bool = False, scheme: Scheme = "light",
        scripts: bool = True, allowed: tuple[str, ...] = (),
    ) -> Page:  # fmt: skip
        """A new page, signed in with `token` if given. `allowed` are parts of errors that are meant to happen."""
        context = self.browser.new_context(
            base_url=self.plane.api_url, viewport=PHONE if phone else WIDE, color_scheme=scheme,
            java_script_enabled=scripts, timezone_id="Europe/Berlin", locale="en-GB",
        )  # fmt: skip
        context.set_default_timeout(PATIENCE_MS)
        self.contexts.append(context)
        watch = Watch(urlsplit(self.plane.api_url).netloc, allowed=allowed)
        self.watches.append(watch)
        page = context.new_page()
        watch.follow(page)
        if token is not None:
            sign_in(page, token)
        if path is not None:
            page.goto(path)
        return page

    def close(self) -> None:
        for context in self.contexts:
            context.close()
        for watch in self.watches:
            watch.check()


def sign_in(page: Page, token: str) -> None:
    page.goto("/ui/sign-in")
    page.get_by_label("API token").fill(token)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.get_by_text("Signed in as").wait_for()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Not for the whole session: while it is open, its event loop is in the way of async tests of other modules.
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """One control plane for a module; its `UP` holds further arguments."""
    arguments: tuple[str, ...] = getattr(request.module, "UP", ())
    with control_plane(tmp_path_factory.mktemp("plane") / "data", *arguments) as running:
        yield running


@pytest.fixture(scope="module")
def token(plane: ControlPlane) -> Callable[[str], str]:
    """Makes API tokens of a role on the machine itself."""
    made: dict[str, str] = {}

    def create(role: str) -> str:
        if role not in made:
            done = holdfast("tokens", "create", "--name", role, "--role", role, "--data-dir", str(plane.data_dir))
            assert done.code == 0, done.err
            made[role] = done.out.strip()
        return made[role]

    return create


@pytest.fixture
def visit(browser: Browser, plane: ControlPlane) -> Iterator[Visit]:
    opened = Visit(browser, plane)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core, from the packages that `make setup` fetched."""
    path = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
    assert path.is_file(), "axe-core is missing: run `make assets`"
    return path.read_text("utf-8")
