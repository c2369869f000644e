"""`python -m holdfast.diagnosis.signatures.timing`: what an explanation costs on this machine.

Every recipe of tier 1 is signed for real and explained; then a signature that nothing explains; then the same through
the searching process, as a gateway would do it.
"""

import asyncio
import base64
import statistics
import sys
import time

from nacl.signing import SigningKey

from holdfast.diagnosis.signatures.candidates import TIER_1, tier_3
from holdfast.diagnosis.signatures.explainer import explain
from holdfast.diagnosis.signatures.failure import FailedSignature
from holdfast.diagnosis.signatures.recipes import Kitchen, Recipe
from holdfast.diagnosis.signatures.search import SignatureExplainer

_KEY = SigningKey(bytes(range(32)))
_LINE = "{:<44}{:>6} cases  median {:>6.1f} ms  worst {:>6.1f} ms\n"


def _failure(signature: bytes) -> FailedSignature:
    return FailedSignature(
        nonce=base64.b64encode(bytes(range(32))).decode(),
        server_time="2026-11-23T06:01:46Z",
        host_id="Web-01.example.com",
        init_host_id="web-01",
        registration_id="6f2c1f0a-3f5e-4a55-9d57-0a8d1b1f4f10",
        org_id="default-org",
        public_key=bytes(_KEY.verify_key),
        signature=base64.b64encode(signature).decode(),
        arrived_at=1795413708.0,
        response_payload='{"registration_id":"6f2c1f0a","nonce":"AAEC"}',
        complete_payload='{"registration_id":"6f2c1f0a","host_id":"Web-01.example.com","signature":"AAEC"}',
    )


def _signed(recipes: list[Recipe]) -> list[FailedSignature]:
    texts = [Kitchen(_failure(b"")).text(recipe) for recipe in recipes if not recipe.is_prehashed]
    return [_failure(_KEY.sign(text).signature) for text in texts if text is not None]


def _unexplained(count: int) -> list[FailedSignature]:
    return [_failure(_KEY.sign(b"unknown %d" % number).signature) for number in range(count)]


def _line(title: str, spent_s: list[float]) -> str:
    return _LINE.format(title, len(spent_s), statistics.median(spent_s) * 1e3, max(spent_s) * 1e3)


def _cpu_s(failed: FailedSignature, *, deep: bool = True) -> float:
    began = time.process_time()
    explain(failed, deep=deep)
    return time.process_time() - began


async def _through_the_process(cases: list[FailedSignature]) -> list[float]:
    async with SignatureExplainer() as explainer:
        await explainer.explain(cases[0], now=0.0)
        spent_s = []
        for number, failed in enumerate(cases[1:], 1):
            began = time.perf_counter()
            await explainer.explain(failed, now=number * 100.0)
            spent_s.append(time.perf_counter() - began)
        return spent_s


def main() -> None:
    single, times, unknown = _signed(list(TIER_1)), _signed(list(tier_3()))[::9], _unexplained(5)
    sys.stdout.write(_line("single mistake, CPU", [_cpu_s(failed) for failed in single]))
    sys.stdout.write(_line("local or own time, CPU", [_cpu_s(failed) for failed in times]))
    sys.stdout.write(_line("tier 1 exhausted, CPU", [_cpu_s(failed, deep=False) for failed in unknown]))
    sys.stdout.write(_line("all tiers exhausted, CPU", [_cpu_s(failed) for failed in unknown]))
    spent_s = asyncio.run(_through_the_process(single))
    sys.stdout.write(_line("single mistake through the process, elapsed", spent_s))


if __name__ == "__main__":
    main()
