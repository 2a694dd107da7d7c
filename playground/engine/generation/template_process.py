"""Chat templates: small Jinja programs that come with a tokenizer and turn messages into a prompt.

They come from whoever made the tokenizer, and a loop in a loop takes hours, ``"a" * 10**11`` all memory:
Jinja's sandbox stops neither. So a foreign one runs in a process of its own that can be killed and that
knows none of the server's secrets: this module again, as ``python -m``, a job in JSON on its stdin, the
prompts in JSON on its stdout. What Jinja is given is what transformers gives it
(``utils/chat_template_utils.py``); a test holds that the prompts are the same.

    https://huggingface.co/docs/transformers/chat_templating
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from playground import ROOT
from playground.errors import DoesNotFit, TookTooLong

SECONDS = 5.0  # of wall-clock time; a template takes milliseconds, the process some 150 of them
MEMORY = 512 << 20  # bytes of address space
LONGEST = 20_000_000  # characters of all prompts together
# At once: a class that asks in the same moment waits in line, not for so many processes on a few cores that
# none of them answers in time.
PLACES = threading.BoundedSemaphore(2 + (os.cpu_count() or 2))
COMMAND = (sys.executable, "-m", "playground.engine.generation.template_process")

Messages = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Job:
    """A template, and the conversations that it shall render."""

    source: str
    conversations: Sequence[Messages]
    values: Mapping[str, str]  # bos_token and the like
    add_generation_prompt: bool = True


@dataclass(frozen=True)
class Answer:
    """What a template makes of one conversation.

    Args:
        prompt: the text; None where it does not take the conversation.
        refused: why not, in its own words.
    """

    prompt: str | None = None
    refused: str = ""


def render(job: Job, *, trusted: bool = False) -> list[Answer]:
    """The prompt of each conversation, or the reason why there is none.

    Args:
        trusted: the template is our own, and needs no process to itself.

    Raises:
        TookTooLong: ``template_too_long`` (seconds). DoesNotFit: ``template_too_large`` (megabytes).
    """
    answers = _answers(job) if trusted else _in_a_process(job)
    return [Answer(**answer) for answer in answers]


def _in_a_process(job: Job) -> list[dict[str, str]]:
    try:
        with PLACES:
            done = subprocess.run(
                COMMAND,
                input=json.dumps(vars(job)).encode(),
                capture_output=True,
                timeout=SECONDS,
                cwd=ROOT,
                env={"PYTHONPATH": os.pathsep.join(sys.path)},  # and nothing else: no token, no password
            )
    except subprocess.TimeoutExpired as error:
        raise TookTooLong("template_too_long", seconds=SECONDS) from error
    if done.returncode == 0:
        answers: list[dict[str, str]] = json.loads(done.stdout)
        return answers
    if done.returncode == -9 or b"MemoryError" in done.stderr or b"memory" in done.stderr:
        raise DoesNotFit("template_too_large", megabytes=MEMORY >> 20)
    raise RuntimeError(f"a chat template ended its process with {done.returncode}: {done.stderr[-2000:]!r}")


def _answers(job: Job) -> list[dict[str, str]]:
    try:
        template = _environment().from_string(job.source)
    except MemoryError:
        raise
    except Exception as error:  # a syntax error, or nesting too deep for Python
        return [{"refused": _reason(error)}] * len(job.conversations)
    answers = []
    for messages in job.conversations:
        try:
            prompt = template.render(
                messages=[dict(message) for message in messages],
                tools=None,
                documents=None,
                add_generation_prompt=job.add_generation_prompt,
                **job.values,
            )
            prompt.encode()  # half a surrogate pair is nobody's prompt
            answers.append({"prompt": prompt})
        except MemoryError:
            raise
        except Exception as error:  # a template can raise whatever Python can
            answers.append({"refused": _reason(error)})
    return answers


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:200].encode("utf-8", "replace").decode()


def _environment() -> Any:
    import jinja2
    from jinja2 import ext, nodes, sandbox

    class Generation(ext.Extension):
        """``{% generation %}``: marks what the assistant wrote; here it only shows its body."""

        tags = {"generation"}  # noqa: RUF012 - as Jinja wants it

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.CallBlock(self.call_method("_show"), [], [], body).set_lineno(line)

        def _show(self, caller: Any) -> Any:
            return caller()

    class Namespace(jinja2.utils.Namespace):  # type: ignore[misc]
        """Jinja's own lets a template store names that begin with "_", a way out of the sandbox."""

        def __init__(*given: Any, **named: Any) -> None:
            self, rest = given[0], given[1:]
            attributes = dict(*rest, **named)
            for name in attributes:
                _decent(name)
            jinja2.utils.Namespace.__init__(self, attributes)

        def __setitem__(self, name: str, value: Any) -> None:
            _decent(name)
            super().__setitem__(name, value)

    def _decent(name: object) -> None:
        if isinstance(name, str) and name.startswith("_"):
            raise jinja2.exceptions.SecurityError(f"no names like {name!r}")

    def refuse(message: object) -> None:
        raise jinja2.TemplateError(str(message))

    def tojson(value: Any, ensure_ascii: bool = False, **how: Any) -> str:
        return json.dumps(value, ensure_ascii=ensure_ascii, **how)

    environment = sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, ext.loopcontrols]
    )
    environment.filters["tojson"] = tojson
    environment.globals.update(
        raise_exception=refuse,
        strftime_now=lambda form: datetime.now().strftime(form),
        namespace=Namespace,
    )
    return environment


# From here on: the child.


def _main() -> None:
    job = Job(**json.load(sys.stdin))
    _limit()
    answer = _answers(job)
    if sum(len(each.get("prompt", "")) for each in answer) > LONGEST:
        raise MemoryError
    sys.stdout.write(json.dumps(answer))


def _limit() -> None:
    """Memory, and time: should our parent die without killing us, the system will."""
    with suppress(ImportError):  # Windows has no such limits
        import resource

        for limit, value in (
            (resource.RLIMIT_AS, MEMORY),
            (resource.RLIMIT_CPU, int(SECONDS) + 1),
            (resource.RLIMIT_CORE, 0),
        ):
            with suppress(ValueError, OSError):  # macOS refuses some
                resource.setrlimit(limit, (value, value))


if __name__ == "__main__":
    _main()
