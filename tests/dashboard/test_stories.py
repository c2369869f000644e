"""What people come to the dashboard for, in a real browser, with real agents."""

import re
import time
from collections.abc import Callable
from contextlib import ExitStack

from playwright.sync_api import expect

from tests.dashboard.conftest import Visit, sign_in
from tests.dashboard.raw_agents import raw_agent
from tests.processes import ControlPlane

UP = ("--registration", "approve")
TEN_S = 10.0


def test_ten_seconds_after_a_faulty_agent_starts_the_page_names_cause_and_fix(
    visit: Visit, plane: ControlPlane
) -> None:
    page = visit.page("/ui/attempts")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    row = page.locator("tr", has_text="till-9")
    begun = time.monotonic()

    with raw_agent(plane.gateway_port, "till-9") as agent:
        agent.sign_the_nonce_alone()
        row.get_by_text("Sign exactly three fields: nonce + server_time + host_id").wait_for()
        assert time.monotonic() - begun < TEN_S

        row.get_by_role("link", name="till-9").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("till-9")
        verdict = page.locator(".problem")
        expect(verdict).to_contain_text("the signature verifies over nonce")
        expect(verdict).to_contain_text("Sign exactly three fields")
        verdict.get_by_role("link", name="More about").click()

    expect(page).to_have_url(re.compile(r"/docs/SIG-FIELD-SET$"))
    expect(page.locator("main")).to_contain_text("Easily confused with")


def test_an_agent_that_says_nothing_is_named_while_it_is_still_connected(visit: Visit, plane: ControlPlane) -> None:
    page = visit.page("/ui/connect")

    with raw_agent(plane.gateway_port, "mute"):
        watch = page.locator("#watch")
        expect(watch.locator("li[data-state=waiting]")).to_contain_text("sends a message within 5 seconds")
        expect(watch.locator("li[data-state=failed]")).to_contain_text("sends a message within 5 seconds")
        expect(watch).to_contain_text("LIFE-SILENT")
        expect(watch).to_contain_text("as soon as the connection opens")


def test_the_checklist_is_ticked_as_the_agent_goes_through_it(visit: Visit, plane: ControlPlane) -> None:
    page = visit.page("/ui/connect")
    page.get_by_label("Host to wait for").fill("web-7")
    done = page.locator("#watch li[data-state=done]")

    with raw_agent(plane.gateway_port, "web-7") as agent:
        challenge = agent.init()
        expect(done).to_have_count(3)
        agent.complete(challenge)
        agent.beat()
        expect(done).to_have_count(7)

        page.get_by_role("link", name="Open its page").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("web-7")


def test_operators_approve_many_at_once_and_their_ticks_outlast_an_update(
    visit: Visit, plane: ControlPlane, token: Callable[[str], str]
) -> None:
    page = visit.page("/ui/agents?q=rack", token=token("operator"))

    with ExitStack() as stack:
        for number in range(3):
            stack.enter_context(raw_agent(plane.gateway_port, f"rack-{number}")).register()
        page.get_by_label("Select rack-0").check()
        page.get_by_label("Select rack-1").check()
        stack.enter_context(raw_agent(plane.gateway_port, "rack-9")).register()
        page.get_by_label("Select rack-9").wait_for()
        expect(page.locator("[data-selected]")).to_have_text("2 selected")

        page.get_by_role("button", name="Approve").click()

        expect(page.get_by_text("2 agents approved.")).to_be_visible()
        expect(page.locator("tr", has_text="rack-0").locator(".status")).to_have_text("online")
        expect(page.locator("tr", has_text="rack-2").locator(".status")).to_have_text("pending")
        assert [plane.agents(f"rack-{number}")[0]["admission"] for number in range(3)] == [
            "approved",
            "approved",
            "pending",
        ]


def test_all_that_match_can_be_labelled_and_revoked_with_a_reason(
    visit: Visit, plane: ControlPlane, token: Callable[[str], str]
) -> None:
    page = visit.page(token=token("operator"))

    with ExitStack() as stack:
        for number in range(2):
            stack.enter_context(raw_agent(plane.gateway_port, f"kiosk-{number}")).register()
        page.goto("/ui/agents?q=kiosk")
        page.get_by_label("all 2 that match").check()
        page.get_by_label("Labels to set").fill("place=hall, floor=2")
        page.get_by_role("button", name="Label").click()
        expect(page.get_by_text("2 agents labelled.")).to_be_visible()

        page.get_by_label("all 2 that match").check()
        page.get_by_role("button", name="Revoke…").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Revoke 2 agents?")
        page.get_by_label("Reason").fill("stolen")
        page.get_by_role("button", name="Revoke").click()

        expect(page.get_by_text("2 agents revoked.")).to_be_visible()
        agent = plane.agents("kiosk-1")[0]
        assert agent["labels"] == {"place": "hall", "floor": "2"}
        assert (agent["status"], agent["status_why"]) == ("revoked", "revoked by operator: stolen")


def test_the_list_is_searched_as_one_types_and_the_address_keeps_the_choice(visit: Visit, plane: ControlPlane) -> None:
    page = visit.page("/ui/agents")

    with ExitStack() as stack:
        for name in ("db-north", "db-south", "cache-north"):
            stack.enter_context(raw_agent(plane.gateway_port, name)).register(platform={"os": "linux"})
        page.get_by_label("Search").press_sequentially("north")
        expect(page.locator("tbody tr")).to_have_count(2)
        expect(page).to_have_url(re.compile(r"/ui/agents\?q=north$"))

        page.get_by_role("link", name="Host", exact=True).click()
        expect(page.locator("tbody tr").first).to_contain_text("cache-north")
        page.reload()
        expect(page.get_by_label("Search")).to_have_value("north")
        expect(page.locator("th[aria-sort=ascending]")).to_have_text("Host")


def test_labels_and_note_of_an_agent_are_edited(visit: Visit, plane: ControlPlane, token: Callable[[str], str]) -> None:
    page = visit.page(token=token("operator"))

    with raw_agent(plane.gateway_port, "edited") as agent:
        uid = str(agent.register(labels={"old": "1", "kept": "x"})["agent_uid"])
        page.goto(f"/ui/agents/{uid}")
        page.get_by_label("Labels, one").fill("kept=y\nnew=2")
        page.get_by_label("Note").fill("in the cellar\nbehind the door")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Labels and note are saved.")).to_be_visible()

    found = plane.agents("edited")[0]
    assert found["labels"] == {"kept": "y", "new": "2"}
    assert found["note"] == "in the cellar\nbehind the door"


def test_a_viewer_is_offered_nothing_that_it_may_not_do(
    visit: Visit, plane: ControlPlane, token: Callable[[str], str]
) -> None:
    with raw_agent(plane.gateway_port, "seen") as agent:
        uid = str(agent.register()["agent_uid"])
        page = visit.page(f"/ui/agents/{uid}", token=token("viewer"), allowed=("403 (Forbidden)",))

        expect(page.get_by_role("button", name="Save")).to_have_count(0)
        expect(page.get_by_role("button", name="Approve")).to_have_count(0)
        page.goto("/ui/tokens")
        expect(page.locator(".problem")).to_contain_text("this needs the role admin; the token viewer has viewer")

        sign_in(page, token("admin"))
        page.goto("/ui/tokens")
        page.get_by_text("Create an API token").click()
        page.get_by_label("Name", exact=True).first.fill("made here")
        page.get_by_role("button", name="Create").first.click()
        secret = page.locator("#secret").inner_text()
        assert secret.startswith("hfa_")
        page.get_by_role("button", name="Sign out").click()
        sign_in(page, secret)
        expect(page.get_by_text("Signed in as made here (viewer).")).to_be_visible()
