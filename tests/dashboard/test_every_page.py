"""What holds for every page: axe finds nothing, a phone shows it whole, nothing is logged, nobody else is asked."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Page

from tests.dashboard.conftest import Scheme, Visit
from tests.dashboard.raw_agents import raw_agent
from tests.processes import ControlPlane, wait_until

UP = ("--registration", "approve")
# Whatever a page shows, this must stay text: markup, an attribute's end, a terminal's escape, a change of direction.
MARKUP = "<img src=x onerror=alert(1)>\"'><script>document.title='run'</script>"
HOSTILE = f"{MARKUP}\x1b[31m\u202eevil\u2066"  # in a host_id, the gateway itself refuses what is not printable
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGES = (
    "/", "/?hours=24", "/ui/agents", "/ui/agents?q=nobody-is-called-this", "/ui/agents/{uid}", "/ui/attempts",
    "/ui/attempts?show=all", "/ui/attempts/{attempt}", "/ui/findings", "/ui/connect", "/ui/connect?how=python",
    "/ui/audit", "/ui/tokens", "/ui/settings", "/ui/sign-in", "/docs", "/docs/SIG-FIELD-SET", "/docs/API-ROLE",
    "/ui/no-such-page",
)  # fmt: skip


@pytest.fixture(scope="module")
def places(plane: ControlPlane, token: Callable[[str], str]) -> Iterator[dict[str, str]]:
    """A hostile agent, a failing one and a healthy one; where their pages are."""
    with ExitStack() as stack:
        hostile = stack.enter_context(raw_agent(plane.gateway_port, MARKUP))
        said = hostile.register(labels={MARKUP[:60]: HOSTILE}, agent_version=HOSTILE, platform={"os": HOSTILE})
        failing = stack.enter_context(raw_agent(plane.gateway_port, "scanner-3"))
        failing.sign_the_nonce_alone()
        plain = stack.enter_context(raw_agent(plane.gateway_port, "web-1"))
        plain.register(platform={"os": "linux"})
        attempt = wait_until(lambda: _attempt_of(plane, "scanner-3"), within_s=10, waiting_for="the attempt")
        yield {"uid": str(said["agent_uid"]), "attempt": attempt}


def _attempt_of(plane: ControlPlane, host_id: str) -> str | None:
    found = plane.get(f"/attempts?failed=true&host_id={host_id}").json()["attempts"]
    return next((str(attempt["attempt"]) for attempt in found if attempt["codes"]), None)


def violations(page: Page, axe: str) -> list[str]:
    page.evaluate(axe)
    found = page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']})", AXE_RULES
    )
    nodes = [(rule["id"], node) for rule in found["violations"] for node in rule["nodes"]]
    return [f"{name}: {node['target']} {node['failureSummary']}" for name, node in nodes]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_the_page_fits(
    visit: Visit, places: dict[str, str], token: Callable[[str], str], axe: str, scheme: Scheme
) -> None:
    page = visit.page(token=token("admin"), phone=scheme == "dark", scheme=scheme, allowed=("/ui/no-such-page",))
    found: dict[str, list[str]] = {}

    for path in PAGES:
        page.goto(path.format(**places))
        page.locator("#live[data-state=live]").wait_for()
        wrong = violations(page, axe)
        width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if width > 0:
            wrong.append(f"{width} px wider than the window")
        if wrong:
            found[path] = wrong

    assert found == {}


def test_hostile_names_are_text_on_every_page(
    visit: Visit, places: dict[str, str], token: Callable[[str], str]
) -> None:
    page = visit.page(token=token("admin"), allowed=("/ui/no-such-page",))
    shown = 0

    for path in PAGES:
        page.goto(path.format(**places))
        text, source = page.locator("body").inner_text(), page.content()
        shown += "<img src=x onerror=alert(1)>" in text
        assert page.locator("img[src=x]").count() == 0, path
        assert page.title().endswith("· Holdfast"), path
        assert not {"\x1b", "\u202e", "\u2066"} & set(source), path

    assert shown >= 6  # it was really shown: agents, agent, attempts, attempt, connect, audit or fleet


def test_every_page_can_be_read_without_scripts(
    visit: Visit, places: dict[str, str], token: Callable[[str], str]
) -> None:
    page = visit.page(token=token("admin"), scripts=False, allowed=("/ui/no-such-page",))

    for path in PAGES:
        page.goto(path.format(**places))
        assert page.get_by_role("heading", level=1).is_visible(), path

    page.goto("/ui/agents")
    page.get_by_label("Search").fill("web-1")
    page.get_by_role("button", name="Apply").click()
    assert page.locator("tbody tr").count() == 1


def test_nothing_moves_once_a_page_is_painted(
    visit: Visit, places: dict[str, str], token: Callable[[str], str]
) -> None:
    page = visit.page(token=token("operator"))
    shifted = """() => new Promise((told) => {
        let sum = 0;
        const add = (list) => list.getEntries().forEach((entry) => { sum += entry.value; });
        new PerformanceObserver(add).observe({type: "layout-shift", buffered: true});
        setTimeout(() => told(sum), 700);
    })"""

    for path in ("/", "/ui/agents", "/ui/attempts", "/ui/findings", "/ui/connect"):
        page.goto(path)
        page.locator("#live[data-state=live]").wait_for()
        assert page.evaluate(shifted) < 0.01, path


def test_the_exact_instant_in_the_viewers_zone_is_on_hover(visit: Visit, places: dict[str, str]) -> None:
    page = visit.page(f"/ui/agents/{places['uid']}")

    title = page.locator("time.instant").first.get_attribute("title")

    assert title is not None
    assert "Europe/Berlin" in title
    assert page.locator("[data-zone]").inner_text() == "Europe/Berlin"


def test_keys_lead_everywhere_and_a_question_mark_tells_them(visit: Visit, places: dict[str, str]) -> None:
    page = visit.page("/ui/agents")

    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keyboard shortcuts").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.locator("tbody tr.at").count() == 1
    page.keyboard.press("Enter")
    page.wait_for_url("**/ui/agents/agt_*")
    page.keyboard.press("g")
    page.keyboard.press("t")
    page.wait_for_url("**/ui/attempts")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"


def test_the_theme_is_remembered(visit: Visit, places: dict[str, str]) -> None:
    page = visit.page("/ui/agents")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)

    page.get_by_role("button", name="Theme: system").click()
    page.get_by_role("button", name="Theme: light").click()
    page.goto("/ui/attempts")

    assert page.get_by_role("button", name="Theme: dark").is_visible()
    assert page.evaluate(ground) != light
