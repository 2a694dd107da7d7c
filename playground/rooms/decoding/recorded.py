"""What the experiments measured before, shipped: the lab opens on results, and can make new ones.

``python -m playground.rooms.decoding.recorded`` measures all of them anew on this machine, and writes them
down with its name and the date.
"""

from __future__ import annotations

import datetime
import functools
import platform
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from playground import ASSETS, settings, text
from playground.rooms.decoding.example import rounded
from playground.rooms.decoding.experiments import BatchTimes, CacheTimes, Machine, Progress
from playground.rooms.decoding.no_grad import GradModes
from playground.rooms.decoding.precision import Measured, Moved
from playground.rooms.decoding.repeats import Repeats, Run
from playground.ui.context import Context
from playground.ui.example_files import read, write

FILE = ASSETS / "decoding" / "measured.json"
MODEL = "tutor"
KINDS: dict[str, Any] = {"cache": CacheTimes, "batch": BatchTimes, "grads": GradModes, "repeats": Repeats}


@dataclass(frozen=True)
class Precisions:
    """What `playground.rooms.decoding.view_experiments` shows of all precisions."""

    rows: list[Measured]
    machine: Machine
    rounds: int


@dataclass(frozen=True)
class Recorded:
    """Results by the experiment's name, and where and when they were measured."""

    processor: str
    date: str
    model: str
    found: dict[str, Any]


@functools.cache
def shipped() -> Recorded:
    """As they are shipped."""
    plain = read(FILE)
    found = {name: _of(name, each) for name, each in plain["found"].items()}
    return Recorded(plain["processor"], plain["date"], plain["model"], found)


def _of(name: str, plain: dict[str, Any]) -> Any:
    plain = {**plain, "machine": Machine(**plain["machine"])}
    if name == "repeats":
        plain["runs"] = [Run(**run) for run in plain["runs"]]
    if name != "precision":
        return KINDS[name](**plain)
    rows = [
        Measured(**{**row, "moved": Moved(**row["moved"]) if row["moved"] else None}) for row in plain["rows"]
    ]
    return Precisions(**{**plain, "rows": rows})


def make(context: Context, lang: str = "en") -> None:
    """Measure all of them here, and write them."""
    from playground.engine.generation.generate import Waiting
    from playground.engine.generation.prompts import prompt_ids
    from playground.models.cache import Loaded
    from playground.rooms.decoding import lab

    card, prompt = context.catalog.find(MODEL), text.say("decoding.example_prompt", lang)
    found: dict[str, Any] = {}
    for name in KINDS:
        measure, _ = lab.RUNS[name]
        for loaded in context.leasing(card, "causal"):
            if not isinstance(loaded, Loaded):
                continue
            ids, _ = prompt_ids(loaded, prompt, len(prompt))
            states = measure(loaded, ids)
            assert isinstance(states, Generator)
            *_, found[name] = (state for state in states if not isinstance(state, Waiting | Progress))
    table = lab.Table()
    for _ in lab.precisions(context, card, prompt, lang, table):
        pass
    assert table.machine
    found["precision"] = Precisions(table.measured(), table.machine, table.rounds)
    write(
        FILE,
        {
            "processor": processor(), "date": datetime.date.today().isoformat(), "model": MODEL,
            "found": rounded({name: asdict(each) for name, each in found.items()}),
        },
    )  # fmt: skip


def processor() -> str:
    """This machine's processor, as it calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux
        return platform.processor() or platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{named[0]} × {len(named)}" if named else platform.machine()


def main() -> None:
    """From the command line."""
    from playground.models.cache import ModelCache
    from playground.models.catalog import Catalog
    from playground.models.loaders import TransformersLoader
    from playground.rooms import register

    register()
    owner = settings.read([])
    catalog = Catalog(owner.models_dir, owner.cache_dir, offline=True)
    make(Context(owner, catalog, ModelCache(2**31, TransformersLoader(offline=True))))


if __name__ == "__main__":
    main()
