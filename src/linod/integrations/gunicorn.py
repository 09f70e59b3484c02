"""gunicorn on linod's log: `logger_class = "linod.integrations.gunicorn.Logger"`.

The master connects when it starts, its workers come along when they are forked. What gunicorn
writes itself (`gunicorn.error`, `gunicorn.access`) arrives beside the records of the application.
Handlers that gunicorn's own settings ask for (`errorlog`, `accesslog`) stay.
"""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger as _Logger

from linod.log import Handler, connect_log


class Logger(_Logger):  # type: ignore[misc]  # gunicorn brings no types
    """gunicorn's logger, with linod's log as one more place."""

    access_log_enabled = True

    def setup(self, cfg: Any) -> None:
        """Connect, and lead both of gunicorn's loggers there; called again at a reload."""
        connect_log()
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            if not any(isinstance(handler, Handler) for handler in log.handlers):
                log.addHandler(Handler())

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: Any) -> None:
        """Log a request, also where `accesslog` names no file."""
        try:
            atoms = self.atoms_wrapper_class(self.atoms(resp, req, environ, request_time))
            self.access_log.info(self.cfg.access_log_format, atoms)
        except Exception:  # noqa: BLE001 - as gunicorn does: a request is answered all the same
            self.exception("a request could not be logged")
