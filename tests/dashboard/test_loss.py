"""What an open page shows when the server goes, and when it comes back."""

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.dashboard.conftest import Visit
from tests.dashboard.raw_agents import raw_agent
from tests.processes import control_plane, free_ports

QUICK = {"HOLDFAST_TIMEOUTS__DRAIN_S": "0"}


def test_a_page_says_since_when_it_is_stale_and_catches_up_by_itself(browser: Browser, tmp_path: Path) -> None:
    ports, data_dir = free_ports(2), tmp_path / "data"
    with control_plane(data_dir, ports=ports, environ=QUICK) as first:
        visit = Visit(browser, first)
        # A browser reports by itself that a server it asks is gone.
        page = visit.page("/ui/agents", allowed=("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE", "ERR_CONNECTION_RESET"))
        live = page.locator("#live")
        expect(live).to_have_text("live")
        with raw_agent(first.gateway_port, "before") as agent:
            agent.register()
            expect(page.locator("tbody tr")).to_have_count(1)
    expect(live).to_have_text("reconnecting")
    expect(live).to_contain_text("stale since")
    expect(page.locator("tbody tr")).to_have_count(1)

    with (
        control_plane(data_dir, ports=ports, environ=QUICK) as second,
        raw_agent(second.gateway_port, "after") as agent,
    ):
        agent.register()
        expect(live).to_have_text("live")
        expect(page.locator("tbody tr")).to_have_count(2)
        visit.close()
