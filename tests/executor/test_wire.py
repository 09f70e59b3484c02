"""What comes by a channel, whole and in its order, also from a peer that is gone."""

from __future__ import annotations

import socket
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linod.executor.wire import LINE_MAX, READ_MAX, Channel, encode


def test_what_a_peer_said_last_is_heard_also_where_it_is_long() -> None:
    # More than is taken at once, so that what is taken first has no end of a line.
    messages = [{"log": "x" * (READ_MAX + 1000)}, {"log": "y"}]
    ours, theirs = socket.socketpair()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * READ_MAX)
    theirs.sendall(b"".join(map(encode, messages)))
    theirs.close()
    channel = Channel(ours, LINE_MAX)

    heard = channel.receive_last()

    assert (heard, channel.is_closed) == (messages, True)
    channel.close()


def test_what_a_peer_said_last_is_heard_where_somebody_keeps_its_end() -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall(encode({"is": "ended"}))
    channel = Channel(ours, LINE_MAX)

    assert channel.receive_last() == [{"is": "ended"}]
    assert not channel.is_closed
    for end in (channel, theirs):
        end.close()


@given(st.lists(st.binary(max_size=40).map(bytes.hex), max_size=30), st.integers(1, 50))
@settings(deadline=None)
def test_it_comes_whole_however_it_is_cut(texts: list[str], size: int) -> None:
    messages = [{"text": text} for text in texts]
    data = b"".join(map(encode, messages))
    ours, theirs = socket.socketpair()
    channel = Channel(ours, LINE_MAX)
    heard = []

    for first in range(0, len(data), size):
        theirs.sendall(data[first : first + size])
        heard += channel.receive()

    assert heard == messages
    for end in (channel, theirs):
        end.close()


@pytest.mark.parametrize("size", [LINE_MAX + 1, 4 * LINE_MAX])
def test_a_line_that_is_too_long_is_dropped_and_the_next_one_is_not(size: int) -> None:
    ours, theirs = socket.socketpair()
    channel = Channel(ours, LINE_MAX)
    data = b"x" * size + b"\n" + encode({"is": "ended"})
    sender = threading.Thread(target=theirs.sendall, args=(data,))
    sender.start()
    heard = []
    while not heard:
        heard += channel.receive()
    sender.join()

    assert heard == [{"is": "ended"}]
    for end in (channel, theirs):
        end.close()
