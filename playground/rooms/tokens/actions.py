"""What the page asks of the Tokens room: from checked values to lines."""

from __future__ import annotations

from collections.abc import Iterator

from playground import text
from playground.errors import PlaygroundError
from playground.rooms.tokens import example
from playground.rooms.tokens.service import TokensService
from playground.ui.files import offered, outgoing
from playground.ui.html import note
from playground.ui.runs import Given, Line, Progress, html, progress, sets
from playground.ui.visitor import language

SAMPLES = ("words", "spaces", "numbers", "chinese", "emoji", "arabic", "code")
TALK = ("system", "user", "assistant", "again")


class Answers:
    """One function an action of the page."""

    def __init__(self, do: TokensService) -> None:
        self.do = do

    # -- the controls --

    def opening(self, given: Given) -> Iterator[Line]:
        """The menus, with whatever is offered by now."""
        yield sets(self._menus())

    def sample(self, given: Given) -> Iterator[Line]:
        """A text that is offered."""
        name = given.by.rpartition("-")[2]
        if name in SAMPLES:
            yield sets({"tokens.text": text.say(f"tokens.example_{name}", language())})

    def receive(self, path: str | None) -> Iterator[Line]:
        """A visitor's tokenizer.json. `joined` puts it beside those that are chosen, which the page knows."""
        yield sets({"tokens.brought": self.do.upload(path)})

    def joined(self, given: Given) -> Iterator[Line]:
        """An uploaded tokenizer beside the others; the last of six makes room for it."""
        name = given["brought"]
        if not name:
            return
        names, left = self.do.beside(_names(given), name)
        gone = self.do.shown(left)
        told = note(text.say("tokens.made_room", language(), name=gone)) if left else ""
        yield html("tok-told", told)
        yield sets(self._menus(names=names, one=name))

    def _menus(self, **chosen: object) -> dict[str, object]:
        choices = self.do.choices()
        values = {name: {"value": value} for name, value in chosen.items()}
        return {f"tokens.{name}": {"choices": choices, **values.get(name, {})} for name in ("names", "one")}

    # -- several tokenizers --

    def compare(self, given: Given) -> Iterator[Line]:
        """The text under each tokenizer, and a slider where it comes in parts."""
        names, part, most = _names(given), given["page"] or 1, int(given["cut"] or 0)
        for step in self.do.comparing(given["text"], names, given["special"], part, _one(given), most):
            if isinstance(step, Progress):
                yield progress(step)
                continue
            shown, parts = step
            yield html("tok-view", shown)
            yield sets({"tokens.page": {"maximum": max(parts, 2), "visible": parts > 1}})

    def languages(self, given: Given) -> Iterator[Line]:
        """The chart over languages: of the tokenizers that the room opens with, as it is shipped."""
        names = _names(given)
        shipped = names == list(example.SHOWN)
        yield html("tok-chart", example.languages_chart(language()) if shipped else self.do.languages(names))

    # -- one tokenizer, closer --

    def steps(self, given: Given) -> Iterator[Line]:
        """The notebook's walk."""
        yield from self._having(given)
        yield html("tok-walk", self.do.steps(given["text"], _one(given), given["special"]))

    def batch(self, given: Given) -> Iterator[Line]:
        """Lines as one padded batch."""
        side = given["side"] or "right"
        yield html("tok-grid", self.do.batch(given["lines"], _one(given), side, given["special"]))

    def facts(self, given: Given) -> Iterator[Line]:
        """What a tokenizer is."""
        yield from self._having(given)
        yield html("tok-facts", self.do.facts(_one(given)))

    def search(self, given: Given) -> Iterator[Line]:
        """A search of the vocabulary."""
        yield html("tok-hits", self.do.search(given["search"], _one(given)))

    def ids(self, given: Given) -> Iterator[Line]:
        """Ids to begin with. They mean something under one tokenizer only: they change with it, unless the
        visitor wrote some.
        """
        if given["ids"].strip() and given["ids"] != given["given"]:
            return
        try:
            fresh = self.do.some_ids(_one(given))
        except PlaygroundError:  # `decode`, which is asked as well, tells it in its place
            return
        yield sets({"tokens.ids": fresh, "tokens.given": fresh})

    def decode(self, given: Given) -> Iterator[Line]:
        """Ids → text."""
        shown = self.do.decode(given["ids"], _one(given))
        if given["ids"].strip() or given.by != "open":  # when the view opens, `ids` are on their way
            yield html("tok-decoded", shown)

    def replay(self, given: Given) -> Iterator[Line]:
        """How a word's tokens came to be."""
        yield from self._having(given)
        yield html("tok-replay", self.do.replay(given["word"], _one(given)))

    def token(self, given: Given) -> Iterator[Line]:
        """How the token that was selected came to be."""
        id, _, name = given["seen"].partition(" ")
        if id.isascii() and id.isdigit() and len(id) < 10:
            yield html("tok-seen", self.do.token(int(id), name))

    def prompt(self, given: Given) -> Iterator[Line]:
        """A conversation as the model reads it."""
        yield from self._having(given)
        system, user, assistant, again = (given[who] for who in TALK)
        shown = self.do.prompt(system, user, assistant, again, _one(given), given["generation"])
        yield html("tok-prompt", shown)

    def _having(self, given: Given) -> Iterator[Line]:
        """How far the loading of the chosen tokenizer is; nothing where it is there."""
        for step in self.do.loading(_one(given)):
            yield progress(step)

    # -- a tokenizer of one's own --

    def train(self, given: Given) -> Iterator[Line]:
        """How far the training is; then what was learned, the tokenizer in the menus, and its file."""
        learn = given["corpus"], given["algorithm"] or "", given["size"] or 0
        asked = *learn, given["text"], _names(given), given["title"]
        for shown, name, content in self.do.train(*asked):
            if not name or not content:
                yield progress(shown)
                continue
            path = outgoing() / "tokenizer.json"
            path.write_text(content, encoding="utf-8")
            yield html("tok-trained", shown)
            yield sets({**self._menus(one=name), "tokens.file": {"value": offered(path), "visible": True}})


def _one(given: Given) -> str:
    """The tokenizer that is looked at closer; "" is none, which is told as one."""
    return str(given["one"] or "")


def _names(given: Given) -> list[str]:
    return [str(name) for name in given["names"]]
