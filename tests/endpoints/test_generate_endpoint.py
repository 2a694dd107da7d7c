"""`/generate` as a program calls it, over the wire."""

from __future__ import annotations

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from playground import text
from tests.app import App
from tests.app_fixture import app  # noqa: F401

PROMPT = "The capital of France is"


@pytest.fixture(scope="module")
def client(app: App) -> Client:  # noqa: F811
    return Client(app.url, verbose=False, ssl_verify=False)


def test_the_three_strategies(client: Client) -> None:
    greedy = client.predict(PROMPT, api_name="/generate")
    assert list(greedy) == ["ids", "text", "tokens", "sequences", "perplexity", "seconds"]
    assert greedy["sequences"] == [] and all(
        list(each) == ["id", "text", "probability", "rank"] for each in greedy["tokens"]
    )
    assert [each["rank"] for each in greedy["tokens"]] == [1] * len(greedy["ids"])
    assert "".join(each["text"] for each in greedy["tokens"]) == greedy["text"]
    given = (PROMPT, "tutor", "sample", 12, 1.5, 0, 1.0, 4)
    once, again = (client.predict(*given, api_name="/generate") for _ in range(2))
    assert once["ids"] == again["ids"] and len(once["ids"]) <= 12
    beam = client.predict(PROMPT, "tutor", "beam", 12, 1.0, 0, 1.0, 0, 3, 1.0, api_name="/generate")
    assert len(beam["sequences"]) == 3 and beam["sequences"][0]["ids"] == beam["ids"]
    scores = [way["score"] for way in beam["sequences"]]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ((PROMPT, "tutor", "nucleus"), "strategy_unknown"),
        ((PROMPT, "tutor", "greedy", 0), "setting_outside"),
        ((PROMPT, "tutor", "beam", 5, 1.0, 0, 1.0, 0, 99), "setting_outside"),
        ((PROMPT, "no such"), "name_malformed"),
        (("word " * 3000,), "prompt_too_long"), ((PROMPT, "byt5"), "only_tokenizer"),
    ],
)  # fmt: skip
def test_errors_are_sentences_in_the_callers_language(app: App, given: tuple, key: str) -> None:  # noqa: F811
    taiwan = Client(app.url, verbose=False, ssl_verify=False, headers={"accept-language": "zh-TW"})
    with pytest.raises(AppError) as refused:
        taiwan.predict(*given, api_name="/generate")
    told = text.say(f"errors.{key}", "zh-TW")
    longest = max((part.partition("}")[2] or part for part in told.split("{")), key=len)
    assert longest in str(refused.value)
