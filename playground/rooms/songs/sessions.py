"""The embedded data set: a catalogue of real songs, and listening sessions made up from it.

The songs are facts (title, artist, year, genre, country). Nobody's listening is in here: every session comes
from the seeded generator below, which is this whole page. It is a caricature of how people listen, and
neighbours found in it are the generator's opinion.

- **Popularity** has a long tail: an artist's weight falls with its place in the catalogue's genre (the best
  known first) as place^-0.55, a song's with its place among the artist's alike; both times a seeded factor.
- **Mood** is made up: two numbers an artist, and a little of its own a song.
- A **session** begins with one song drawn by popularity. It fixes the genre, the era (a bell of eight years
  around its year), the mood (a bell as well) and often the artist, who then is four times as likely.
- Each song is drawn without replacement (Gumbel's trick: the largest of log weight + noise): 86 of 100 from
  the genre, 9 from a genre beside it, 5 from anywhere by popularity alone, which is the noise.
- Lengths are 6 to 40, shorter ones more often; 14 on average.

Only uniform numbers of one PCG64 stream are used, so every NumPy makes the same sessions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground.rooms.songs.library import Library, Song

SESSIONS = 20_000
SEED = 20_251_122
ERA = 8.0  # years: the width of a session's bell
MOOD = 0.45  # the width of a session's bell in mood, whose numbers go from 0 to 1
ARTIST = 4.0  # how much likelier the first song's artist is, in every second session
BESIDE, NOISE = 0.09, 0.05  # shares of songs from a neighbouring genre, and from anywhere
SHORTEST, LONGEST, USUAL = 6, 40, 9.0
NEIGHBOURS = {
    "rock": ("alternative", "metal", "blues"),
    "metal": ("rock", "alternative"),
    "alternative": ("rock", "folk", "pop"),
    "pop": ("electronic", "soul & r&b", "k-pop"),
    "hip-hop": ("soul & r&b", "disco & funk"),
    "soul & r&b": ("hip-hop", "disco & funk", "pop"),
    "disco & funk": ("soul & r&b", "electronic"),
    "electronic": ("pop", "disco & funk"),
    "country": ("folk", "rock"),
    "folk": ("country", "alternative"),
    "jazz": ("blues", "soul & r&b"),
    "blues": ("jazz", "rock"),
    "reggae": ("african", "hip-hop"),
    "latin": ("pop", "reggae"),
    "mandopop": ("cantopop",),
    "cantopop": ("mandopop",),
    "j-pop": ("k-pop",),
    "k-pop": ("j-pop", "pop"),
    "european": ("pop", "folk"),
    "south asian": ("middle eastern",),
    "african": ("reggae", "hip-hop"),
    "middle eastern": ("south asian", "european"),
}


def read_catalogue(text: str) -> list[Song]:
    """The songs of ``assets/songs/catalogue.tsv``; ids are line numbers, from 1.

    Columns: title, artist, year, genre, country (ISO 3166), other spellings of title and of artist (``;``).
    """
    songs = []
    for number, line in enumerate(text.splitlines()[1:], 1):
        title, artist, year, genre, country, title_also, artist_also = line.split("\t")
        also = "; ".join(filter(None, (title_also, artist_also)))
        songs.append(Song(str(number), title, artist, int(year), genre, country, also))
    return songs


def generate(songs: list[Song], sessions: int = SESSIONS, seed: int = SEED) -> Library:
    """Listening sessions over a catalogue, as the module's text says. Seconds; the same for the same seed."""
    draw = np.random.Generator(np.random.PCG64(seed)).random
    popularity, mood = _popularity(songs, draw(len(songs))), _moods(songs, draw)
    years = np.array([song.year for song in songs], float)
    artists = _numbers([song.artist for song in songs])
    genres = _numbers([song.genre for song in songs])
    names = list(dict.fromkeys(song.genre for song in songs))
    members = [np.flatnonzero(genres == number) for number in range(len(names))]
    beside = [
        np.concatenate([members[names.index(other)] for other in NEIGHBOURS.get(name, ()) if other in names])
        if any(other in names for other in NEIGHBOURS.get(name, ()))
        else members[number]
        for number, name in enumerate(names)
    ]
    everywhere = np.arange(len(songs))
    cumulative = np.cumsum(popularity / popularity.sum())
    log_popularity = np.log(popularity)
    lengths = SHORTEST + (-USUAL * np.log1p(-draw(sessions))).astype(int)
    lengths = np.minimum(lengths, LONGEST)
    firsts = np.searchsorted(cumulative, draw(sessions) * cumulative[-1])
    favourite = draw(sessions) < 0.5
    parts, sizes = [], []
    for length, first, often in zip(lengths, firsts, favourite, strict=True):
        strange, sideways = (draw(length - 1)[:, None] < [NOISE, NOISE + BESIDE]).sum(0)
        wanted = ((beside[genres[first]], sideways - strange), (everywhere, strange))
        chosen = [np.array([first])]
        for pool, count in ((members[genres[first]], length - 1 - sideways), *wanted):
            if not count:
                continue
            weight = log_popularity[pool]
            if pool is not everywhere:
                weight = weight - 0.5 * ((years[pool] - years[first]) / ERA) ** 2
                weight = weight - 0.5 * ((mood[pool] - mood[first]) ** 2).sum(1) / MOOD**2
                if often:
                    weight = weight + np.log(ARTIST) * (artists[pool] == artists[first])
            keys = weight - np.log(-np.log(draw(len(pool))))
            most = min(count, len(pool))
            # Sorted: in which order a partition leaves its parts depends on the processor.
            chosen.append(pool[np.sort(np.argpartition(keys, -most)[-most:])])
        rows = np.concatenate(chosen)
        _, place = np.unique(rows, return_index=True)  # a stranger may be there already
        rows = rows[np.sort(place)]
        parts.append(rows[np.argsort(draw(len(rows)))].astype(np.int32))
        sizes.append(len(rows))
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return Library("sample", tuple(songs), np.concatenate(parts), offsets)


def _numbers(names: list[str]) -> NDArray[np.int64]:
    known: dict[str, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in names])


def _popularity(songs: list[Song], chance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights [songs] with a long tail; the catalogue lists what is best known first."""
    artists: dict[str, dict[str, int]] = {}
    places: dict[str, int] = {}
    weights = np.empty(len(songs))
    for row, song in enumerate(songs):
        known = artists.setdefault(song.genre, {})
        artist = known.setdefault(song.artist, len(known) + 1)
        places[song.artist] = places.get(song.artist, 0) + 1
        weights[row] = (artist * places[song.artist]) ** -0.55
    return np.asarray(weights * np.exp(1.6 * (chance - 0.5)))


def _moods(songs: list[Song], draw: Callable[..., Any]) -> NDArray[np.float64]:
    """A place of each song in a plane of moods, [songs, 2]: near the other songs of its artist."""
    artists = _numbers([song.artist for song in songs])
    return np.asarray(draw((artists.max() + 1, 2))[artists] + 0.3 * (draw((len(songs), 2)) - 0.5))
