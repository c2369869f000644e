"""What diagnosis costs: `python -m tests.diagnosis.timing`. Microseconds per event of a healthy fleet."""

import time

from holdfast.diagnosis.engine import Engine
from tests.diagnosis.fleet import Gateway, Host

N = 20_000


def main() -> None:
    gateway = Gateway()
    agents = [Host(f"web-{i:05d}", address=f"127.{i >> 8 & 255}.{i & 255}.1") for i in range(N)]
    links = [gateway.join(agent) for agent in agents]
    for link in links:
        link.end("close-frame", code=1000, by="agent")
    events = gateway.events
    best = 1e9
    for _ in range(3):
        engine = Engine()
        began = time.perf_counter()
        for event in events:
            engine.on_event(event)
        best = min(best, time.perf_counter() - began)
    print(f"{len(events)} events, {best / len(events) * 1e6:.2f} us each, {best / N * 1e6:.1f} us per connection")


if __name__ == "__main__":
    main()
