"""The journal: in order, chained, and never in anybody's way."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from daemon.journal import FILE_NAME, FileSink, Journal, MemorySink, broken_links, digest, open_journal
from daemon.json_lines import AppendOnly, encode, read_rows


def clock() -> tuple[int, int]:
    return 1, 2


class FullSink(MemorySink):
    """Takes nothing while it is full."""

    full = False

    def put(self, line: bytes) -> bool:
        return not self.full and super().put(line)


class Disk(AppendOnly):
    """A file whose writes fail, or hang, on request."""

    full = False

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.goes_on = threading.Event()
        self.goes_on.set()

    def append(self, lines: bytes) -> None:
        self.goes_on.wait(5)
        if self.full:
            raise OSError(28, "No space left on device")
        super().append(lines)


def eventually(sink: FileSink, trouble: str | None) -> None:
    give_up = time.monotonic() + 5
    while sink.trouble != trouble:
        assert time.monotonic() < give_up
        time.sleep(0.005)


def test_rows_are_written_in_order_and_each_names_the_one_before(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, clock)
    for number in range(100):
        journal.write("row", number=number)
    journal.close()
    contents, broken = broken_links(tmp_path / FILE_NAME)

    assert [row["number"] for row in contents.rows] == list(range(100))
    assert (contents.damaged, broken) == (0, [])


def test_a_second_run_goes_on_where_the_first_ended(tmp_path: Path) -> None:
    for number in range(2):
        journal = open_journal(tmp_path, clock)
        journal.write("row", number=number)
        journal.close()

    assert broken_links(tmp_path / FILE_NAME)[1] == []


@pytest.mark.parametrize("change", ["altered", "removed", "swapped"])
def test_a_changed_row_breaks_the_chain(tmp_path: Path, change: str) -> None:
    journal = open_journal(tmp_path, clock)
    for number in range(5):
        journal.write("row", number=number)
    journal.close()
    path = tmp_path / FILE_NAME
    lines = path.read_bytes().splitlines(keepends=True)
    if change == "altered":
        lines[2] = lines[2].replace(b'"number":2', b'"number":7')
    elif change == "removed":
        del lines[2]
    else:
        lines[1], lines[2] = lines[2], lines[1]
    path.write_bytes(b"".join(lines))

    assert broken_links(path)[1]


def test_half_a_line_left_by_a_crash_is_counted_and_the_next_row_stands_alone(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(encode({"kind": "row"}) + b'{"kind":"ha')
    file = AppendOnly(path)
    file.append(encode({"kind": "next"}))
    file.close()
    contents = read_rows(path)

    assert [row["kind"] for row in contents.rows] == ["row", "next"]
    assert contents.damaged == 1


def test_only_the_last_bytes_are_read_when_asked_and_the_cut_row_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(b"".join(encode({"number": number}) for number in range(1000)))
    rows = read_rows(path, 100).rows

    assert rows[-1] == {"number": 999}
    assert 0 < len(rows) < 10
    assert read_rows(path, 10**6).rows == read_rows(path).rows


def test_a_full_disk_is_said_and_what_waited_is_written_once_when_there_is_room(tmp_path: Path) -> None:
    disk = Disk(tmp_path / FILE_NAME)
    disk.full = True
    sink = FileSink(disk)
    journal = Journal(sink, clock)
    journal.write("first")
    eventually(sink, "No space left on device")
    journal.write("second")
    disk.full = False
    eventually(sink, None)
    journal.write("third")
    journal.close()
    contents, broken = broken_links(tmp_path / FILE_NAME)

    assert [row["kind"] for row in contents.rows] == ["first", "second", "third"]
    assert broken == []


def test_a_write_that_fails_half_way_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / FILE_NAME
    file = AppendOnly(path)
    file.append(encode({"kind": "first"}))
    before = path.read_bytes()
    import os  # noqa: PLC0415  patched here and nowhere else

    write = os.write
    calls: list[int] = []

    def some_then_full(descriptor: int, data: bytes) -> int:
        if calls:
            raise OSError(28, "No space left on device")
        calls.append(1)
        return write(descriptor, data[:5])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", some_then_full)
        with pytest.raises(OSError, match="No space"):
            file.append(encode({"kind": "second"}))

    assert path.read_bytes() == before
    file.append(encode({"kind": "second"}))
    file.close()
    assert [row["kind"] for row in read_rows(path).rows] == ["first", "second"]


def test_a_stalled_disk_stalls_nobody(tmp_path: Path) -> None:
    disk = Disk(tmp_path / FILE_NAME)
    disk.goes_on.clear()
    journal = Journal(FileSink(disk), clock)
    began = time.monotonic()
    for _ in range(1000):
        journal.write("row")
    assert time.monotonic() - began < 1.0

    disk.goes_on.set()
    journal.close()
    assert len(read_rows(tmp_path / FILE_NAME).rows) == 1000


def test_rows_that_had_to_be_dropped_are_counted_in_a_gap_row() -> None:
    sink = FullSink()
    journal = Journal(sink, clock)
    journal.write("kept")
    sink.full = True
    journal.write("lost")
    journal.write("lost")
    sink.full = False
    journal.write("kept")
    rows = [json.loads(line) for line in sink.lines]

    assert [row["kind"] for row in rows] == ["kept", "gap", "kept"]
    assert rows[1]["lost"] == 2
    assert rows[2]["previous"] == digest(sink.lines[1])


def test_followers_get_every_row_even_one_the_disk_could_not_take() -> None:
    sink = FullSink()
    journal = Journal(sink, clock)
    seen: list[str] = []
    leave = journal.follow(lambda row: seen.append(str(row["kind"])))
    sink.full = True
    journal.write("lost")
    leave()
    journal.write("unseen")

    assert seen == ["lost"]
