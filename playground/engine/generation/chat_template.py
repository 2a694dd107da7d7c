"""Messages → the prompt that a chat model really reads, and who wrote which part of it.

A chat template is a small Jinja program that comes with the tokenizer (`template_process` runs it).
Where the words of a message stand is found by rendering the template a second time with marks instead
of words: what stands between the marks is the template's own. A message whose mark does not come out was lost
on the way. Templates of models that see pictures too want the words as a list of parts: where a message was
lost, or the template refused, that form is tried, and what is lost in every form is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from playground.engine.generation import template_process
from playground.engine.tokenizers import surrogates
from playground.engine.tokenizers.adapter import Adapter, Encoded
from playground.errors import BadInput

ROLES = ("system", "user", "assistant")
# What ships with the app and has no template was not made for chat; of files from elsewhere nobody knows more
# than that they hold none.
NO_TEMPLATE = {"folder": "no_template_folder", "hub": "no_template_hub", "upload": "no_template_upload"}
MARK = re.compile("\uf8ff([0-9]+)\uf8fe")  # private-use characters, which no template writes


@dataclass(frozen=True)
class Segment:
    """A stretch of the prompt, [start, end) in code points, and who wrote it: a role or "template"."""

    start: int
    end: int
    source: str


@dataclass(frozen=True)
class Rendered:
    """A conversation as one prompt."""

    prompt: str
    segments: list[Segment]
    encoded: Encoded
    sources: list[str]  # of each token
    listed: frozenset[str]  # roles whose words the template takes as a list of parts only
    bos: str  # "" where there is none
    doubled: int  # tokens saying "begin" if the prompt were tokenized with special tokens on


def has_no_template(error: BadInput) -> bool:
    """Whether this is what `render` says where there is no template to render."""
    return error.key.removeprefix("errors.") in ("no_template", *NO_TEMPLATE.values())


def check_messages(messages: object) -> list[dict[str, str]]:
    """Messages as a list of ``{"role", "content"}``.

    Raises:
        BadInput: anything else, an unknown role, half of a surrogate pair, or none at all.
    """
    if not isinstance(messages, Sequence) or isinstance(messages, str):
        raise BadInput("messages_malformed")
    if not messages:
        raise BadInput("messages_empty")
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("content"), str):
            raise BadInput("messages_malformed")
        if message.get("role") not in ROLES:
            raise BadInput("role_unknown", role=str(message.get("role"))[:40], roles=", ".join(ROLES))
        surrogates.check(message["content"])
    return [{"role": message["role"], "content": message["content"]} for message in messages]


def render(
    adapter: Adapter,
    name: str,
    template: str | None,
    messages: object,
    *,
    add_generation_prompt: bool = True,
    source: str = "embedded",
) -> Rendered:
    """The prompt, its segments and its tokens (tokenized without adding special tokens again).

    Args:
        template: the Jinja source, or None to use the tokenizer's own.
        source: where the tokenizer comes from, as its card says it.

    Raises:
        BadInput: no template, bad messages, messages that the template refuses, or of which it loses one.
        TookTooLong, DoesNotFit: a template that does not end, or swallows all memory.
    """
    asked = check_messages(messages)
    written = template or adapter.own.chat_template
    if not written:
        raise BadInput(NO_TEMPLATE.get(source, "no_template"), name=name)
    own = _Template(adapter, written, add_generation_prompt, trusted=template is not None)
    prompt, skeleton, listed = own.render(asked)
    segments = _segments(prompt, skeleton, asked)
    markup = [(s.start, s.end) for s in segments if s.source == "template"]
    encoded = adapter.encode_prompt(prompt, markup)
    bos = adapter.specials().get("bos", adapter.specials().get("cls"))
    begins = int((encoded.ids == bos).sum()) if bos is not None else 0
    again = adapter.encode(" ", special=True)
    adds_bos = bos is not None and bool((again.ids[again.added] == bos).any())
    return Rendered(
        prompt,
        segments,
        encoded,
        _sources(encoded, segments),
        listed,
        adapter.piece(bos).piece if bos is not None else "",
        begins + adds_bos,
    )


class _Template:
    """One template, asked in one form after the other until no words are lost.

    A form says of which roles the words go in as a list of parts; the others' go in as a text.
    """

    def __init__(self, adapter: Adapter, source: str, cue: bool, *, trusted: bool) -> None:
        self._source, self._cue, self._trusted = source, cue, trusted
        self._values = _values(adapter)
        self._forms: dict[str, frozenset[str]] = adapter.memo.setdefault("template_forms", {})

    def render(self, asked: list[dict[str, str]]) -> tuple[str, str | None, frozenset[str]]:
        """The prompt, the same with marks for words (None where the template refuses marks), and the form.

        Raises:
            BadInput: ``template_refused`` (reason), ``words_lost`` (role).
        """
        usual = self._forms.get(self._source, frozenset())
        said = [usual]
        answers = self._ask([_shaped(asked, usual), _shaped(_marked(asked), usual)])
        prompt, skeleton = answers[0].prompt, answers[1].prompt
        lost = _lost(asked, [skeleton])
        if prompt is not None and not lost:
            return prompt, skeleton, usual
        roles = {message["role"] for message in asked}
        wanted = [usual ^ set(lost)] if prompt is not None else [roles, {"user"}, {"user", "system"}]
        for form in map(frozenset, [*wanted, ()]):
            if form & roles not in said:
                said.append(form & roles)
        # Some templates look into the words, and leave out marks that are none: so words with a mark, too.
        ways = [asked, _marked(asked), _marked(asked, keep=True)]
        answers = self._ask([_shaped(way, form) for form in said for way in ways])
        for order, form in enumerate(said):
            prompt, skeleton, echo = (answer.prompt for answer in answers[3 * order : 3 * order + 3])
            if prompt is not None and not _lost(asked, [skeleton, echo], form, prompt):
                if order:
                    self._forms[self._source] = form
                return prompt, skeleton, form
        if answers[0].prompt is None:
            raise BadInput("template_refused", reason=answers[0].refused)
        raise BadInput("words_lost", role=lost[0])

    def _ask(self, conversations: list[template_process.Messages]) -> list[template_process.Answer]:
        job = template_process.Job(self._source, conversations, self._values, self._cue)
        return template_process.render(job, trusted=self._trusted)


def _shaped(messages: list[dict[str, str]], form: frozenset[str]) -> template_process.Messages:
    """Messages, of which those of some roles say their words as a list of parts."""
    return [
        {"role": m["role"], "content": _parts(m["content"]) if m["role"] in form else m["content"]}
        for m in messages
    ]


def _parts(content: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": content}]


def _marked(messages: list[dict[str, str]], *, keep: bool = False) -> list[dict[str, str]]:
    """Messages with a mark for their words, or after them."""
    return [
        {"role": m["role"], "content": (m["content"] if keep else "") + _mark(order)}
        for order, m in enumerate(messages)
    ]


def _lost(
    asked: list[dict[str, str]],
    skeletons: list[str | None],
    form: frozenset[str] = frozenset(),
    prompt: str = "",
) -> list[str]:
    """Roles of messages that say something of which nothing comes out; in the order of the messages."""
    shown = [skeleton for skeleton in skeletons if skeleton is not None]
    found = {mark for skeleton in shown for mark in MARK.findall(skeleton)}
    lost = {}
    for order, message in enumerate(asked):
        words = message["content"].strip()
        there = str(order) in found if shown else words in prompt
        if message["role"] in form:  # a list that is written as Python writes it says nothing to a model
            there &= not any(str(_parts(_mark(order)))[:-1] in skeleton for skeleton in shown)
        if words and not there:
            lost[message["role"]] = True
    return list(lost)


def _values(adapter: Adapter) -> dict[str, str]:
    named = {f"{role}_token": adapter.piece(id).piece for role, id in adapter.specials().items()}
    return named | adapter.own.special_tokens  # some models name more of them


def _mark(order: int) -> str:
    return f"\uf8ff{order}\uf8fe"


def _segments(prompt: str, skeleton: str | None, messages: list[dict[str, str]]) -> list[Segment]:
    """Who wrote what, from the prompt and from the same prompt with marks for words.

    A template may trim what it is given: of several ways to read the prompt, the first that explains all
    of it is taken; if none does (a template that looks into the words), the one that explains the most.
    """
    found: list[Segment] = []
    if skeleton is not None:
        parts = MARK.split(skeleton)  # template, number, template, number, …, template
        literals = parts[::2]
        orders = [int(number) for number in parts[1::2]]
        found = _explained(prompt, literals, [messages[order] for order in orders])
    at = found[-1].end if found else 0
    return [*found, Segment(at, len(prompt), "template")] if at < len(prompt) else found


def _explained(prompt: str, literals: list[str], written: list[dict[str, str]]) -> list[Segment]:
    if not prompt.startswith(literals[0]):
        return []
    # After each message: every place where the template may have gone on, and the place before it.
    reached: list[dict[int, tuple[int, int]]] = [{len(literals[0]): (0, 0)}]
    for message, literal in zip(written, literals[1:], strict=True):
        content = message["content"]
        ways: dict[int, tuple[int, int]] = {}
        for words in dict.fromkeys((content, content.rstrip(), content.lstrip(), content.strip())):
            for before in reached[-1]:
                end = before + len(words)
                if prompt.startswith(words, before) and prompt.startswith(literal, end):
                    ways.setdefault(end + len(literal), (before, end))
        if not ways:
            break
        reached.append(ways)
    complete = len(reached) > len(written)
    after = len(prompt) if complete and len(prompt) in reached[-1] else min(reached[-1])
    found: list[Segment] = []
    for order in range(len(reached) - 1, 0, -1):
        before, end = reached[order][after]
        found.append(Segment(end, after, "template"))
        found.append(Segment(before, end, written[order - 1]["role"]))
        after = before
    found.append(Segment(0, after, "template"))
    return [segment for segment in reversed(found) if segment.start < segment.end]


def _sources(encoded: Encoded, segments: list[Segment]) -> list[str]:
    """Whose a token is: whose the most of its characters are."""
    sources, index = [], 0
    for start, end in zip(encoded.starts.tolist(), encoded.ends.tolist(), strict=True):
        while index + 1 < len(segments) and segments[index].end <= start:
            index += 1
        best, most = segments[index].source if segments else "template", 0
        for segment in segments[index:]:
            if segment.start >= end:
                break
            overlap = min(end, segment.end) - max(start, segment.start)
            # Of a blank of the template and one letter of a message, the letter tells whose it is.
            if overlap > most or (overlap == most and best == "template"):
                best, most = segment.source, overlap
        sources.append(best)
    return sources
