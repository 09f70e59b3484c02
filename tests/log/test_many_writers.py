"""A hundredth of what scripts/soak/writing.py does at full length."""

from __future__ import annotations

from .many_writers import Counts, count, write_and_kill


def test_sixteen_writers_lose_nothing_while_rotators_are_killed(tmp_path):
    counts = write_and_kill(
        tmp_path, writers=16, records=1_000, kills=10, rotation="16 KiB", files=6
    )

    assert counts.wrong == 0
    assert counts.files >= 6
    assert counts.kills_while_writing >= 10


def test_the_counting_sees_what_is_wrong(tmp_path):
    lines = (b"i: 0 0 .\n", b"i: 0 2 xx.\n", b"i: 0 1 x.\n", b"i: 0 1 x.\n", b"i: 0 3 x\n")
    (tmp_path / "linod.log").write_bytes(b"".join(lines))

    counts = count(tmp_path / "linod.log", [4])

    assert counts == Counts(records=4, lost=1, doubled=1, torn=1, misplaced=2, files=1)
