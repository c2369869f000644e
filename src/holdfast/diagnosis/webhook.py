"""Word of findings to somebody else's server: one POST when a finding opens, one when it is over."""

import asyncio
import contextlib
import random
from typing import Final, Protocol

import httpx
import msgspec
import structlog

from holdfast.bus import Bus
from holdfast.faults import HoldfastError
from holdfast.model.finding_documents import FindingDocument, finding_document
from holdfast.model.findings import Finding, FindingChanged
from holdfast.registry.clock import Clock

TOLD: Final = frozenset({"opened", "reopened", "resolved"})
TIMEOUT_S: Final = 10.0
FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 60.0
TRIES: Final = 6

log = structlog.get_logger()


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """The body of the POST. `event` is finding.opened, finding.reopened or finding.resolved."""

    event: str
    finding: FindingDocument


class FindingReader(Protocol):
    """Where a finding's marks are read; `holdfast.registry.findings.Findings` is one."""

    async def get(self, finding_id: str) -> Finding: ...


class Webhook:
    """Posts to `url` from one task, in order. Muted findings are left out.

    A delivery is tried six times within about two minutes (full jitter); then it is given up and logged, so that one
    that cannot be delivered does not hold up the others for ever.
    """

    def __init__(
        self,
        url: str,
        *,
        findings: FindingReader,
        bus: Bus,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
        first_wait_s: float = FIRST_WAIT_S,
    ) -> None:
        self._url = url
        self._findings = findings
        self._clock = clock
        self._first_wait_s = first_wait_s
        # The environment's proxies are for browsers: what is configured is where it goes.
        self._http = httpx.AsyncClient(timeout=TIMEOUT_S, transport=transport, trust_env=False)
        self._subscription = bus.subscribe(FindingChanged)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to post."""
        self._task = asyncio.create_task(self._run(), name="webhook")

    async def close(self) -> None:
        """Stop; what is not delivered is lost."""
        self._subscription.close()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._http.aclose()

    async def _run(self) -> None:
        async for changed in self._subscription:
            if changed.change not in TOLD or changed.finding.merged_into is not None:
                continue
            try:
                if not await self._is_muted(changed.finding):
                    await self._deliver(changed)
            except Exception:
                log.exception("webhook.failed", finding=changed.finding.id)

    async def _is_muted(self, finding: Finding) -> bool:
        try:
            muted = (await self._findings.get(finding.id)).muted
        except HoldfastError:
            return False  # better a word too many than none
        return muted is not None and (muted.until is None or muted.until > self._clock())

    async def _deliver(self, changed: FindingChanged) -> None:
        body = Delivery(event=f"finding.{changed.change}", finding=finding_document(changed.finding))
        content = msgspec.json.encode(body)
        why = ""
        for attempt in range(TRIES):
            if attempt:
                longest = min(LONGEST_WAIT_S, self._first_wait_s * 2**attempt)
                await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 - jitter, no secret
            try:
                response = await self._http.post(
                    self._url, content=content, headers={"Content-Type": "application/json"}
                )
            except httpx.HTTPError as error:
                why = str(error) or type(error).__name__
                continue
            if response.is_success:
                return
            why = f"HTTP {response.status_code}"
            if response.is_client_error and response.status_code not in (408, 425, 429):
                break  # the same body will be refused again
        log.warning("webhook.given_up", finding=changed.finding.id, code=changed.finding.code, why=why)
