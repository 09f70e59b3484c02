"""uWSGI on linod's log: `import = linod.integrations.uwsgi` connects each worker.

uWSGI's own lines, which C code writes to its stderr or `logto`, stay there.
"""

from __future__ import annotations

from linod.log import connect_log

connect_log()
