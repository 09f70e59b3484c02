"""Sets signals as `signal` does, by plain numbers and handlers.

That module turns what it takes and gives into enums, whose pages each worker would have to copy
from its keeper: that takes longer than the system calls do. Here is what it stands on.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import signal

set_handler = _signal.signal
set_mask = _signal.pthread_sigmask

DEFAULT = int(signal.SIG_DFL)
BLOCK, UNBLOCK, REPLACE = map(int, (signal.SIG_BLOCK, signal.SIG_UNBLOCK, signal.SIG_SETMASK))
