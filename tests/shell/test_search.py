"""What the search finds: all that the page registered, by names in every language; models by their role."""

from __future__ import annotations

from pathlib import Path

import pytest

from playground import text
from playground.models.catalog import Catalog, ModelCard
from playground.shell import search
from playground.ui.controls import page_of
from tests.ui.whole import whole_page


def test_every_view_and_every_setting_of_a_view_is_there_in_every_language() -> None:
    page = page_of(whole_page())
    views, settings = [*search.views(page)], [*search.settings(page)]
    assert [row["view"] for row in views] == [*page.views]
    assert {row["kind"] for row in views} == {"room", "view"}
    for row in [*views, *settings]:
        assert row["names"].keys() == text.LANGUAGES.keys() and all(row["names"].values())
        assert "__i18n__" not in str(row) and row["view"] in page.views
    (named,) = (row for row in settings if row["id"] == "tok-text")
    assert named["names"] == text.everywhere("tokens.text")
    assert named["where"] == text.everywhere("tokens.tab")
    alike = {(row["view"], row["names"]["en"]) for row in settings}
    assert len(alike) == len(settings), "two that nobody could tell apart"
    inner = next(row for row in views if row["view"] == "sentences/map")
    assert inner["names"]["en"].split(" › ")[0] == text.say("embeddings.tab", "en")


def test_models_open_where_they_are_of_use_and_uploads_are_nobodys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog, page = Catalog(tmp_path, tmp_path), page_of(whole_page())
    card = ModelCard("upload-" + "0" * 32, "upload", "", frozenset({"tokenizer"}))
    monkeypatch.setattr(Catalog, "_uploaded", lambda self: [card])
    rows = {row["names"]["en"]: row for row in search.models(page, catalog)}
    assert rows["tutor"]["set"] == {"chat.model": "tutor"}
    assert rows["all-MiniLM-L6-v2"]["set"] == {"sentences.model": "all-MiniLM-L6-v2"}
    assert rows["byt5"]["set"] == {"tokens.one": "byt5"}
    assert rows["minilm-words"]["set"] == {"words.source": "minilm-words"}
    assert card.name not in rows
    assert all(set(row["set"]) <= set(page.controls) for row in rows.values())
    names = {each.name for each in catalog.offered(None)} - {card.name}
    assert names == set(rows), "each model has a home"
