"""The only reader of environment and command line: one table makes both.

Every field of `Settings` is ``PLAYGROUND_<NAME>`` in the environment and ``--<name>`` on the command
line (which wins); what it means is said in ``assets/text/<lang>/settings.json``.
"""

from __future__ import annotations

import argparse
import ipaddress
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from playground import text
from playground.system import disk, heap, stubs, waiting

log = logging.getLogger(__name__)
ON, OFF = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


@dataclass(frozen=True)
class Settings:
    """How this server runs. Sizes are in the unit of the name; 0 and "" mean "find out yourself".

    A shared server is public, whatever else is said.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    models_dir: Path = Path("models")
    cache_dir: Path = Path("~/.cache/llm-playground")
    device: str = field(default="auto", metadata={"choices": ("auto", "cuda", "mps", "cpu")})
    dtype: str = field(default="auto", metadata={"choices": ("auto", "float32", "bfloat16", "float16")})
    memory_gb: float = 0.0
    model: str = "auto"
    offline: bool = False
    public: bool = False
    lang: str = field(default="", metadata={"choices": ("", *text.LANGUAGES)})
    share: bool = False
    password: str = ""
    upload_mb: int = 25
    allow_pickles: bool = False
    class_mode: bool = field(default=False, metadata={"name": "class"})
    allow_host: str = ""
    proxy: bool = False
    frame: str = ""
    engine_url: str = ""

    def __post_init__(self) -> None:
        # Whoever comes through the tunnel is a stranger: not with the owner's token, not over the models.
        if self.share:
            object.__setattr__(self, "public", True)

    @property
    def networked(self) -> bool:
        """Whether others than this machine reach the server by its address."""
        try:
            return not ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host != "localhost"

    @property
    def anonymous(self) -> bool:
        """Whether the Hub is asked without the owner's token: whoever else may ask would use it, too."""
        return self.public or self.networked or self.share

    @property
    def visitors_own(self) -> bool:
        """Whether visitors may do what the owner may, as unloading models: whoever is here, or was let in."""
        return not self.public and not self.class_mode and (not self.networked or bool(self.password))

    @property
    def open_network(self) -> bool:
        """Whether a network listens and nothing was said of who comes."""
        return self.networked and not (self.public or self.class_mode or self.password)

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """Names of this server that the owner gave."""
        return _listed(self.allow_host)

    @property
    def proxied(self) -> bool:
        """Whether a proxy's word of who asks, and under which name, is true: the owner's, or the tunnel's."""
        return self.proxy or self.share

    @property
    def framing(self) -> tuple[str, ...]:
        """Sites whose pages may hold this one in a frame, besides the Hub's own."""
        return _listed(self.frame)

    @property
    def text_limit(self) -> int:
        """The longest text a visitor may send, in characters."""
        return 200_000 if self.public else 2_000_000


def warn(settings: Settings) -> None:
    """Say at start what strangers may do where the owner said nothing of them."""
    if settings.open_network:
        lang = text.match(settings.lang or os.environ.get("LANG", "")) or text.DEFAULT
        log.warning(text.say("settings.open_network", lang, host=settings.host))


def _listed(words: str) -> tuple[str, ...]:
    return tuple(word for word in (each.strip() for each in words.split(",")) if word)


def public_name(entry: Field[Any]) -> str:
    """The name that a person types: ``class`` for the field ``class_mode``."""
    return str(entry.metadata.get("name", entry.name))


def variable(entry: Field[Any]) -> str:
    """The environment variable of a field."""
    return f"PLAYGROUND_{public_name(entry).upper()}"


def read(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from the environment, then the command line; both checked alike.

    A Hugging Face Space (it sets ``SPACE_ID``) is public, listens on all addresses, and stands behind the
    Hub's proxy in a frame of the Hub's page, unless told otherwise. ``HF_HUB_OFFLINE`` is respected, as
    every tool of that family does.

    Raises:
        SystemExit: a value that does not fit, with the sentence that argparse prints.
    """
    defaults = dict(environment)
    if "SPACE_ID" in defaults:
        defaults.setdefault("PLAYGROUND_PUBLIC", "1")
        defaults.setdefault("PLAYGROUND_HOST", "0.0.0.0")
        defaults.setdefault("PLAYGROUND_PROXY", "1")
        defaults.setdefault("PLAYGROUND_ALLOW_HOST", f"{defaults.get('SPACE_HOST', '')},*.hf.space")
        defaults.setdefault("PLAYGROUND_FRAME", "https://huggingface.co")
    if "HF_HUB_OFFLINE" in defaults:
        defaults.setdefault("PLAYGROUND_OFFLINE", defaults["HF_HUB_OFFLINE"])
    lang = text.match(defaults.get("PLAYGROUND_LANG") or defaults.get("LANG", "")) or text.DEFAULT

    parser = argparse.ArgumentParser(
        prog="app.py",
        description=text.say("settings.description", lang),
        epilog=text.say("settings.epilog", lang),
    )
    for entry in fields(Settings):
        assert entry.default is not MISSING
        kind = type(entry.default)
        options: dict[str, Any] = {
            "type": kind,
            "choices": entry.metadata.get("choices"),
            "metavar": None if "choices" in entry.metadata else kind.__name__.upper().replace("POSIX", ""),
        }
        if kind is bool:
            options = {"type": _truth, "nargs": "?", "const": True, "metavar": "0|1"}
        parser.add_argument(
            "--" + public_name(entry).replace("_", "-"),
            dest=entry.name,
            # A string default goes through ``type`` as if typed: one check for both ways.
            default=defaults.get(variable(entry), str(entry.default)),
            help=f"{text.say(f'settings.{entry.name}', lang)} [{variable(entry)}={entry.default}]".replace(
                "%", "%%"
            ),
            **options,
        )
    values = vars(parser.parse_args(arguments))
    for entry in fields(Settings):  # argparse does not check a default against its choices
        choices = entry.metadata.get("choices")
        if choices and values[entry.name] not in choices:
            parser.error(f"{variable(entry)}: {values[entry.name]!r} ({', '.join(map(repr, choices))})")
    for name in ("models_dir", "cache_dir"):
        values[name] = values[name].expanduser()
    return Settings(**values)


def quiet(settings: Settings) -> None:
    """Switch off every call home; must run before gradio or huggingface_hub is imported or a thread begun."""
    if not any(each in os.environ for each in heap.CHOSEN):
        heap.share()
    stubs.leave_out()
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # this very spelling: gradio compares strings
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["HF_HUB_DISABLE_XET"] = "1"  # its downloads know no time-out
    # What visitors send passes through Gradio's folder; by itself it has one that every account may read and
    # that no start sweeps.
    os.environ.setdefault("GRADIO_TEMP_DIR", str(disk.temporary()))
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # batches here are small; forks warn
    os.environ.update(waiting.chosen(os.environ, many=settings.anonymous or settings.class_mode))
    # UMAP's compiled code, kept for the next start; "numba" holds it as it was compiled with fastmath.
    os.environ.setdefault("NUMBA_CACHE_DIR", str(settings.cache_dir / "numba-exact"))
    # On a CPU with AVX512-BF16 it looks for a package that would ask the Hub for a kernel, and warns at each
    # import that there is none.
    logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
    if settings.offline:
        os.environ["HF_HUB_OFFLINE"] = "1"


def _truth(word: str) -> bool:
    if word.lower() in ON:
        return True
    if word.lower() in OFF:
        return False
    raise argparse.ArgumentTypeError(repr(word))
