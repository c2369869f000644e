"""How readings become figures."""

import json

from rich.console import Console

from bench import findings, report


def test_ratios_are_taken_within_a_round_so_that_a_slow_round_disturbs_neither() -> None:
    quiet, slow = (10.0, 20.0), (30.0, 60.0)

    ratio = report.ratios([quiet[0], slow[0], 8.0], [quiet[1], slow[1], 20.0])

    assert ratio == report.Summary(median=0.5, low=0.4, high=0.5)


def test_there_is_no_ratio_to_a_reading_of_nothing() -> None:
    assert report.ratios([0.0], [0.0]) is None


def test_the_table_reads_without_colour_and_says_which_way_is_better() -> None:
    results = report.Results(machine={})
    for ours, theirs in ((3000.0, 1500.0), (2000.0, 2000.0), (2500.0, 2000.0)):
        results.add("registrations/s, 64 at once", "holdfast", ours)
        results.add("registrations/s, 64 at once", "websockets", theirs)
    console = Console(width=200, no_color=True)

    with console.capture() as shown:
        console.print(report.table(results, ["holdfast", "websockets"]))

    row = next(line for line in shown.get().splitlines() if "registrations/s" in line)
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "registrations/s, 64 at once",
        "higher",
        "2,500 (2,000 to 3,000)",
        "2,000 (1,500 to 2,000)",
        "1.25 (1.00 to 2.00)x",
    ]


def test_the_file_keeps_every_round_and_every_trouble() -> None:
    results = report.Results(machine={"cpus": "2"}, troubles=[findings.Trouble("one ack was lost")])
    results.add("heartbeats lost", "holdfast", 1.0)
    results.add("heartbeats lost", "holdfast", 0.0)

    kept = json.loads(report.as_json(results))

    assert kept["readings"] == {"heartbeats lost": {"holdfast": [1.0, 0.0]}}
    assert kept["summaries"]["heartbeats lost"]["holdfast"]["value"] == {"median": 0.5, "low": 0.0, "high": 1.0}
    assert kept["troubles"] == [{"text": "one ack was lost", "is_failure": True}]
