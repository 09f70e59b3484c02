"""The API on the Unix socket `directory/linod.sock`, and its client.

Rules of this border:
- One JSON object per line: a request `{"verb": …}` of at most 64 KiB, then its answer.
- An answer has `"ok": true`, or `"ok": false` with `"error"` (one line for people) and `"exit"`
  (what the command line ends with). `follow` answers with many lines: `{"line": …}` for each
  line of the run's log, at last `{"ok": true, "ended": OUTCOME, "reason": …, "run": RUN}`.
- Instants are UTC in ISO 8601; a RUN is what `RunRow.to_json` makes.
- The list of verbs is closed, and none takes a dotted path or a program:

  status            version, pid, since, config, zone, directory, is_enabled, is_stopping,
                    trouble (text, "" = none), tasks: [{task, zone, is_enabled, next, waiting
                    (how many), current (RUN or null), last (RUN or null), outcomes}]
  run {task}        run (its number), is_waiting
  cancel {run}      runs (numbers) that are ended; also cancel {task}
  reload            tasks (how many), diagnostics (text of warnings); errors are refused, their
                    text is in `diagnostics`
  stop {}           pid; the daemon drains and ends
  follow {run}      see above; a run that has ended answers with its kept log
"""
