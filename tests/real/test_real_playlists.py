"""Real playlists that are not ours to ship: the first rows of the #nowplaying data set."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from playground.rooms.songs import formats, search
from playground.rooms.songs.recommend import recommender
from playground.rooms.songs.training import TUNED, train

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def file(shared: Path) -> Path:
    path = shared / "data" / "playlists" / "spotify_playlists.csv"
    if not path.is_file():
        pytest.skip("no ../shared/data/playlists")
    return path


def test_the_csv_is_read_to_the_byte(file):
    library = formats.read("now playing", [(file.name, file.read_bytes())])
    # All cells are quoted, and 26 hold quotation marks that are not doubled: csv's reader garbles these.
    rows = [line.strip()[1:-1].split('","') for line in file.read_text(encoding="utf-8").splitlines()[1:]]
    assert len(rows) == 10_000 and {len(row) for row in rows} == {4}
    whole = [row for row in rows if row[2].strip()]
    lengths = Counter((row[0], row[3].strip()) for row in whole)
    assert library.playlists == sum(count > 1 for count in lengths.values())
    assert len(library.items) == sum(count for count in lengths.values() if count > 1)
    assert library.told["broken"] == len(rows) - len(whole)
    titles = {(song.artist, song.title) for song in library.songs}
    assert ("The Gaslight Anthem", '"45"') in titles and (
        "SNAP!",
        'Rhythm Is A Dancer - Original 12"',
    ) in titles
    assert ("Elvis Costello", "Alison") in titles

    index = search.index(library)
    found = search.search(index, "elvis costelo alison", 3)
    assert library.songs[found[0]].title.startswith("Alison")
    ready = recommender(library, train(library, TUNED))
    ten = ready.recommend([found[0]])
    assert len(ten) == 10 and found[0] not in {each.row for each in ten}
