"""Files of playlists as other programs write them: understood, or refused with what was looked for."""

from __future__ import annotations

import json

import pytest

from playground import text
from playground.errors import PlaygroundError
from playground.rooms.songs import playlist_json
from playground.rooms.songs.formats import read
from playground.rooms.songs.library import Library

HEAD = "user_id,artistname,trackname,playlistname"
ROWS = ["u1,Ann,Song A,P1", "u1,Bob,Song B,P1", "u1,Cy,Song C,P1", "u2,Ann,Song A,P2", "u2,Bob,Song B,P2",
        "u2,Cy,Song C,P2"]  # fmt: skip
BOTH = [["Song A", "Song B", "Song C"]] * 2


def titles(library: Library) -> list[list[str]]:
    numbers = range(library.playlists)
    return [[library.songs[row].title for row in library.playlist(number)] for number in numbers]


def one(content: str | bytes, label: str = "file.csv") -> Library:
    return read("mine", [(label, content if isinstance(content, bytes) else content.encode())])


def refusal(content: str | bytes, label: str = "file.csv") -> PlaygroundError:
    with pytest.raises(PlaygroundError) as caught:
        one(content, label)
    for lang in text.LANGUAGES:
        assert "{" not in text.say(caught.value.key, lang, **caught.value.values)
    return caught.value


def exportify(*rows: tuple[str, str, str]) -> bytes:
    head = [
        "Track URI",
        "Track Name",
        "Artist URI(s)",
        "Artist Name(s)",
        "Album Name",
        "Added By",
        "Added At",
    ]
    cells = [
        [f"spotify:track:{n}", title, "spotify:artist:x", artist, album, "GB1", "2020-01-01"]
        for n, (title, artist, album) in enumerate(rows)
    ]
    return "\n".join(",".join(f'"{each}"' for each in row) for row in [head, *cells]).encode()


# ---- a file a playlist ----


def test_exportify_writes_a_file_a_playlist():
    summer = exportify(("Song A", "Ann", "One"), ("Song B", "Bob, Cy", "Two"), ("Song C", "Dee", "Three"))
    winter = exportify(("Song A", "Ann", "One"), ("Song B", "Bob, Cy", "Two"), ("Song D", "Eve", "Four"))
    library = read("mine", [("summer.csv", summer), ("winter.csv", winter)])
    assert titles(library) == [["Song A", "Song B", "Song C"], ["Song A", "Song B", "Song D"]]
    assert library.names == ("summer", "winter") and len(library) == 4
    assert library.songs[1].artist == "Bob, Cy" and not any(library.told.values())
    # Files of one name, from two folders, are two playlists all the same.
    twice = read("mine", [("liked.csv", summer), ("liked.csv", winter)])
    assert twice.playlists == 2 and twice.names == ("liked", "liked")


@pytest.mark.parametrize(
    "content",
    [
        "title;artist;album;isrc\nSong A;Ann;X;1\nSong B;Bob;Y;2\nSong C;Cy;Z;3\n",  # Soundiiz
        "#,Song,Artist,Album\n1,Song A,Ann,X\n2,Song B,Bob,Y\n3,Song C,Cy,Z\n",
        "歌名,歌手,專輯\nSong A,Ann,X\nSong B,Bob,Y\nSong C,Cy,Z\n",
        "Track Name\nSong A\nSong B\nSong C\n",
    ],
)
def test_tables_without_a_column_of_playlists(content):
    library = one(content, "road trip.csv")
    assert titles(library) == BOTH[:1] and library.names == ("road trip",)


def test_tunemymusic_names_playlists():
    rows = ["Song A,Ann,X,Party,Playlist,1", "Song B,Bob,Y,Party,Playlist,2", "Song A,Ann,X,Calm,Playlist,1",
            "Song C,Cy,Z,Calm,Playlist,3", ",Ann,,My artists,Artist,"]  # fmt: skip
    library = one("Track name,Artist name,Album,Playlist name,Type,ISRC\n" + "\n".join(rows))
    assert titles(library) == [["Song A", "Song B"], ["Song A", "Song C"]]
    assert library.names == ("Party", "Calm") and library.told["broken"] == 1


def test_itunes_writes_utf_16_with_tabs_and_carriage_returns():
    head = "Name\tArtist\tComposer\tAlbum\tGrouping\tGenre"
    rows = [f"Song {n}\tAnn\t\tX, or Y\t\tRock" for n in "ABC"]
    library = one("\r".join([head, *rows, ""]).encode("utf-16"), "Gym.txt")
    assert titles(library) == BOTH[:1] and library.names == ("Gym",) and library.songs[0].artist == "Ann"


# ---- line ends, sep=, encodings ----


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
@pytest.mark.parametrize("last", [True, False])
def test_every_line_end(end, last):
    assert titles(one(end.join([HEAD, *ROWS]) + end * last)) == BOTH
    book = ["ids", "counts", "0 1 2", "2 0", ""]
    hashes = ["0 \tA\tx", "1 \tB\ty", "2 \tC\tz", ""]
    pair = read("b", [("train.txt", end.join(book).encode()), ("song_hash.txt", end.join(hashes).encode())])
    assert titles(pair) == [["A", "B", "C"], ["C", "A"]]
    lines = one(end.join(["Ann - A\tBob - B", "Bob - B\tCy - C\tDee - D"]) + end * last, "p.txt")
    assert titles(lines) == [["A", "B"], ["B", "C", "D"]]


def test_a_line_feed_within_carriage_returns():
    """Excel for Mac ends the last line with both; a cell may hold one of either."""
    assert titles(one("\r".join([HEAD, *ROWS]) + "\r\n")) == BOTH
    inside = "\n".join([HEAD, *ROWS[:2], 'u1,Cy,"Song\rC",P1'])
    assert titles(one(inside)) == [["Song A", "Song B", "Song C"]]


@pytest.mark.parametrize(
    "first", ["sep=;", "SEP=;", '"sep=;"', "\ufeffsep=;", "sep=;\r", "sep=;;;;", "\nsep=;"]
)
def test_excels_first_line_names_the_delimiter(first):
    library = one("\n".join([first, *(row.replace(",", ";") for row in [HEAD, *ROWS])]))
    assert titles(library) == BOTH and library.told["broken"] == 0


def test_the_first_line_is_believed_against_all_counting():
    rows = ["sep=|", "track|artist|playlist", "A, B, C|Ann|p, q", "D, E, F|Bob|p, q"]
    assert titles(one("\n".join(rows))) == [["A, B, C", "D, E, F"]]
    tabs = one("sep=\\t\ntrack\tartist\nA\tAnn, x\nB\tBob, y\n", "list.txt")
    assert titles(tabs) == [["A", "B"]]


def test_the_delimiter_is_the_one_that_all_lines_share():
    rows = ["Title;Artist, or band;Album", "A;Ann, Bob, Cy, Dee;X", "B;Eve;Y", '"C; D";Fay;Z']
    library = one("\n".join(rows))
    assert titles(library) == [["A", "B", "C; D"]]


@pytest.mark.parametrize(
    ("encoding", "told"),
    [("utf-8", ""), ("utf-8-sig", ""), ("utf-16", ""), ("utf-16-le", "UTF-16-LE"), ("utf-32", ""),
     ("big5", "Big5")],
)  # fmt: skip
def test_every_encoding(encoding, told):
    content = (
        "歌名,歌手,播放清單\n七里香,周杰倫,夏天的歌\n突然好想你,五月天,夏天的歌\n我們的愛,飛兒樂團,夏天的歌\n"
    )
    library = one(content.encode(encoding))
    assert titles(library) == [["七里香", "突然好想你", "我們的愛"]] and library.names == ("夏天的歌",)
    assert library.told.get("encoding", "") == told


# ---- rows that are wrong ----


@pytest.mark.parametrize(
    "wrong",
    [
        'u1,Al,"Weird Song,P1',  # never closed
        'u1,"Al,Weird Song,P1',
        "u1,Al,Hello, Goodbye,P1",  # a comma that is not quoted
        "u1,Al,P1",
        'u1,Al,"Weird Song,P1\nu9,Al,"Other Song,P1',  # two that would hold the rows between them together
        'u1,Al,"Weird Song,P1\nu9,Al,Other Song",P1',
    ],
)
@pytest.mark.parametrize("place", [0, 3, 6])
def test_a_wrong_row_is_counted_and_the_rest_is_kept(wrong, place):
    lines = wrong.split("\n")
    rows = [*ROWS[:place], lines[0], *ROWS[place:]]
    rows.insert(place + 3, *lines[1:]) if lines[1:] else None
    library = one("\n".join([HEAD, *rows]))
    last = [row for row in titles(library) if row[0] != 'Other Song"']
    assert last == BOTH and library.told["broken"] + library.told["single"] == len(lines)


def test_quotation_marks_within_quoted_cells_are_kept():
    rows = [f'"{row.replace(",", chr(34) + "," + chr(34))}"' for row in [HEAD, *ROWS]]
    rows += [
        '"u3","Matthew "Mdot" Finley","Fire","P3"',
        '"u3","Ann",""45"","P3"',
        '"u3","Bob","Mix 12"","P3"',
    ]
    library = one("\n".join(rows))
    assert titles(library) == [*BOTH, ["Fire", '"45"', 'Mix 12"']] and library.told["broken"] == 0
    assert 'Matthew "Mdot" Finley' in {song.artist for song in library.songs}


# ---- what is no table of songs is never taken for playlists ----


@pytest.mark.parametrize(
    ("label", "content", "key"),
    [
        (
            "a.csv",
            '"Album","Label","Year"\n"One","EMI","1969"\n"Two","EMI","1970"\n',
            "columns",
        ),
        (
            "a.txt",
            '"Album","Label","Year"\n"One","EMI","1969"\n"Two","EMI","1970"\n',
            "columns",
        ),
        ("a.csv", "u1,Ann,Song A,P1\nu1,Bob,Song B,P1\nu1,Cy,Song C\n", "columns"),  # no header
        ("a.tsv", "one\ttwo\nthree\tfour\tfive\n", "columns"),
        ("a.csv", "sep=;\nalbum;year\nOne;1969\nTwo;1970\n", "columns"),
        ("a.txt", "Artist;Album;Year\nAnn;One;1969\nBob;Two;1970\n", "columns"),  # names, but none of titles
        ("a.txt", "u1,Ann,Song A,P1\nu1,Bob,Song B,P1\nu1,Cy,Song C,P1\n", "unnamed"),
        ("song_hash.txt", "0 \tA\tAnn\n1 \tB\tBob\n2 \tC\tCy\n", "unnamed"),
        ("a.txt", "It was late, and dark.\nNobody came, nobody called.\nShe slept.\n", "separator"),
        ("a.txt", "one song\nanother song\n", "separator"),
        ("a.m3u", "#EXTM3U\n#EXTINF:12,Ann - A\n", "m3u"),
        ("a.json", '{"title": "A", "artist": "Ann"}', "json"),
        ("a.json", '[{"price": 3}, {"price": 4}]', "json"),
        ("a.json", "[playlist]\nFile1=a.mp3\nTitle1=A, B\n", "json"),
        ("a.txt", '{"playlists": "none", "tracks": 3}', "json"),
    ],
)
def test_what_is_something_else_is_refused(label, content, key):
    error = refusal(content, label)
    assert error.key == f"errors.songs_{key}" and error.values["name"] == label
    if key == "columns":
        first = content.replace("sep=;\n", "").split("\n")[0]
        assert error.values["found"] == ", ".join(
            each.strip('"') for each in first.replace(";", ",").replace("\t", ",").split(",")
        )


@pytest.mark.parametrize(
    ("label", "content", "key"),
    [
        ("songs.xlsx", b"PK\x03\x04" + b"\x14\0\x06\0" * 20, "file_packed"),
        ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(90), "file_packed"),
        ("list.csv", b"<!DOCTYPE html>\n<html><body>a,b</body></html>", "file_markup"),
        ("Library.xml", b'<?xml version="1.0"?>\n<plist version="1.0"><dict/></plist>', "file_markup"),
        ("notes.txt", b"{\\rtf1\\ansi Ann - A, Bob - B}", "file_markup"),
        ("a.mp3", b"ID3\x04" + bytes(range(32)) * 99, "file_not_text"),
    ],
)
def test_files_of_other_programs_are_told_what_to_save_instead(label, content, key):
    from playground.rooms.embeddings.sentences import files as sentence_files

    assert refusal(content, label).key == f"errors.{key}"
    with pytest.raises(PlaygroundError) as caught:
        sentence_files.read(label, content)
    assert caught.value.key == f"errors.{key}"


def test_a_refused_file_keeps_out_those_beside_it():
    """Nothing is learned from half of what was sent."""
    good = "\n".join([HEAD, *ROWS]).encode()
    with pytest.raises(PlaygroundError) as caught:
        read("mine", [("good.csv", good), ("bad.csv", b"a,b\n1,2\n")])
    assert caught.value.values["name"] == "bad.csv"
    both = read("mine", [("good.csv", good), ("more.txt", b"Ann - Song A\tZoe - Song Z\n")])
    assert titles(both) == [*BOTH, ["Song A", "Song Z"]] and len(both) == 4


def test_numbers_of_ones_own_and_of_ours_do_not_meet():
    table, numbers = ("a.csv", b"artist,track\nAnn,A\nBob,B\n"), ("b.txt", b"1 2\n2 3\n")
    for files in ([table, numbers], [numbers, table]):
        library = read("mine", files)
        assert sorted(titles(library)) == [["1", "2"], ["2", "3"], ["A", "B"]] and len(library) == 5
        assert len({song.id for song in library.songs}) == 5
    spaced = one("artist,track\nAnn,A\n Ann ,  A\nBob,B\n")
    assert titles(spaced) == [["A", "A", "B"]] and len(spaced) == 2


# ---- plain lines ----


@pytest.mark.parametrize("line", ["The Beatles - Hello, Goodbye", "Ann - A; B"])
def test_one_song_a_line_is_one_playlist(line):
    library = one(f"{line}\nQueen - Bohemian Rhapsody\nABBA - Waterloo\n", "party.txt")
    assert titles(library) == [[line.partition(" - ")[2], "Bohemian Rhapsody", "Waterloo"]]
    assert library.names == ("party",) and library.songs[1].artist == "Queen"


def test_lines_of_as_many_songs_are_playlists_where_nothing_speaks_against_it():
    assert titles(one("A | B\nB | C\nC | A\n", "p.txt")) == [["A", "B"], ["B", "C"], ["C", "A"]]
    assert titles(one("Ann - A\tB\nB\tAnn - A\nC\tB\n", "p.txt"))[2] == ["C", "B"]
    assert titles(one("A,B\nB,C\n", "p.txt")) == [["A", "B"], ["B", "C"]]  # of two lines who knows


def test_the_books_train_txt_alone():
    """Its first lines are all ids and their counts: no playlists of all songs there are."""
    library = one("0 1 2 3\n2 1 2 1\n0 1 2\n2 0 3\n", "train.txt")
    assert titles(library) == [["0", "1", "2"], ["2", "0", "3"]]
    assert one("1 2 3\n3 2 1\n1 2 3\n", "p.txt").playlists == 3


def test_m3u():
    content = "#EXTM3U\n#PLAYLIST:Late\n#EXTINF:9,Ann - A, live\n/m/1.mp3\nC:\\m\\Bob - B.flac\n\n#x\nC.mp3\n"
    library = one(content, "list.m3u8")
    assert titles(library) == [["A, live", "B", "C"]] and library.names == ("Late",)
    assert [song.artist for song in library.songs] == ["Ann", "Bob", ""]
    assert one("a.mp3\nb.mp3\n", "road.m3u").names == ("road",)


# ---- JSON ----


def test_spotifys_account_data():
    def item(title: str) -> dict[str, object]:
        return {"track": {"trackName": title, "artistName": "Ann", "albumName": "X", "trackUri": "u"},
                "episode": None, "addedDate": "2020-01-01"}  # fmt: skip

    whole = {"playlists": [{"name": "Calm", "items": [item("A"), item("B"), {"episode": {"x": 1}}]},
                           {"name": "Party", "items": [item("B"), item("C")]}]}  # fmt: skip
    library = one(json.dumps(whole), "Playlist1.json")
    assert titles(library) == [["A", "B"], ["B", "C"]] and library.names == ("Calm", "Party")
    assert library.told["podcasts"] == 1 and library.told["broken"] == 0
    liked = {"tracks": [{"artist": "Ann", "album": "X", "track": "A", "uri": "u"}] * 2, "shows": []}
    assert titles(one(json.dumps(liked), "YourLibrary.json")) == [["A", "A"]]
    web = {"items": [{"track": {"name": "A", "artists": [{"name": "Ann"}, {"name": "Bob"}]}}] * 2}
    assert one(json.dumps({"tracks": web})).songs[0].artist == "Ann, Bob"


def test_a_listening_history_is_parted_where_nothing_was_played():
    def play(minute: int, title: str, lasted: int = 180_000) -> dict[str, object]:
        when = f"2021-05-01 {10 + minute // 60}:{minute % 60:02}"
        return {"endTime": when, "artistName": "Ann", "trackName": title, "msPlayed": lasted}

    plays = [
        play(0, "A"),
        play(3, "B"),
        play(4, "skipped", 5_000),
        play(7, "C"),
        play(41, "D"),
        play(44, "E"),
    ]
    library = one(json.dumps(plays), "StreamingHistory0.json")  # 41 − 3 − 7: 31 minutes without music
    assert titles(library) == [["A", "B", "C"], ["D", "E"]]
    assert library.told["skips"] == 1 and library.told["sessions"] == 2
    plays[4:] = [play(40, "D"), play(43, "E")]  # 30 minutes
    assert one(json.dumps(plays)).playlists == 1
    longer = [
        {"ts": f"2021-05-01T10:{n:02}:00Z", "ms_played": 60_000, "master_metadata_track_name": title,
         "master_metadata_album_artist_name": "Ann", "spotify_track_uri": "u", "episode_name": episode}
        for n, title, episode in ((5, "B", None), (1, "A", None), (9, None, "Talk"))
    ]  # fmt: skip
    library = one(json.dumps(longer), "Streaming_History_Audio_2021.json")
    assert titles(library) == [["A", "B"]] and library.told["podcasts"] == 1  # by time, not as listed
    assert playlist_json.PAUSE == 1800


def test_bare_lists_of_songs_and_of_playlists():
    songs = [
        {"title": "A", "artist": "x", "playlist": "p"},
        {"title": "B", "artist": "y", "playlist": "p"},
        {"title": "B", "artist": "y", "playlist": "q"},
        {"title": "C", "artist": "z", "playlist": "q"},
    ]
    library = one(json.dumps(songs), "a.json")
    assert titles(library) == [["A", "B"], ["B", "C"]] and library.names == ("p", "q")
    lists = [{"name": "p", "tracks": songs[:2]}, {"name": "q", "tracks": songs[2:]}]
    assert titles(one(json.dumps(lists), "a.json")) == [["A", "B"], ["B", "C"]]
    half = one('[{"title": "A\\ud800", "artist": "x"}, {"title": "B", "artist": "\\u0000y"}]', "a.json")
    assert half.songs[0].title == "A?" and half.songs[1].artist == "y"
