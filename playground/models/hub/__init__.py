"""The Hugging Face Hub: fetch files of a repository, or say within seconds why not.

    fetch        files by patterns: a tokenizer's
    fetch_model  all that a model needs, weights included
    plan         what `fetch_model` would fetch, and how much of it is here
    config       a model's config.json
    header       the tensors of a model, from a few kilobytes
    folder       where its files lie on this disk; asks nobody
    cached       whether a start needs a download; asks nobody
    sweep        deletes what killed processes left

Files land in the Hub's own cache (`cache`), byte by byte (`transfer`), in reach of a stop (`aside`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playground.errors import CannotLoad, HubUnreachable
from playground.models.hub import cache, client, files, headers
from playground.models.hub.aside import Progress, Report, Stopped, answer
from playground.models.hub.cache import File, Listing, sweep
from playground.models.hub.headers import Tensors, parameters
from playground.models.hub.transfer import Transfer
from playground.system import disk, untrusted_json

__all__ = [
    "Plan", "Progress", "Tensors", "cached", "config", "fetch", "fetch_model", "folder", "header",
    "parameters", "plan", "sweep",
]  # fmt: skip

Choice = Callable[[Sequence[str]], list[str]]


@dataclass(frozen=True)
class Plan:
    """What a model's download comes to.

    Args:
        size: bytes of all its files.
        here: how many of them are on this disk, halves of files included.
        commit: which version.
        files: names and sizes.
        parameters: how many numbers of each type (``{"BF16": 1000}``), if the Hub knows; else empty.
    """

    size: int
    here: int
    commit: str
    files: Mapping[str, int]
    parameters: Mapping[str, int]


def _nothing(done: int, total: int) -> None:
    """Nobody wants to know."""


def fetch(
    repository: str,
    revision: str,
    patterns: Sequence[str],
    *,
    offline: bool = False,
    anonymous: bool = True,
    limit: int | None = None,
    progress: Progress = _nothing,
) -> Path:
    """The files of a repository that fit the patterns, in the Hub's own cache.

    Args:
        patterns: shell patterns of names; those without ``/`` mean the top folder.
        limit: bytes that the files may have together.
        anonymous: do not send the owner's access token (strangers must not see private repositories).
        progress: told bytes done and in all, several times a second. What it raises stops the download at
            once; what is here is kept, and the next call goes on from there.

    Returns:
        the folder of the snapshot.

    Raises:
        UnknownModel: no such repository or revision. Gated: a licence to accept first.
        HubUnreachable: offline, or no answer. CannotLoad: none of the files, too large, no disk, damaged,
            or refused.
    """

    def choice(names: Sequence[str]) -> list[str]:
        found = [name for name in names if files.fits(name, patterns)]
        if not found:
            raise CannotLoad("no_tokenizer_files", name=repository)
        return found

    return _fetch(repository, revision, choice, offline, anonymous, limit, progress)


def fetch_model(
    repository: str,
    revision: str = "main",
    *,
    offline: bool = False,
    anonymous: bool = True,
    weights: bool = True,
    pickles: bool = False,
    limit: int | None = None,
    progress: Progress = _nothing,
) -> Path:
    """All that a model needs: configuration, tokenizer, weights, and sentence-transformers' folders.

    Args:
        weights: or all but these.
        pickles: weights may be of the old kind if there is no other. Reading it can run code of theirs.
        limit: bytes that all of it may have together.

    Raises:
        As `fetch`, and CannotLoad: only pickles, no weights, no configuration.
    """
    choice = _model(repository, weights, pickles)
    return _fetch(repository, revision, choice, offline, anonymous, limit, progress)


def plan(
    repository: str,
    revision: str = "main",
    *,
    offline: bool = False,
    anonymous: bool = True,
    weights: bool = True,
    pickles: bool = False,
    progress: Progress = _nothing,
) -> Plan:
    """What `fetch_model` would fetch; one question to the Hub, and nothing is written."""
    with _errors(repository):
        listing = _look(repository, revision, offline, anonymous, Report(progress))
        wanted = _wanted(listing, _model(repository, weights, pickles), offline)
        return Plan(
            size=sum(file.size or 0 for file in wanted),
            here=sum(listing.begun(file) for file in wanted),
            commit=listing.commit,
            files={file.name: file.size or 0 for file in wanted},
            parameters=listing.parameters,
        )


def config(
    repository: str,
    revision: str = "main",
    *,
    offline: bool = False,
    anonymous: bool = True,
    progress: Progress = _nothing,
) -> dict[str, Any]:
    """A model's config.json: kilobytes, by which what cannot fit is refused before it is fetched."""

    def choice(names: Sequence[str]) -> list[str]:
        if "config.json" not in names:
            raise CannotLoad("no_config", name=repository)
        return ["config.json"]

    # As large as what `fetch_model` calls small: what is longer than a config is not even fetched.
    folder = _fetch(repository, revision, choice, offline, anonymous, untrusted_json.LONGEST, progress)
    try:
        return untrusted_json.read_object(folder / "config.json")
    except untrusted_json.Unreadable as error:
        key = "no_config" if error.why == "form" else f"config_{error.why}"
        raise CannotLoad(key, name=repository, file="config.json") from error


def header(
    repository: str,
    revision: str = "main",
    *,
    offline: bool = False,
    anonymous: bool = True,
    progress: Progress = _nothing,
) -> Tensors:
    """All tensors of a model, name → (type, shape), without its weights; `parameters` counts them."""

    def choice(names: Sequence[str]) -> list[str]:
        return [n for n in files.weights(repository, names) if n.endswith(".safetensors")]

    report = Report(progress)
    with _errors(repository):
        listing = _look(repository, revision, offline, anonymous, report)
        names = [file.name for file in _wanted(listing, choice, offline)]
        if not listing.live and not all(map(listing.here, names)):
            raise _absent(repository, offline)
        return headers.read(listing, names, _token(anonymous), report)


def cached(
    repository: str, role: str = "tokenizer", *, revision: str = "main", pickles: bool = False
) -> bool:
    """Whether all is here that a start needs: of a tokenizer, or else of a model. Asks nobody."""
    listing = cache.kept(repository, revision)
    if listing is None:
        return False
    names = [file.name for file in listing.files]
    if role != "tokenizer":
        try:
            return all(map(listing.here, files.model(repository, names, pickles=pickles)))
        except CannotLoad:
            return False  # what is here is no model, so there is none of it here
    wanted = [name for name in names if files.fits(name, files.TOKENIZER)]
    return any(files.fits(n, files.VOCABULARIES) for n in wanted) and all(map(listing.here, wanted))


def folder(repository: str, revision: str = "main") -> Path | None:
    """Where the files of a repository lie that were fetched; None if there are none. Asks nobody."""
    listing = cache.kept(repository, revision)
    return None if listing is None else listing.snapshot


def _fetch(
    repository: str,
    revision: str,
    choice: Choice,
    offline: bool,
    anonymous: bool,
    limit: int | None,
    progress: Progress,
) -> Path:
    report = Report(progress)
    with _errors(repository, report):
        listing = _look(repository, revision, offline, anonymous, report)
        wanted = _wanted(listing, choice, offline)
        size = sum(file.size or 0 for file in wanted)
        if limit is not None and size > limit and listing.live:
            raise CannotLoad("download_too_large", name=repository, size=size, limit=limit)
        if listing.live:
            cache.adopt(listing)
        elif not all(listing.here(file.name) for file in wanted):
            raise _absent(repository, offline)
        missing = [file for file in wanted if not listing.here(file.name)]
        report.total, need = size, sum((file.size or 0) - listing.begun(file) for file in missing)
        report.finished = size - sum(file.size or 0 for file in missing)
        report.tell()
        if missing:
            cache.check_disk(repository, need)
            cache.note_tree(listing)
        transfer = Transfer(listing, _token(anonymous), report)
        # Weights come last: where they are, all is, also for who has no list of what belongs to a model.
        for file in sorted(missing, key=lambda f: ("/" not in f.name and _heavy(f.name), f.size or 0)):
            transfer.fetch(file)
            report.finished += file.size or 0
        if listing.live:
            cache.note_branch(listing, revision)
        report.tell()
        return listing.snapshot


def _look(repository: str, revision: str, offline: bool, anonymous: bool, report: Report) -> Listing:
    """What the Hub has; where it does not answer (or a login page does in its place), what is kept here."""
    from huggingface_hub import HfApi
    from huggingface_hub.utils import validate_repo_id

    validate_repo_id(repository)
    error: Exception | None = None
    if not offline:
        client.be_impatient()
        api = HfApi(token=_token(anonymous))
        try:
            info = answer(
                lambda: api.model_info(
                    repository, revision=revision, files_metadata=True, timeout=client.SECONDS
                ),
                report.tick,
            )
            if cache.COMMIT.fullmatch(info.sha or ""):
                return _listing(repository, info)
        except client.unreachable() as silence:
            error = silence
    if listing := cache.kept(repository, revision):
        return listing
    raise _absent(repository, offline) from error


def _listing(repository: str, info: Any) -> Listing:
    found = [
        File(each.rfilename, each.size, each.blob_id or "", each.lfs.sha256 if each.lfs else "")
        for each in info.siblings or ()
        if files.safe(each.rfilename)
    ]
    counts = info.safetensors.parameters if info.safetensors else {}
    return Listing(repository, info.sha, tuple(found), live=True, parameters=dict(counts))


def _wanted(listing: Listing, choice: Choice, offline: bool) -> list[File]:
    by_name = {file.name: file for file in listing.files}
    try:
        return [by_name[name] for name in choice(list(by_name))]
    except CannotLoad as error:
        if listing.certain:
            raise
        raise _absent(listing.repository, offline) from error  # it may well have them, elsewhere


def _model(repository: str, weights: bool, pickles: bool) -> Choice:
    return lambda names: files.model(repository, names, weighty=weights, pickles=pickles)


def _heavy(name: str) -> bool:
    return name.endswith((".safetensors", ".bin"))


def _token(anonymous: bool) -> bool | None:
    return False if anonymous else None


def _absent(repository: str, offline: bool) -> HubUnreachable:
    return HubUnreachable("offline" if offline else "hub_unreachable", name=repository)


@contextmanager
def _errors(repository: str, report: Report | None = None) -> Iterator[None]:
    try:
        with client.plainly(repository):
            yield
    except Stopped as stopped:
        raise stopped.error from stopped.error.__cause__
    except OSError as error:
        if error.errno in disk.FULL:
            raise cache.disk_full(repository, report.missing if report else 0) from error
        if error.errno in disk.CLOSED:
            raise CannotLoad("cache_read_only", name=repository) from error
        raise
