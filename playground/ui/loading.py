"""How far the load of a model is: a sentence, and a bar where its length is known."""

from __future__ import annotations

from playground import text
from playground.models.cache import Stage
from playground.ui.html import bar, note, number, size


def brief(stage: Stage, lang: str) -> str:
    """A stage in few words, as a cell of a table holds it."""
    share = f" {stage.done / stage.total:.0%}" if stage.total and stage.step != "wait" else ""
    return text.say(f"models.brief_{stage.step}", lang) + share


def sentence(stage: Stage, seconds: float, lang: str, rate: float = 0) -> str:
    """A load that is under way, as a sentence.

    Args:
        seconds: since it began.
        rate: bytes a second that arrive, of a download.
    """
    values = {"name": stage.name, "done": number(stage.done), "total": number(stage.total)}
    values["loss"] = number(stage.loss, 3)
    if stage.step in ("download", "wait"):
        values |= {"done": size(stage.done), "total": size(stage.total)}
    said = text.say(f"models.step_{stage.step}", lang, **values)
    if stage.step == "download" and rate > 0 and stage.total:
        left = number((stage.total - stage.done) / rate)
        said += " " + text.say("models.pace", lang, rate=size(rate), left=left)
    return said + " " + text.say("models.since", lang, seconds=number(seconds))


def progress(stage: Stage, seconds: float, rate: float, lang: str) -> str:
    """The sentence and a bar."""
    known = stage.total and stage.step != "wait"
    share = 100 * stage.done / stage.total if known else None
    return note(sentence(stage, seconds, lang, rate)) + bar(stage.name, share)
