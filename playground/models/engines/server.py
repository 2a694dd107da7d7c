"""Any server that speaks OpenAI's language, as an engine: LM Studio, Ollama, llama.cpp's own, vLLM.

It is asked by conversation and not by ids, so it tells no ids and knows no branch; what else could have stood
there comes as text. Its address is the owner's word (``engine_url`` of `playground.settings`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from playground.errors import BadInput, CannotLoad
from playground.models.engines.interface import Capabilities, End, Engine, Order, Piece, Token
from playground.system import cancellation

MOST_TOP = 20  # OpenAI's own limit
CONNECTING, SILENT = 5.0, 120.0  # seconds
LONGEST = 2**20  # characters of one line of an answer
NEUTRAL = {"top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0}  # what OpenAI's own server refuses to hear of


class Server(Engine):
    """One model of a server.

    Args:
        url: up to ``/v1``.
        model: as the server calls it; "" for the first that it lists.
        key: that it wants, or "".

    Raises:
        CannotLoad: ``engine_unreachable`` (url).
    """

    def __init__(self, url: str, model: str = "", key: str = "", *, window: int = 4096) -> None:
        self.url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        times = httpx.Timeout(SILENT, connect=CONNECTING)
        # The owner's address alone: no proxy of the environment's, and no other place that it points to.
        self._client = httpx.Client(headers=headers, timeout=times, trust_env=False, follow_redirects=False)
        self.window = self.room = window
        self.ends = frozenset()
        self.capabilities = Capabilities("OpenAI API", ids=False, alternatives=MOST_TOP, together=1000)
        try:
            self.model = model or next(iter(self.models()), "")
        except BaseException:
            self.close()
            raise

    def models(self) -> list[str]:
        """What the server offers.

        Raises:
            CannotLoad: ``engine_unreachable`` (url). BadInput: ``engine_says``.
        """
        with self._explained():
            answer = self._client.get(f"{self.url}/models")
            self._check(answer)
            rows = answer.json()["data"]
            return [str(row["id"])[:200] for row in rows]

    def stream(self, order: Order) -> Generator[Piece, None, None]:
        """As `Engine.stream`, of ``messages``.

        Raises:
            CannotLoad: ``engine_unreachable`` (url). BadInput: ``engine_says``, ``engine_no_ids``.
        """
        if not order.messages:
            raise BadInput("engine_no_ids", name=self.model)
        said = {name: getattr(order, name) for name in NEUTRAL}
        extra = {name: value for name, value in said.items() if value != NEUTRAL[name]}
        body = {
            "model": self.model, "messages": list(order.messages), "stream": True,
            "stream_options": {"include_usage": True}, "max_tokens": order.max_new_tokens,
            "temperature": order.temperature, "top_p": order.top_p, "seed": order.seed % 2**31,
            "logprobs": True, "top_logprobs": min(order.alternatives, MOST_TOP), **extra,
        }  # fmt: skip
        reason, count = "", 0
        usage: dict[str, Any] = {}
        with (
            self._explained(),
            self._client.stream("POST", f"{self.url}/chat/completions", json=body) as answer,
        ):
            if answer.status_code != 200:
                answer.read()
                self._check(answer)
            for line in answer.iter_lines():
                cancellation.check()
                told = _data(line)
                if told is None:
                    continue
                if "error" in told:
                    raise BadInput("engine_says", name=self.model, said=str(told["error"])[:200])
                usage = told.get("usage") or usage
                for choice in told.get("choices") or ():
                    reason = choice.get("finish_reason") or reason
                    for token in _tokens(choice):
                        count += 1
                        yield token
        why: Any = "length" if reason == "length" else "eos"
        yield End(why, int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or count))

    def likeliest(self, ids: Sequence[int], count: int) -> list[tuple[int, float]]:
        """Never: it knows no ids.

        Raises:
            BadInput: ``engine_no_ids`` (name).
        """
        raise BadInput("engine_no_ids", name=self.model)

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def _check(self, answer: httpx.Response) -> None:
        if answer.status_code != 200:
            raise BadInput("engine_says", name=self.url, said=f"{answer.status_code} {answer.text[:160]}")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """A server that is not there, or speaks another language, as a sentence."""
        try:
            yield
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CannotLoad("engine_unreachable", url=self.url) from error


def _data(line: str) -> dict[str, Any] | None:
    """The object of a line of server-sent events; None for what holds none."""
    if len(line) > LONGEST:
        raise ValueError(f"a line of {len(line)} characters")
    text = line.removeprefix("data:").strip() if line.startswith("data:") else ""
    if not text or text == "[DONE]":
        return None
    told = json.loads(text)
    if not isinstance(told, dict):
        raise ValueError("no object")
    return told


def _tokens(choice: dict[str, Any]) -> Iterator[Token]:
    """The tokens of a piece; of a server that tells no probabilities, its text as one."""
    content = (choice.get("logprobs") or {}).get("content")
    if not content:
        text = (choice.get("delta") or {}).get("content")
        if text:
            yield Token(-1, str(text).encode(), None)
        return
    for each in content:
        texts = tuple((_raw(one), _share(one)) for one in each.get("top_logprobs") or ())
        yield Token(-1, _raw(each), _share(each), texts=texts)


def _raw(token: dict[str, Any]) -> bytes:
    return bytes(token["bytes"]) if token.get("bytes") else str(token["token"]).encode()


def _share(token: dict[str, Any]) -> float:
    return min(1.0, math.exp(float(token["logprob"])))
