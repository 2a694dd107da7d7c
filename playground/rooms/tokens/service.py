"""What the Tokens panel does when something is chosen or typed: from a visitor's input to HTML."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import cast

from playground import ASSETS
from playground import text as words
from playground.engine.generation import chat_template
from playground.engine.tokenizers import replays, tokenize, vocabulary
from playground.engine.tokenizers.libraries import Adapter, adapter
from playground.errors import BadInput, PlaygroundError
from playground.models.cache import Loaded
from playground.models.catalog import TOKENIZERS
from playground.models.uploads import NAME
from playground.rooms.tokens import example, steps, training
from playground.rooms.tokens import view_chat_template as chat_view
from playground.rooms.tokens import view_lanes as lanes_view
from playground.rooms.tokens import view_languages as languages_view
from playground.rooms.tokens import view_merges as merges_view
from playground.rooms.tokens import view_steps as steps_view
from playground.rooms.tokens import view_vocabulary as vocabulary_view
from playground.ui.context import Context
from playground.ui.first_models import label
from playground.ui.html import note
from playground.ui.runs import Progress
from playground.ui.visitor import language, sentence, stages

MOST = 6  # tokenizers side by side
DEFAULTS = example.SHOWN
KINDS = {"bpe": "BPE", "wordpiece": "WordPiece", "unigram": "Unigram"}
STEPS_CHARACTERS = 2_000  # a walk is read, not skimmed


class TokensService:
    """The panel's functions, each from plain values to plain values or HTML."""

    def __init__(self, context: Context) -> None:
        self.context = context

    # -- the tokenizers --

    @contextmanager
    def opened(self, name: str) -> Iterator[tuple[Loaded, Adapter]]:
        """A tokenizer by name, leased. What goes wrong with an upload says what its owner calls it."""
        try:
            with self.context.models.lease(self.context.catalog.find(name), "tokenizer") as loaded:
                yield loaded, adapter(loaded)
        except PlaygroundError as error:
            told = self._told(error, name)
            if told is error:
                raise
            raise told from error

    def loading(self, name: str) -> Iterator[Progress]:
        """How far the loading of a tokenizer is; nothing where it is there already."""
        with closing(self.context.leasing(self.context.catalog.find(name), "tokenizer")) as steps:
            for step in stages(steps, language()):
                if isinstance(step, Loaded):
                    return
                yield Progress(step.replace(name, self.shown(name)))

    def shown(self, name: str) -> str:
        """What a tokenizer is called: the name of an upload is a secret, its title is its owner's."""
        if not NAME.fullmatch(name):
            return name
        return self.context.catalog.uploads.title(name) or words.say("tokens.untitled", language())

    def _told(self, error: PlaygroundError, name: str) -> PlaygroundError:
        if error.values.get("name") != name or self.shown(name) == name:
            return error
        return type(error)(error.key.removeprefix("errors."), **{**error.values, "name": self.shown(name)})

    def checked(self, text: object) -> str:
        """The visitor's text, if it can be tokenized."""
        return tokenize.check(text, self.context.settings.text_limit)

    def embedded(self) -> list[tuple[str, str]]:
        """What the menus are built with."""
        return [(card.name, card.name) for card in TOKENIZERS]

    def choices(self) -> list[tuple[str, str]]:
        """What the menus offer, as (shown, name); ↓ marks what the Hub must give first."""
        offered, lang = self.context.offered("tokenizer"), language()
        return [
            (f"{card.name} ↓" if card.source == "hub" else self.shown(label(card, lang)), card.name)
            for card in offered
        ]

    # -- compare --

    def tokenized(self, text: str, names: Sequence[str], special: bool) -> list[tokenize.Tokenized]:
        """The text under each tokenizer."""
        with ExitStack() as stack:
            opened = [(name, stack.enter_context(self.opened(name))[1]) for name in names]
            return [tokenize.tokenize(r, name, text, special) for name, r in opened]

    def comparing(
        self, text: str, names: Sequence[str], special: bool, page: float = 1, one: str = "", most: int = 0
    ) -> Iterator[Progress | tuple[str, int]]:
        """How far loading is; the Compare view, and in how many parts it comes.

        One tokenizer that fails spoils no other.

        Args:
            one: of the names, the one that the text stands in large; else the first, or it alone.
            most: tokens after which each is cut; 0: none is.
        """
        names = list(dict.fromkeys(names)) or [one]
        if one in names:
            names = [one, *(each for each in names if each != one)]
        lang = language()
        text = self.checked(text)
        if len(names) > MOST:
            raise BadInput("too_many_tokenizers", most=MOST)
        found: list[tokenize.Tokenized] = []
        failed = ""
        sides: dict[str, str] = {}
        for name in filter(None, names):
            try:
                yield from self.loading(name)
                found += self.tokenized(text, [name], special)
                with self.opened(name) as (_, r):
                    sides[name] = r.own.truncation_side or ""
            except PlaygroundError as error:
                failed += note(sentence(self._told(error, name), lang), "warning")
        shown = {name: self.shown(name) for name in names}
        view = lanes_view.compare(found, lang, page=int(page), most=most, names=shown, sides=sides)
        yield failed + view, lanes_view.pages(found) if found else 1

    def compare(
        self, text: str, names: Sequence[str], special: bool, page: float = 1, one: str = ""
    ) -> tuple[str, int]:
        """`comparing` to its end."""
        *_, last = self.comparing(text, names, special, page, one)
        assert isinstance(last, tuple)
        return last

    def languages(self, names: Sequence[str]) -> str:
        """The chart over languages, of those tokenizers that can be had: Compare tells of the others."""
        samples = example.languages_samples()
        counts: dict[str, list[tuple[int, int]]] = {}
        for name in names[:MOST]:
            with suppress(PlaygroundError), self.opened(name) as (_, r):
                counts[self.shown(name)] = steps.lengths([sentence for _, sentence in samples], r)
        if not counts:
            return note(words.say("tokens.choose_one", language()))
        return languages_view.chart(samples, counts, language())

    # -- one tokenizer, closer --

    def steps(self, text: str, name: str, special: bool) -> str:
        """The notebook's walk."""
        text = self.checked(text)[:STEPS_CHARACTERS]
        with self.opened(name) as (_, r):
            return steps_view.walk(steps.steps(r, name, text, special), language())

    def batch(self, sentences: str, name: str, side: str, special: bool) -> str:
        """Lines as one padded batch."""
        lines = [line for line in self.checked(sentences).splitlines() if line.strip()][:16]
        with self.opened(name) as (_, r):
            return steps_view.batch(steps.batch(r, lines, side, special), language())

    def facts(self, name: str) -> str:
        """The facts of a tokenizer; readies its vocabulary for searching on the way."""
        with self.opened(name) as (_, r):
            vocabulary.prepare(r)
            return vocabulary_view.facts(vocabulary.facts(r), language())

    def search(self, query: str, name: str) -> str:
        """A search of its vocabulary."""
        query = self.checked(query)[:100]
        with self.opened(name) as (_, r):
            found, total = vocabulary.search(r, query) if query else ([], 0)
        return vocabulary_view.search(found, total, query, language())

    def some_ids(self, name: str) -> str:
        """Ids to begin with, as somebody would type them: those of a short sentence under this tokenizer."""
        with self.opened(name) as (_, r):
            ids = r.encode(words.say("tokens.example_ids", language())).ids.tolist()
            return ", ".join(map(str, ids or islice(r.vocabulary(), 4)))

    def decode(self, numbers: str, name: str) -> str:
        """Ids, as somebody types them, → text."""
        parts = self.checked(numbers).replace(",", " ").replace("[", " ").replace("]", " ").split()
        if not parts:
            return note(words.say("tokens.ids_hint", language(), ids=self.some_ids(name)))
        if len(parts) > 20_000 or any(not (p.isascii() and p.isdigit() and len(p) < 10) for p in parts):
            raise BadInput("ids_not_numbers")
        with self.opened(name) as (_, r):
            return vocabulary_view.decoded(tokenize.detokenize(r, name, [int(p) for p in parts]), language())

    def token(self, id: int, name: str) -> str:
        """How a token of the vocabulary came to be, as far as its tokenizer tells."""
        with self.opened(name) as (_, r):
            return merges_view.token(replays.of_piece(r, id), language())

    def replay(self, word: str, name: str) -> str:
        """How a word's tokens came to be."""
        word = self.checked(word)
        if not word:
            return note(words.say("tokens.merges_hint", language()))
        with self.opened(name) as (_, r):
            return merges_view.replay(replays.replays(r, word), language())

    # -- chat template --

    def chat_prompt(
        self, messages: object, name: str, generation: bool = True
    ) -> tuple[chat_template.Rendered, tokenize.Tokenized]:
        """Messages → prompt and tokens."""
        for message in chat_template.check_messages(messages):
            self.checked(message["content"])
        with self.opened(name) as (loaded, r):
            template = None
            if loaded.card.template:
                path = ASSETS / "templates" / f"{loaded.card.template}.jinja"
                template = path.read_text(encoding="utf-8")
            rendered = chat_template.render(
                r, name, template, messages, add_generation_prompt=generation, source=loaded.card.source
            )
            return rendered, tokenize.of_encoded(r, name, rendered.prompt, rendered.encoded)

    def prompt(self, system: str, user: str, assistant: str, again: str, name: str, generation: bool) -> str:
        """The chat view of up to four messages; empty ones are left out."""
        typed = (("system", system), ("user", user), ("assistant", assistant), ("user", again))
        messages = [{"role": role, "content": content} for role, content in typed if content]
        if not messages:
            return note(words.say("tokens.chat_hint", language()))
        return chat_view.prompt(*self.chat_prompt(messages, name, generation), language())

    # -- tokenizers of the visitor's own --

    def keep(self, content: str, title: str = "") -> str:
        """Keep a tokenizer.json; its name, which only this visitor's page is told."""
        return self.context.catalog.uploads.keep("upload", content.encode(), title=title)

    def upload(self, file: str | None) -> str:
        """Keep an uploaded tokenizer.json that was tried; its name."""
        if not file:
            raise BadInput("upload_empty")
        try:
            content = Path(file).read_text(encoding="utf-8")
            # Whether it is JSON to its end is told by the process that opens it: parsing megabytes of it here
            # would hold up everybody.
            if not content.lstrip().startswith("{"):
                raise ValueError
        except (ValueError, OSError) as error:
            raise BadInput("upload_not_json") from error
        name = self.keep(content, Path(file).name)
        try:
            with self.opened(name) as (_, r):
                r.encode("a", special=True)
                r.decode(list(islice(r.vocabulary(), 1)))
        except BaseException:  # whatever it was, and whoever left: what was not tried is not kept
            self.context.catalog.uploads.discard(name)
            raise
        return name

    def beside(self, names: Sequence[str], name: str) -> tuple[list[str], str]:
        """A tokenizer more among those on show, and the one that made room for it, or ""."""
        others = [each for each in names if each != name]
        return [*others[: MOST - 1], name], others[MOST - 1] if len(others) >= MOST else ""

    def train(
        self, corpus: str, algorithm: str, size: float, text: str, names: Sequence[str], title: str = ""
    ) -> Iterator[tuple[str, str | None, str | None]]:
        """A tokenizer trained on the visitor's text: progress, then its tokens, name and tokenizer.json.

        It is called as its owner wishes, or for what it is.

        Leaving early (Stop, or a closed page) ends the training too.
        """
        lang, text, corpus = language(), self.checked(text), self.checked(corpus)
        stop = threading.Event()
        allowed = 20 if self.context.settings.public else 60
        with ThreadPoolExecutor(1) as worker:
            try:
                kind = cast(training.Algorithm, algorithm)  # one that is none is refused there
                job = worker.submit(training.train, corpus, kind, int(size), seconds=allowed, stop=stop)
                began = time.monotonic()
                while not wait([job], timeout=0.2).done:
                    told = words.say(
                        "tokens.train_running", lang,
                        characters=f"{len(corpus):,}", seconds=int(time.monotonic() - began),
                    )  # fmt: skip
                    yield note(told), None, None
                trained = job.result()
            finally:
                stop.set()
        usual = words.say("tokens.train_called", lang, algorithm=KINDS[kind], size=int(size))
        name = self.keep(trained.tokenizer_json, title.strip() or usual)
        beside = [name, *[n for n in names if n != name]][:3]
        found = self.tokenized(text, beside, special=False)
        view = merges_view.trained(trained, self.shown(name), lang)
        shown = {each: self.shown(each) for each in beside}
        view += lanes_view.compare(found, lang, names=shown)
        yield view, name, trained.tokenizer_json
