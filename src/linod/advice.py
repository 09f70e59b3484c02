"""What to do where the system refuses a file or a directory, said behind its reason.

Rules of this border:
- A wrong path or mode is a fault of the configuration (78); a disk that is full or fails is not:
  the same start can succeed later, and a supervisor may try again.
"""

from __future__ import annotations

import errno

from linod.errors import ConfigurationError, LinodError

_ADVICE = {
    errno.EACCES: "let this user read and write it",
    errno.EPERM: "let this user read and write it",
    errno.EROFS: "name another place in [linod]",
    errno.ENOSPC: "free some space there",
    errno.EDQUOT: "free some space there",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f)",
    errno.EEXIST: "something else is in its place, move that away",
    errno.ENOTDIR: "something else is in its place, move that away",
    errno.EISDIR: "something else is in its place, move that away",
    errno.EINVAL: "something else is in its place, move that away",
    errno.ENXIO: "something else is in its place, move that away",
    errno.ELOOP: "a link is in its place, move that away",
    errno.ENOENT: "a link there leads nowhere, move that away",
    errno.ENAMETOOLONG: "name another place in [linod]",
}
_PASSING = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE))


def why(error: OSError) -> str:
    """Say the reason, and what to do: "Permission denied: let this user read and write it"."""
    reason = error.strerror or str(error)
    advice = _ADVICE.get(error.errno or 0)
    return f"{reason}: {advice}" if advice else reason


def refusal(what: str, error: OSError) -> LinodError:
    """Make the error that refuses to go on: "the store var/linod.db cannot be written" and why."""
    kind = LinodError if error.errno in _PASSING else ConfigurationError
    return kind(f"{what}: {why(error)}")
