"""What was said about an injected fault: by the gateway's findings, by the doctor, or by the agent itself."""

import asyncio
import time
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import httpx
import msgspec

from holdfast.faults import CATALOGUE, Blame, fault
from holdfast.lab.subjects import Subject, Told

POLL_S: Final = 0.15
SETTLE_S: Final = 0.4  # a better finding may take the place of the first
LISTED: Final = 500


class Viewpoint(StrEnum):
    """On which side the fault can be seen, and so who has to name it."""

    GATEWAY = "gateway"  # a finding
    DOCTOR = "doctor"  # `holdfast doctor` on the agent's side
    AGENT = "agent"  # the problem that the agent SDK reports
    CHECK = "check-agent"  # `holdfast check-agent`, for whoever writes the agent


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict: the code, who has to mend it, and what else was said. `confidence` is None where nobody gives one."""

    code: str
    blame: Blame
    basis: str = ""
    confidence: float | None = None
    also: tuple[str, ...] = ()
    why: str = ""


class FindingRead(msgspec.Struct, frozen=True):
    """What is read of a finding of the API."""

    code: str
    blame: Blame
    basis: str = ""
    confidence: float = 0.0
    cause: str = ""
    subject: Told = Told()
    agents: tuple[Told, ...] = ()
    parent: str | None = None


class _FindingsRead(msgspec.Struct, frozen=True):
    findings: tuple[FindingRead, ...]


def by_problem(code: str, why: str, *, basis: str = "", also: Sequence[str] = ()) -> Named:
    """A verdict of the agent's side."""
    return Named(code=code, blame=fault(code).blame, basis=basis, also=tuple(also), why=why)


class FindingsReader:
    """Asks the Actions API for the findings about one subject."""

    def __init__(self, api_url: str, token: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # A connection for each question: servers of the lab run fast, are stopped and come back.
        once = httpx.Limits(max_keepalive_connections=0)
        self._http = httpx.AsyncClient(base_url=api_url, headers=headers, trust_env=False, timeout=10, limits=once)

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    async def wait_for(self, code: str, subject: Subject, *, within_s: float) -> Named | None:
        """The verdict about `subject` once `code` is in it, else the likeliest other one; None where nothing was found.

        Raises:
            httpx.HTTPError: the API does not answer.
        """
        give_up = time.monotonic() + within_s
        while True:
            found = await self.about(subject)
            if any(finding.code == code for finding in found):
                await asyncio.sleep(SETTLE_S)
                found = await self.about(subject) or found
                return _choose(code, found)
            if time.monotonic() >= give_up:
                return _choose(code, found)
            await asyncio.sleep(POLL_S)

    async def about(self, subject: Subject) -> list[FindingRead]:
        """All findings about `subject`, resolved ones included, the newest first."""
        response = await self._http.get("/findings", params={"limit": LISTED})
        response.raise_for_status()
        page = msgspec.json.decode(response.content, type=_FindingsRead)
        return [
            finding
            for finding in page.findings
            if subject.matches(finding.subject) or any(subject.matches(agent) for agent in finding.agents)
        ]


def _choose(code: str, found: Sequence[FindingRead]) -> Named | None:
    if not found:
        return None
    best = max(found, key=lambda finding: (finding.code == code, finding.confidence))
    also = tuple(dict.fromkeys(finding.code for finding in found if finding.code != best.code))
    return Named(
        code=best.code,
        blame=best.blame,
        basis=best.basis,
        confidence=best.confidence,
        also=also,
        why=best.cause,
    )


def is_same_area(left: str, right: str) -> bool:
    """Whether two codes stand in the same part of the catalogue."""
    return left in CATALOGUE and right in CATALOGUE and CATALOGUE[left].area is CATALOGUE[right].area
