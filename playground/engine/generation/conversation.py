"""A conversation → the prompt of a chat model, within its window, and who wrote which token of it.

What the model reads is one text: the template's scaffolding, the system prompt, every message, and the cue
after which it writes (Hands-On Large Language Models, ch. 1 and 3; `chat_template` renders it).
Where that is longer than the model's window, the oldest turns are left out, whole ones, and it says which.
A model without a chat template goes on with the last message (completion).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from playground.engine.generation import chat_template, generate
from playground.engine.tokenizers.adapter import Adapter, Encoded
from playground.engine.tokenizers.libraries import adapter
from playground.errors import BadInput
from playground.models.cache import Loaded

Source = Literal["system", "user", "assistant", "template", "cue"]
SLACK = 16  # tokens by which the length of a turn may be misjudged before it is rendered alone
Messages = list[dict[str, str]]


@dataclass(frozen=True)
class Part:
    """A stretch of the prompt from one source.

    Args:
        source: ``system``, ``user``, ``assistant``: somebody's words; ``template``: its scaffolding;
            ``cue``: what it writes last, so that the model answers.
        message: index of the message among those given, -1 of what is none's.
        start, end: code points of the prompt's text.
        tokens: how many are its own; a token that lies in two parts counts where most of it lies.
    """

    source: Source
    message: int
    start: int
    end: int
    tokens: int = 0


@dataclass(frozen=True)
class Prompt:
    """What the model reads.

    Args:
        ids: the tokens; no special token was added to what the template wrote.
        text: the same as text.
        parts: in the order of the text.
        owners: of each token, the index of its part.
        dropped: indices of messages left out, since the window is too small for all.
        completion: the model has no chat template; it goes on with the last message.
        continues: the prompt ends inside a text that the reply goes on with (completion, or a cut reply).
        listed: the template takes the user's words as a list of parts only.
        system_merged: the template knows no system role; its text stands before the user's first words.
        stop_ids: what the template writes after a reply, so what must end one: for `sampling.Settings`.
        window: tokens that the model holds, prompt and reply; None: no limit is known.
    """

    ids: list[int]
    text: str
    parts: list[Part]
    owners: list[int]
    dropped: list[int]
    completion: bool = False
    continues: bool = False
    listed: bool = False
    system_merged: bool = False
    stop_ids: tuple[int, ...] = ()
    window: int | None = None

    def tokens(self, of: Adapter) -> list[tuple[int, str, int]]:
        """Each token as id, piece and the index of its part: the prompt under the hood."""
        return [(id, of.piece(id).piece, owner) for id, owner in zip(self.ids, self.owners, strict=True)]

    @property
    def counts(self) -> dict[Source, int]:
        """Tokens of each source."""
        found: dict[Source, int] = {}
        for part in self.parts:
            found[part.source] = found.get(part.source, 0) + part.tokens
        return found


@dataclass(frozen=True)
class _Habits:
    """What a template always does; found out once per load."""

    cue: str
    ends: tuple[int, ...]


def compose(
    loaded: Loaded,
    messages: object,
    *,
    system: str = "",
    template: str | None = None,
    max_new_tokens: int = 256,
    replies: Mapping[int, Sequence[int]] | None = None,
) -> Prompt:
    """Messages → prompt.

    Room for the reply is kept: ``max_new_tokens``, but never more than half of the window, since a long reply
    that may come is worth less than what was said. When the last message is the assistant's, the prompt ends
    in it, so that the model goes on with it.

    Args:
        messages: ``[{"role": …, "content": …}, …]``, maybe with a system message first.
        system: the system prompt, if it is not among the messages.
        template: Jinja source of our own; None takes the tokenizer's.
        replies: by the index of an assistant's message, the ids as which the model wrote it. A tokenizer may
            cut the same words otherwise; with its own ids the model meets what it wrote, and a
            `prefix_cache.CachedPrefix` of it serves. Where words and ids do not agree, the words count.

    Raises:
        BadInput: ``prompt_too_long`` (tokens, window): system prompt and last message alone are too long;
            ``prompt_empty``; ``cannot_continue`` (name); those of `chat.render`.
        TookTooLong, DoesNotFit: a template that does not end, or swallows all memory.
    """
    if template is None and loaded.card.source in ("embedded", "package"):
        # What the app vouches for is trusted: rendered here, not in a process that can be killed.
        template = adapter(loaded).own.chat_template
    asked = chat_template.check_messages(messages)
    if system:
        asked = chat_template.check_messages([{"role": "system", "content": system}, *asked])
    shift = 1 if system else 0
    written = {index + shift: list(ids) for index, ids in (replies or {}).items()}
    made = _fitting(_Composer(loaded, asked, template, written), generate.window(loaded), max_new_tokens)
    if not shift:
        return made
    parts = [replace(part, message=part.message - shift if part.message > 0 else -1) for part in made.parts]
    return replace(made, parts=parts, dropped=[i - shift for i in made.dropped if i >= shift])


def _fitting(composer: _Composer, window: int | None, max_new_tokens: int) -> Prompt:
    """The prompt with as few of the oldest turns left out as possible."""
    turns = composer.turns
    made = composer.compose(0)
    if made.completion:
        turns = turns[-1:]
    if window is not None:
        room = window - min(max_new_tokens, window // 2)
        first, tried = 0, {0: made}
        lengths = _lengths(made, turns)
        while len(made.ids) > room and first < len(turns) - 1:
            over = len(made.ids) - room
            while over > 0 and first < len(turns) - 1:
                over -= lengths[first]
                first += 1
            made = tried[first] = composer.compose(first)
        # The lengths were estimates: a turn too many may have gone.
        while first and first - 1 not in tried and len(made.ids) + lengths[first - 1] <= room + SLACK:
            first -= 1
            tried[first] = composer.compose(first)
            if len(tried[first].ids) > room:
                break
            made = tried[first]
        if len(made.ids) >= window:
            raise BadInput("prompt_too_long", tokens=len(made.ids), window=window)
    return replace(made, window=window)


def _lengths(prompt: Prompt, turns: list[list[int]]) -> list[int]:
    """About how many tokens each turn takes, with the scaffolding after its messages."""
    place = {message: order for order, turn in enumerate(turns) for message in turn}
    lengths, at = [0] * len(turns), -1
    for part in prompt.parts:
        at = place.get(part.message, at)
        if at >= 0:
            lengths[at] += part.tokens
    return lengths


class _Composer:
    """One conversation, with more or fewer of its turns."""

    def __init__(
        self, loaded: Loaded, messages: Messages, template: str | None, replies: Mapping[int, list[int]]
    ) -> None:
        self._loaded, self._messages, self._template, self._replies = loaded, messages, template, replies
        self._name = loaded.card.name
        self._reader = adapter(loaded)
        self._head = [0] if messages[0]["role"] == "system" and len(messages) > 1 else []
        self.turns: list[list[int]] = []
        for index in range(len(self._head), len(messages)):
            if messages[index]["role"] == "user" or not self.turns:
                self.turns.append([])
            self.turns[-1].append(index)
        self._continues = messages[-1]["role"] == "assistant" and bool(messages[-1]["content"].strip())
        if messages[-1]["role"] == "assistant" and not self._continues and len(messages) > 1:
            self.turns[-1].pop()  # nothing was said: the model begins
            self.turns = [turn for turn in self.turns if turn]

    def compose(self, first: int) -> Prompt:
        """Without the turns before ``first``."""
        kept = self._head + [index for turn in self.turns[first:] for index in turn]
        dropped = [index for turn in self.turns[:first] for index in turn]
        try:
            rendered, merged = self._render(kept)
        except BadInput as refused:
            if not chat_template.has_no_template(refused):
                raise
            return self._completion()
        text, encoded = rendered.prompt, rendered.encoded
        parts = self._parts(rendered, kept, merged)
        habits = self._habits()
        if self._continues:
            own = [part for part in parts if part.source != "template"]
            if not own or own[-1].message != kept[-1]:
                raise BadInput("cannot_continue", name=self._name)
            parts = parts[: parts.index(own[-1]) + 1]
            text = text[: own[-1].end]
            markup = [(part.start, part.end) for part in parts if part.source == "template"]
            encoded = self._reader.encode_prompt(text, markup)
        elif habits.cue and text.endswith(habits.cue) and parts and parts[-1].source == "template":
            edge = max(len(text) - len(habits.cue), parts[-1].start)
            parts = [*parts[:-1], replace(parts[-1], end=edge), Part("cue", -1, edge, len(text))]
            parts = [part for part in parts if part.start < part.end]
        return self._made(
            text, encoded, parts, dropped=dropped, continues=self._continues, system_merged=merged,
            listed="user" in rendered.listed, stop_ids=habits.ends,
        )  # fmt: skip

    def _render(self, kept: list[int]) -> tuple[chat_template.Rendered, bool]:
        """The conversation as a text, and whether the system prompt had to go into the user's message."""
        plain = [self._messages[index] for index in kept]
        merged = _merged(plain) if self._head else None
        memo = self._loaded.memo.setdefault("system_merged", {})
        known = memo.get(self._template) if merged else False
        if merged is None or not known:
            try:
                rendered = self._call(plain)
            except BadInput as refused:
                lost = refused.key == "errors.words_lost" and refused.values["role"] == "system"
                if merged is None or not (lost or refused.key == "errors.template_refused"):
                    raise
                try:
                    rendered = self._call(merged)
                except BadInput:
                    raise refused from None
                memo[self._template] = True
                return rendered, True
            return rendered, False
        assert merged is not None
        return self._call(merged), True

    def _call(self, messages: Messages, cue: bool | None = None) -> chat_template.Rendered:
        wanted = not self._continues if cue is None else cue
        return chat_template.render(
            self._reader, self._name, self._template, messages,
            add_generation_prompt=wanted, source=self._loaded.card.source,
        )  # fmt: skip

    def _habits(self) -> _Habits:
        memo = self._loaded.memo.setdefault("template_habits", {})
        found: _Habits | None = memo.get(self._template)
        if found is None:
            said = {"role": "user", "content": "Hello"}
            cue = ""
            ends: tuple[int, ...] = ()
            try:
                asking, silent = (self._call([said], cue).prompt for cue in (True, False))
                cue = asking.removeprefix(silent) if asking.startswith(silent) else ""
                ends = self._ends(self._call([said, {"role": "assistant", "content": "Good day"}], False))
            except BadInput:  # a template that wants other messages than these: nothing is known of it
                pass
            found = memo[self._template] = _Habits(cue, ends)
        return found

    def _ends(self, rendered: chat_template.Rendered) -> tuple[int, ...]:
        """The special token after the assistant's words, if there is one."""
        after = [segment.end for segment in rendered.segments if segment.source == "assistant"]
        if not after:
            return ()
        following = rendered.encoded.ids[rendered.encoded.starts >= after[-1]].tolist()
        return tuple(following[:1]) if following and self._is_special(following[0]) else ()

    def _is_special(self, id: int) -> bool:
        return self._reader.piece(id).kind == "special"

    def _parts(self, rendered: chat_template.Rendered, kept: list[int], merged: bool) -> list[Part]:
        """Segments know a role; which message it was follows from their order and words."""
        parts: list[Part] = []
        left = [index for index in kept if not (merged and index == 0)]
        system = self._messages[0]["content"] if merged else ""
        for segment in rendered.segments:
            words = rendered.prompt[segment.start : segment.end]
            if segment.source == "template":
                parts.append(Part("template", -1, segment.start, segment.end))
                continue
            role: Any = segment.source
            found = next(
                (
                    i
                    for i in left
                    if self._messages[i]["role"] == role and words.strip() in self._said(i, system)
                ),
                -1,
            )
            if found >= 0:
                left = left[left.index(found) + 1 :]
            begin = segment.start
            if merged and role == "user" and system.strip() and words.lstrip().startswith(system.strip()):
                begin += words.index(system.strip()) + len(system.strip())
                parts.append(Part("system", 0, segment.start, begin))
                system = ""
            parts.append(Part(role, found, begin, segment.end))
        return parts

    def _said(self, index: int, system: str) -> str:
        content = self._messages[index]["content"]
        return f"{system}\n\n{content}" if system and self._messages[index]["role"] == "user" else content

    def _completion(self) -> Prompt:
        """The last message as it is, and what the tokenizer puts in front of a text."""
        last = self.turns[-1] if self.turns else self._head
        text = "".join(self._messages[index]["content"] for index in last)
        encoded = self._reader.encode(text, special=True)
        own = len(encoded.ids)
        while own and encoded.added[own - 1] and encoded.starts[own - 1] == len(text) and text:
            own -= 1  # an end of text would end it before it went on
        cut = Encoded(encoded.ids[:own], encoded.starts[:own], encoded.ends[:own], encoded.added[:own])
        bos = self._reader.specials().get("bos")
        if not own and bos is not None:
            ids = encoded.ids.dtype.type(bos).reshape(1)
            cut = Encoded(ids, ids * 0, ids * 0, ids == ids)
        parts, at = [Part("template", -1, 0, 0)], 0
        for index in last:
            end = at + len(self._messages[index]["content"])
            role: Any = self._messages[index]["role"]
            parts.append(Part(role, index, at, end))
            at = end
        dropped = [index for index in range(len(self._messages)) if index not in last]
        return self._made(text, cut, parts, dropped=dropped, completion=True, continues=True)

    def _made(self, text: str, encoded: Encoded, parts: list[Part], **told: Any) -> Prompt:
        if not len(encoded.ids):
            raise BadInput("prompt_empty")
        owners = _owners(encoded, parts)
        ids = encoded.ids.tolist()
        for order, part in reversed(list(enumerate(parts))):
            if part.source == "assistant" and part.message in self._replies:
                self._as_written(ids, owners, order, self._replies[part.message])
        counts = [owners.count(order) for order in range(len(parts))]
        parts = [replace(part, tokens=count) for part, count in zip(parts, counts, strict=True)]
        return Prompt(ids, text, parts, owners, **told)

    def _as_written(self, ids: list[int], owners: list[int], order: int, written: list[int]) -> None:
        """Put the model's own ids where the tokenizer's are, if both say the same words."""
        while written and self._is_special(written[-1]):
            written = written[:-1]
        if order not in owners or not written:
            return
        begin = owners.index(order)
        end = begin + owners.count(order)
        if self._reader.decode(written) == self._reader.decode(ids[begin:end]):
            ids[begin:end], owners[begin:end] = written, [order] * len(written)


def _merged(messages: Messages) -> Messages | None:
    """The system prompt in front of the user's first message; None where there is none to put it to."""
    if messages[0]["role"] != "system" or len(messages) < 2 or messages[1]["role"] != "user":
        return None
    content = f"{messages[0]['content']}\n\n{messages[1]['content']}"
    return [{"role": "user", "content": content}, *messages[2:]]


def _owners(encoded: Encoded, parts: Sequence[Part]) -> list[int]:
    """The part in which most of a token lies; of equals, somebody's words before the template's."""
    owners, at = [], 0
    for start, end in zip(encoded.starts.tolist(), encoded.ends.tolist(), strict=True):
        while at + 1 < len(parts) and parts[at].end <= start and start < end:
            at += 1
        best, most = at, 0
        for order in range(at, len(parts)):
            part = parts[order]
            if part.start >= end:
                break
            overlap = min(end, part.end) - max(start, part.start)
            wins = overlap == most and parts[best].source in ("template", "cue")
            if overlap > most or (overlap > 0 and wins):
                best, most = order, overlap
        owners.append(best)
    return owners
