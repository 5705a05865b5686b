"""``python -m benchmarks [name ...] [--output FILE]``: measure, print a table, write JSON."""

import argparse
import json
import time
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from .machine import machine
from .result import Result

BENCHMARKS = (
    "import_time",
    "toytown",
    "forward",
    "patches",
    "slider",
    "occlusion",
    "occlusion_drag",
    "explanations",
    "ascent",
    "class_change",
    "representation",
    "scatter",
    "first_widget",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"which ones (default: {', '.join(BENCHMARKS)})"
    )
    parser.add_argument("--output", type=Path, default=Path("benchmark-results.json"))
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(BENCHMARKS):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}: there are {', '.join(BENCHMARKS)}")

    report = {"when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "machine": machine(), "results": []}
    for name in chosen.names or BENCHMARKS:
        for result in import_module(f".{name}", __package__).run():
            print(row(result), flush=True)
            report["results"].append({"benchmark": name, **asdict(result), "reached": result.reached})
    chosen.output.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"written to {chosen.output}")


def row(result: Result) -> str:
    """One line of the table: what, value, unit, aim, whether it was reached."""
    bound = "" if result.aim is None else f"aim {'≤' if result.at_most else '≥'} {result.aim:g}"
    verdict = {None: "", True: "reached", False: "MISSED"}[result.reached]
    return f"{result.what:<58} {result.value:>9.3g} {result.unit:<9} {bound:<11} {verdict}".rstrip()


if __name__ == "__main__":
    main()
