"""``/find_songs`` and ``/recommend``, asked of the running app."""

from __future__ import annotations

from typing import Any

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from tests.app import App
from tests.app_fixture import app  # noqa: F401


@pytest.fixture(scope="module")
def client(app: App) -> Client:  # noqa: F811
    return Client(app.url, verbose=False, ssl_verify=False)


def ask(client: Client, endpoint: str, *given: Any) -> Any:
    return client.predict(*given, api_name=f"/{endpoint}")


def test_find_and_recommend(client):
    found = ask(client, "find_songs", "qi li xiang", "sample", 5)
    assert list(found[0]) == ["id", "title", "artist"] and found[0]["title"] == "七里香"
    liked = [found[0]["id"]]
    ten = ask(client, "recommend", liked, [], "sample")
    assert len(ten) == 10 and all(list(each) == ["id", "title", "artist", "score"] for each in ten)
    assert liked[0] not in {each["id"] for each in ten}
    scores = [each["score"] for each in ten]
    assert scores == sorted(scores, reverse=True) and all(-1 <= score <= 1 for score in scores)
    away = ask(client, "recommend", liked, [ten[0]["id"]], "sample", 100)
    assert len(away) == 100 and not {liked[0], ten[0]["id"]} & {each["id"] for each in away}
    assert ask(client, "recommend", liked, [], "sample") == ten
    rows = {row["name"]: row for row in ask(client, "models")}
    assert rows["sample"]["state"] == "loaded" and rows["sample"]["roles"] == ["songs"]
    assert rows["sample"]["bytes"] > 10**6


@pytest.mark.parametrize(
    ("endpoint", "given", "told"),
    [
        ("find_songs", ("x", "no such", 5), "no such"),
        ("find_songs", ("x", "mistral-v1", 5), "mistral-v1"),
        ("find_songs", ("x", "yes_complete", 5), "yes_complete"),
        ("find_songs", ("x", "songs-0123456789abcdef", 5), "songs-"),
        ("find_songs", ("x", "../../etc", 5), "etc"),
        ("find_songs", ("x", "", 5), "data set"),
        ("find_songs", ("x", "sample", 0), "1 to 100"),
        ("find_songs", (5, "sample", 5), "int"),
        ("recommend", ([], [], "sample"), "at least one"),
        ("recommend", (["999999"], [], "sample"), "999999"),
        ("recommend", (["1"], ["<b>"], "sample"), "‹b›"),
        ("recommend", ("1", [], "sample"), "lists"),
        ("recommend", (["1"], [], "sample", 10**6), "1 to 100"),
    ],
)
def test_bad_input_is_a_sentence(client, endpoint, given, told):
    with pytest.raises(AppError) as caught:
        ask(client, endpoint, *given)
    assert told in str(caught.value)
