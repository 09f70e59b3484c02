"""The API on the Unix socket `directory/linod.sock`, and its client.

Rules of this border:
- One JSON object per line: a request `{"verb": …}` of at most 64 KiB, then its answer.
- An answer has `"ok": true`, or `"ok": false` with `"error"` (one line for people) and `"exit"`
  (what the command line ends with). `follow` answers with many lines: `{"line": …}` for each
  line of the run's log, or `{"member": RUN}` for each member of a chain that starts or ends; at
  last `{"ok": true, "ended": OUTCOME, "reason": …, "run": RUN, "again": RUN or null}`.
- Instants are UTC in ISO 8601, those of a request with any offset; a RUN is what
  `RunRow.to_json` makes, a HOLD has by, since, until (or null) and reason.
- A field that is null counts as left out; one that the verb does not know is refused.
- The list of verbs is closed, and none takes a dotted path or a program. Where tasks are named,
  chains may be, too:

  status            version, pid, since, config, zone, directory, is_enabled, is_stopping,
                    trouble (text, "" = none), paused (linod as a whole: HOLD or null), ahead
                    (null, or where the clock stepped back: tasks, how many, and until), tasks:
                    [{task, zone, is_chain, is_enabled, next, paused, disabled (HOLD or null),
                    waiting (how many), current (RUN or null), step (of a chain, text or null),
                    last (RUN or null), outcomes, failures (in a row), warnings (of a day)}]
  run {task}        run (its number), is_waiting, held (what for), is_chain; due: run that
                    occurrence again; from_failed: of a chain, go on from what failed
  follow {run}      see above; a run that has ended answers with its kept log, or its members
  cancel {run}      runs (numbers) that are ended; also cancel {task}
  pause {tasks}     tasks, going_on (numbers of runs), note; or {all}; until, reason
  resume {tasks}    tasks, going_on, note; or {all}
  enable {tasks}    tasks, going_on, note; or {failed}: all that were disabled by failures
  disable {tasks}   tasks, going_on, note; reason
  backfill {task, from, until}   runs (numbers), note; newest_first, again
  forget {task}     tasks, note; of a task that is not configured, remove all that is stored
  clock_accept      tasks: those that were decided beyond now
  reload            tasks, chains (how many), diagnostics (text of warnings); errors are refused,
                    their text is in `diagnostics`
  stop              pid, finishing (runs that are waited for however long); the daemon drains
"""
