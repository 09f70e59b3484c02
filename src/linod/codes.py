"""The stable codes of everything check can say, with the text that `linod explain` prints.

Ranges: L001 files, L010 recurrence notations, L020 what a recurrence means in time, L030
procedures and their arguments, L050 keys and values, L080 warnings on values, L090 keys whose
effect comes later, or not here. A code is never reused for another meaning.
"""

from __future__ import annotations

from enum import StrEnum

from attrs import frozen


class Severity(StrEnum):
    """Errors keep linod from starting; warnings and notes do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@frozen
class Code:
    """One kind of finding."""

    severity: Severity
    title: str
    """What it is, in general: "unknown unit in a recurrence"."""
    explanation: str
    """A few sentences for `linod explain`: why it is wrong and what to write, with an example."""


# L001-L009: files
_FILES: dict[str, Code] = {
    "L001": Code(
        Severity.ERROR,
        "a file cannot be read",
        """\
linod reads regular files that exist and that its user may read. A directory, a FIFO or a device
is refused without waiting for it.

Wrong:
    linod check -c /etc/linod

Right:
    linod check -c /etc/linod/linod.toml""",
    ),
    "L002": Code(
        Severity.ERROR,
        "a file is not UTF-8 text",
        """\
TOML is UTF-8 without a byte order mark. UTF-16 (as some Windows editors save it), Latin-1 and
NUL bytes are refused. Convert it, for example with iconv.

Wrong:
    iconv -f UTF-8 -t UTF-16 …

Right:
    iconv -f LATIN1 -t UTF-8 old.toml > linod.toml""",
    ),
    "L003": Code(
        Severity.ERROR,
        "a file goes beyond a bound",
        """\
A file has at most 16 MiB, 64 levels of brackets and 32 parts in a dotted key: what is beyond
would stall or crash the reader. Split large files with include.

Wrong:
    a.b.c.d.… (33 parts) = 1

Right:
    include = ["conf.d/*.toml"]""",
    ),
    "L004": Code(
        Severity.ERROR,
        "not TOML",
        """\
The file cannot be parsed from this place on. Text and times of day stand in quotes, true and
false are in lower case, a key has "=" and a value. Only the first such place of a file is known.

Wrong:
    recurrence = every 5 minutes

Right:
    recurrence = "every 5 minutes"
""",
    ),
    "L005": Code(
        Severity.ERROR,
        "a file cannot be included",
        """\
include names files that end in .toml, by path or glob, relative to the main file: not the main
file itself, and at most 1,000 files.

Wrong:
    include = ["*.toml"]            # the main file is one of them

Right:
    include = ["conf.d/*.toml"]""",
    ),
    "L006": Code(
        Severity.ERROR,
        "a file that others can change, as root",
        """\
Who can change the file, a directory above it or a module that it names, decides what runs as
every user. As root linod refuses what does not belong to root or can be written by others, like
cron with a crontab, and imports nothing. A sticky bit does not help a directory of import_path:
others can add modules there.

Wrong:
    chmod 666 /etc/linod/linod.toml

Right:
    chown root: /etc/linod/linod.toml; chmod 644 /etc/linod/linod.toml""",
    ),
    "L007": Code(
        Severity.ERROR,
        "a key or table stands twice",
        """\
In TOML each key and each [table] stands once in a file.

Wrong:
    [tasks.mail]
    command = "true"
    [tasks.mail]
    recurrence = "@daily"

Right:
    [tasks.mail]
    command = "true"
    recurrence = "@daily"
""",
    ),
    "L008": Code(
        Severity.ERROR,
        "a file that holds nothing",
        """\
A file without a character is one that an editor has just cut off to write it anew, or that a full
disk cut: taken at its word, it would end every task. So would a main file without a key. A file
to be included may hold comments alone.

Wrong:
    # The tasks of the shop.

Right:
    [tasks.mail]
    command = "true"
""",
    ),
    "L009": Code(
        Severity.ERROR,
        "a table that stands in the main file only",
        """\
Included files hold tasks, chains, pools, calendars, and [defaults] for their own tasks. [linod]
and [log] are about the whole and stand in the main file.

Wrong:
    # conf.d/shop.toml
    [log]
    level = "DEBUG"

Right:
    # linod.toml
    [log]
    level = "DEBUG"
""",
    ),
}

# L010-L019: recurrence notations
_NOTATIONS: dict[str, Code] = {
    "L010": Code(
        Severity.ERROR,
        "not a recurrence",
        "A recurrence is a text (phrase, cron expression or RRULE), a table, a date with or "
        "without a time, or a list of these. Numbers, true and empty texts are none. Write "
        '`recurrence = "every 5 minutes"`; for a task that is never due, leave the key out or '
        'write `"manually"`.',
    ),
    "L011": Code(
        Severity.ERROR,
        "a phrase that linod does not know",
        "Phrases have a strict grammar, so that none is understood in a way you did not mean. "
        'Examples: `"every weekday at 08:00 and 17:30"`, `"every month on the last friday at '
        '18:00"`. The page on recurrences lists every form.',
    ),
    "L012": Code(
        Severity.ERROR,
        "unknown unit in a recurrence",
        "Units are seconds, minutes, hours, days, weeks, months, years, spelled out, and singular "
        'for one: `"every minute"`, `"every 5 minutes"`.',
    ),
    "L013": Code(
        Severity.ERROR,
        "a number out of range in a recurrence",
        "An interval is at least 1 and at most 300 years; minutes are 0 to 59; days of a month "
        'are 1 to 31, or -31 to -1 from its end: `"every month on day 1 and -1"`.',
    ),
    "L014": Code(
        Severity.ERROR,
        "a wrong time of day or date in a recurrence",
        "A time of day is `09:00` or `17:30:15` on a clock of 24 hours, `noon` or `midnight`. A "
        'date is `2026-12-01`: `"every day at 17:30"`, `"once at 2026-12-01 20:00"`.',
    ),
    "L015": Code(
        Severity.ERROR,
        "a wrong cron expression",
        "Five fields: minute 0-59, hour 0-23, day of month 1-31, month 1-12, day of week 0-7 "
        "(0 and 7 are Sunday); six fields have seconds first. A field is `*`, a number, a name "
        "(JAN, MON), a range `1-5`, a step `*/15`, or a list of these; days also `L`, `LW`, "
        '`5L` and `1#2`. Example: `"30 4 * * 1-5"`. The command is a key of its own.',
    ),
    "L016": Code(
        Severity.ERROR,
        "a wrong RRULE",
        "RRULE is read strictly as RFC 5545 says: what the standard forbids, such as INTERVAL=0, "
        "BYMONTH=13 or BYWEEKNO outside of FREQ=YEARLY, is an error here. Example: "
        '`"FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=18;BYMINUTE=0;BYSECOND=0"`.',
    ),
    "L017": Code(
        Severity.ERROR,
        "a wrong recurrence table",
        "A table has `unit` (once, never, secondly, minutely, hourly, daily, weekly, monthly, "
        "yearly or easter) and the keys of that unit. Example: "
        '`{ every = 2, unit = "weekly", weekdays = ["mon"], at = ["20:00"] }`.',
    ),
    "L018": Code(
        Severity.ERROR,
        "a wrong list of recurrences",
        "A list is the union of its recurrences; it has 1 to 1,000 of them, and no lists in it. "
        'Example: `["every weekday at 08:00", "every weekend at 10:00"]`.',
    ),
    "L019": Code(
        Severity.ERROR,
        "a line of iCalendar that is a key here",
        "The text of an RRULE is the rule alone. DTSTART is the key `start` of the task, EXDATE "
        "the key `exclude`, and RDATE a date in a list: "
        '`recurrence = ["FREQ=DAILY", 2026-12-01T20:00:00]`.',
    ),
}

# L020-L029: what a recurrence means in time
_TIMES: dict[str, Code] = {
    "L020": Code(
        Severity.ERROR,
        "a recurrence that is never due",
        """\
No day of 400 years fits the rule, and after 400 years the calendar repeats. Often it is a day
that the month does not have.

Wrong:
    recurrence = "0 0 30 2 *"

Right:
    recurrence = "0 0 28 2 *\"""",
    ),
    "L021": Code(
        Severity.ERROR,
        "COUNT without start",
        """\
COUNT says how often a task is due from its `start` on. Without a start there is nothing to count
from, and linod does not take the time of its own start for it.

Wrong:
    recurrence = "FREQ=DAILY;COUNT=10"

Right:
    recurrence = "FREQ=DAILY;COUNT=10"
    start = 2026-12-01T09:00:00""",
    ),
    "L022": Code(
        Severity.ERROR,
        "a recurrence that ends before it starts",
        """\
UNTIL of the rule lies before the `start` of the task, so that it is never due. UNTIL with a Z is
in UTC, without one in the zone of the task.

Wrong:
    recurrence = "FREQ=DAILY;UNTIL=20251231"
    start = 2026-01-01T09:00:00

Right:
    recurrence = "FREQ=DAILY;UNTIL=20261231"
    start = 2026-01-01T09:00:00""",
    ),
    "L023": Code(
        Severity.NOTE,
        "a recurrence whose first time is open",
        """\
"Every 2 weeks" does not say which weeks, and "every 7 minutes" does not begin anew at midnight.
Without a `start` linod counts from Monday 2001-01-01 00:00 in the zone of the task, whatever is
restarted or reloaded. Write a start to choose.

Right:
    recurrence = "every 2 weeks on friday at 12:00"
    start = 2026-01-09T12:00:00""",
    ),
    "L024": Code(
        Severity.NOTE,
        "elapsed time against the clock on the wall",
        """\
"Every 12 hours" is every 12 hours that pass, also where the clock is put forward or back. So it
reads 00:00 and 12:00 in one half of the year and 01:00 and 13:00 in the other. What is to stay
with the clock is written as times of the day, or as a cron expression.

Right, if 12 hours are meant:
    recurrence = "every 12 hours"

Right, if the clock is meant:
    recurrence = "every day at 00:00 and 12:00\"""",
    ),
    "L025": Code(
        Severity.WARNING,
        "a day that some months do not have",
        """\
A rule on day 29, 30 or 31 is not due in months that are shorter: nothing is moved to another day.
The last day of every month is day -1.

Perhaps not meant:
    recurrence = "every month on day 31 at 10:00"

Right, if the last day is meant:
    recurrence = "every month on day -1 at 10:00\"""",
    ),
    "L026": Code(
        Severity.WARNING,
        "a task that is never due between its start and its end",
        """\
The rule has instants, but none of them lies between `start` and `end` of the task, both included.

Wrong:
    recurrence = "once at 2026-12-01 20:00"
    end = 2026-11-30T00:00:00

Right:
    recurrence = "once at 2026-12-01 20:00"
    end = 2026-12-31T00:00:00""",
    ),
    "L027": Code(
        Severity.WARNING,
        "a task whose instants are all past",
        """\
When the file was checked, nothing of the recurrence was still to come. A task that is new starts
at now and never runs for what was before.

Wrong, in 2026:
    recurrence = "once at 2020-12-01 20:00"

Right:
    recurrence = "once at 2030-12-01 20:00\"""",
    ),
    "L028": Code(
        Severity.ERROR,
        "a task of which all instants are excluded",
        """\
The recurrence has instants, but `exclude` takes out each of them, in all of 400 years. An excluding
recurrence that names no time of day takes out whole days.

Wrong:
    recurrence = "every saturday at 09:00"
    exclude = ["every weekend"]

Right:
    recurrence = "every saturday at 09:00"
    exclude = ["every month on the first saturday"]

Right, if it is to run on Monday instead:
    recurrence = "every saturday at 09:00"
    exclude = ["every weekend"]
    on_excluded = "after\"""",
    ),
}

# L030-L049: procedures and their arguments
_PROCEDURES: dict[str, Code] = {
    "L030": Code(
        Severity.ERROR,
        "a module cannot be imported",
        """\
Importing the module in a child process raised, ended the process, crashed it or took too long.
The last lines of the traceback stand below. A module of procedures only defines; what takes time
belongs into the procedure.

Wrong:
    import sys
    sys.exit("no database")

Right:
    def report() -> None:
        connect()""",
    ),
    "L031": Code(
        Severity.ERROR,
        "a procedure has no such parameter",
        """\
The keys of arguments are names of parameters. The note shows the signature and where it is.

Wrong:
    arguments = { recipent = "ops@example.org" }

Right:
    arguments = { recipient = "ops@example.org" }""",
    ),
    "L032": Code(
        Severity.ERROR,
        "an argument is missing",
        """\
A parameter without a default needs a value in arguments (all but a first one annotated
linod.Run, which receives the run). What only_if names is called with the run alone, or with
nothing.

Wrong:
    procedure = "shop.send"     # def send(recipient: str)

Right:
    procedure = "shop.send"
    arguments = { recipient = "ops@example.org" }""",
    ),
    "L033": Code(
        Severity.ERROR,
        "an argument has the wrong type",
        """\
Arguments are converted by the annotations of the procedure; text is no number, and 3.9 is no
whole number.

Wrong:
    arguments = { days = "7" }     # def prune(days: int)

Right:
    arguments = { days = 7 }""",
    ),
    "L034": Code(
        Severity.ERROR,
        "a module does not exist",
        """\
The module is not on sys.path of the tasks. import_path in [linod] is put first; relative paths
are relative to the file.

Wrong:
    procedure = "shp.tasks.report"

Right:
    [linod]
    import_path = ["src"]""",
    ),
    "L035": Code(
        Severity.ERROR,
        "a module has no such name",
        """\
The module was imported, but holds no such procedure.

Wrong:
    procedure = "shop.tasks.reprot"

Right:
    procedure = "shop.tasks.report"
""",
    ),
    "L036": Code(
        Severity.ERROR,
        "not a procedure",
        """\
A procedure is a function, plain or async, or another callable with a signature; not a module, a
class, a generator function or a value.

Wrong:
    procedure = "shop.tasks.VERSION"

Right:
    procedure = "shop.tasks.report"
""",
    ),
    "L037": Code(
        Severity.ERROR,
        "a setup callable failed",
        """\
The callables of [linod] setup are called once per keeper, before procedures are imported. One of
them raised; the last lines of its traceback stand below.

Wrong:
    setup = ["shop.boot.prepare"]     # raises

Right:
    setup = ["shop.boot.prepare"]     # returns""",
    ),
    "L038": Code(
        Severity.WARNING,
        "a module starts threads at import",
        """\
Threads do not survive a fork. The module is imported anew in each run's own process instead of
once beforehand, so its runs start later.

Wrong:
    THREAD = Thread(target=poll)
    THREAD.start()

Right:
    def report() -> None:
        Thread(target=poll).start()""",
    ),
    "L039": Code(
        Severity.ERROR,
        "a declaration is wrong",
        """\
@linod.procedure(...) takes the keys of a task, with the values that TOML would have.

Wrong:
    @linod.procedure(recurrence="every 5 mintues")

Right:
    @linod.procedure(recurrence="every 5 minutes")""",
    ),
    "L040": Code(
        Severity.ERROR,
        "a user or group does not exist",
        """\
user and group are names that this machine knows.

Wrong:
    user = "bakcup"

Right:
    user = "backup"
""",
    ),
    "L041": Code(
        Severity.ERROR,
        "two procedures want one task name",
        """\
discover makes a task of each declared procedure, under the name of the function. Another task has
that name already. Give one of them a name of its own.

Wrong:
    @linod.procedure(recurrence="@daily")
    def report(): …      # in two modules

Right:
    @linod.procedure(name="shop_report", recurrence="@daily")
    def report(): …""",
    ),
    "L042": Code(
        Severity.ERROR,
        "Django cannot be set up",
        """\
[linod] django names the settings of a Django project, as DJANGO_SETTINGS_MODULE does. They are
imported, and django.setup() is called, before procedures are imported. Django is not installed
where linod is, the settings are not on import_path, or one of the two raised.

Wrong:
    [linod]
    django = "settings"

Right:
    [linod]
    import_path = ["src"]
    django = "shop.settings"      # src/shop/settings.py""",
    ),
    "L043": Code(
        Severity.ERROR,
        "unknown management command",
        """\
manage names a command of Django or of an installed app; `manage.py help` lists them all.

Wrong:
    manage = "clearsession"

Right:
    manage = "clearsessions\"""",
    ),
    "L044": Code(
        Severity.ERROR,
        "a management command does not take its arguments",
        """\
What stands behind the name of the command is read as manage.py reads it; `manage.py help COMMAND`
shows what the command takes.

Wrong:
    manage = "sendtestemail --to ops@example.org"

Right:
    manage = "sendtestemail ops@example.org\"""",
    ),
    "L045": Code(
        Severity.ERROR,
        "manage without Django",
        """\
A management command runs with the settings of a Django project, which [linod] names.

Wrong:
    manage = "clearsessions"

Right:
    [linod]
    django = "shop.settings"

    [tasks.clearsessions]
    manage = "clearsessions\"""",
    ),
    "L046": Code(
        Severity.ERROR,
        "a log server that cannot start, or is none",
        """\
What listens beyond this machine needs TLS and a way to know who sends: a certificate with its key,
and a token_file that only its owner can read, or an authority. A sender names tls://HOST:PORT or
unix:///PATH. Files that you may not read are left to the daemon.

Wrong:
    [log]
    listen = "0.0.0.0:5170"

Right:
    [log]
    listen = "127.0.0.1:5170"
    token_file = "/etc/linod/token"
""",
    ),
}

# L050-L079: keys and values
_KEYS: dict[str, Code] = {
    "L050": Code(
        Severity.ERROR,
        "unknown key or table",
        """\
The key is not one that linod knows there. `linod schema` lists them all.

Wrong:
    timout = "1 hour"

Right:
    timeout = "1 hour"
""",
    ),
    "L051": Code(
        Severity.ERROR,
        "a value of the wrong kind",
        """\
Kinds are strict: "no" is not false, true is not 1, 3.9 is no whole number, one text is no list.

Wrong:
    enabled = "no"

Right:
    enabled = false""",
    ),
    "L052": Code(
        Severity.ERROR,
        "a value that is not among those allowed",
        """\
The key takes one of a few words, or text of a certain form.

Wrong:
    overlap = "skp"

Right:
    overlap = "skip"
""",
    ),
    "L053": Code(
        Severity.ERROR,
        "not a duration",
        """\
A duration is text: a number and a unit, the larger unit first. Units are seconds, minutes, hours,
days and weeks, in full or short (s, min, h, d, w); months and years have no fixed length. At most
300 years.

Wrong:
    timeout = "90"

Right:
    timeout = "1 h 30 min"
""",
    ),
    "L054": Code(
        Severity.ERROR,
        "not a size or a time of day",
        """\
A size is a number and a unit: B, kB, MB, GB (powers of 1000) or KiB, MiB, GiB (of 1024). A time of
day is "07:00" or "07:00:30"; two of them joined by "-" are a window.

Wrong:
    rotation = "20 megs"
    allowed = "20-6"

Right:
    rotation = "20 MB"
    allowed = "20:00-06:00"
""",
    ),
    "L055": Code(
        Severity.ERROR,
        "a number out of bounds",
        """\
The value is too small, too large, not finite, or a whole number of more than 64 bits.

Wrong:
    nice = 40

Right:
    nice = 19""",
    ),
    "L056": Code(
        Severity.ERROR,
        "a key is missing",
        """\
The table means nothing without this key.

Wrong:
    [pools.database]

Right:
    [pools.database]
    size = 2""",
    ),
    "L057": Code(
        Severity.ERROR,
        "not exactly one thing to run",
        """\
A task names one of procedure, command, shell and manage. Where [linod] discover or django is set,
a table without any of them changes the keys of a discovered task of that name.

Wrong:
    [tasks.mail]
    recurrence = "@daily"

Right:
    [tasks.mail]
    procedure = "shop.tasks.mail"
    recurrence = "@daily"
""",
    ),
    "L058": Code(
        Severity.ERROR,
        "keys that exclude each other",
        """\
arguments go with procedure; exit_codes go with command or shell. The store is a file of its own,
not that of the log.

Wrong:
    command = "updatedb"
    arguments = { path = "/" }

Right:
    command = ["updatedb", "--localpaths=/"]""",
    ),
    "L059": Code(
        Severity.ERROR,
        "unknown time zone",
        """\
Zones are names of the IANA time zone database. Paths, "localtime" and offsets like "UTC+2" are
refused: they mean something else on each machine, or at each time of the year.

Wrong:
    timezone = "Tallinn"

Right:
    timezone = "Europe/Tallinn"
""",
    ),
    "L060": Code(
        Severity.ERROR,
        "not a name",
        """\
Names of tasks, chains, pools and calendars have letters A-Z and a-z, digits, _ and -, at most 100
of them, and do not begin with "-".

Wrong:
    [tasks."send mail"]

Right:
    [tasks.send_mail]""",
    ),
    "L061": Code(
        Severity.ERROR,
        "a task inside a task",
        """\
A dot in a heading begins a table inside the table, so task names cannot contain one.

Wrong:
    [tasks.shop.report]

Right:
    [tasks.shop_report]""",
    ),
    "L062": Code(
        Severity.ERROR,
        "a name stands twice",
        """\
All files share the names of tasks, and chains share them with tasks.

Wrong:
    # a.toml
    [tasks.mail]
    # b.toml
    [tasks.mail]

Right:
    # b.toml
    [tasks.shop_mail]""",
    ),
    "L063": Code(
        Severity.ERROR,
        "unknown task",
        """\
after and the tasks of a chain name tasks that stand in one of the files or are discovered.

Wrong:
    after = ["extrct"]

Right:
    after = ["extract"]""",
    ),
    "L064": Code(
        Severity.ERROR,
        "tasks that wait for each other",
        """\
Following after leads back to where it began, so none of these tasks could ever start. A chain
waits for its tasks.

Wrong:
    [tasks.a]
    after = ["b"]
    [tasks.b]
    after = ["a"]

Right:
    [tasks.b]
    after = ["a"]""",
    ),
    "L065": Code(
        Severity.ERROR,
        "unknown pool",
        """\
pool names a table [pools.NAME] of one of the files.

Wrong:
    pool = "databse"

Right:
    [pools.database]
    size = 2""",
    ),
    "L066": Code(
        Severity.ERROR,
        "unknown calendar",
        """\
exclude names a table [calendars.NAME] of one of the files.

Wrong:
    exclude = [{ calendar = "et" }]

Right:
    [calendars.ee]
    country = "EE"
""",
    ),
    "L067": Code(
        Severity.ERROR,
        "an end before the start",
        """\
The task would never be due. A date as end includes that day.

Wrong:
    start = 2026-12-31
    end = 2026-01-01

Right:
    start = 2026-01-01
    end = 2026-12-31""",
    ),
    "L068": Code(
        Severity.ERROR,
        "not a dotted path",
        """\
A procedure is named package.module.function, without colon, slash or parentheses.

Wrong:
    procedure = "shop.tasks:report()"

Right:
    procedure = "shop.tasks.report"
""",
    ),
    "L069": Code(
        Severity.ERROR,
        "a reference cannot be resolved",
        """\
Any text may be { env = "NAME", default = "…" } or { file = "path" }. The variable must be set or
have a default, the file must be readable text of at most 64 KiB.

Wrong:
    env = { TOKEN = { env = "TOKN" } }

Right:
    env = { TOKEN = { file = "/run/secrets/token" } }""",
    ),
    "L070": Code(
        Severity.ERROR,
        "max_events without start",
        """\
max_events counts occurrences from start; without one every restart would count anew.

Wrong:
    max_events = 10

Right:
    start = 2026-01-05
    max_events = 10""",
    ),
    "L071": Code(
        Severity.ERROR,
        "PostgreSQL is not there yet",
        """\
The store is an SQLite file for now.

Wrong:
    store = "postgresql://…"

Right:
    store = "var/linod.db"
""",
    ),
    "L072": Code(
        Severity.ERROR,
        "not the name of an environment variable",
        """\
A name is not empty and has neither "=" nor NUL in it.

Wrong:
    env = { "A=B" = "1" }

Right:
    env = { A = "B=1" }""",
    ),
    "L073": Code(
        Severity.ERROR,
        "a command that cannot be split",
        """\
command is a list of words, or text split like a shell would. It is not empty and its quotes are
closed.

Wrong:
    command = "echo it's"

Right:
    command = ["echo", "it's"]""",
    ),
    "L074": Code(
        Severity.ERROR,
        "a chain that cannot be",
        """\
A chain has tasks; each is in one chain only, and there once, is no chain and has neither a
recurrence nor `after` of its own: when it runs is what the chain says.

Wrong:
    [chains.nightly]
    tasks = []

Right:
    [chains.nightly]
    tasks = ["extract", "load"]""",
    ),
    "L075": Code(
        Severity.ERROR,
        "an old name that cannot be",
        """\
formerly lists the names that a task or chain had before: their history, cursor and pauses come
along. So it is a name that no task and no chain has now, and that no other one claims.

Wrong:
    [tasks.report]
    command = "make-report"
    formerly = ["report"]

Right:
    [tasks.report]
    command = "make-report"
    formerly = ["weekly_report"]""",
    ),
    "L076": Code(
        Severity.ERROR,
        "not the name of a user or group",
        """\
user and group are names, not numbers.

Wrong:
    user = "#0"

Right:
    user = "backup"
""",
    ),
    "L077": Code(
        Severity.ERROR,
        "not an offset from the occurrence",
        """\
{ due = … } in arguments is a duration before or after the time at which the task is due.

Wrong:
    day = { due = "yesterday" }

Right:
    day = { due = "-1 day" }""",
    ),
    "L078": Code(
        Severity.ERROR,
        "a calendar that cannot be read",
        """\
A calendar has days: dates, the public holidays of a country, or the events of an iCalendar file.
A country is written as its ISO 3166 code; the holidays come from the holidays library, which is an
extra: pip install 'linod[holidays]'. A file is read as RFC 5545 says, and the line tells where it
is not so.

Wrong:
    [calendars.closed]
    country = "Estonia"

Right:
    [calendars.closed]
    country = "EE"
    dates = [2026-12-31]""",
    ),
    "L079": Code(
        Severity.ERROR,
        "a line of an env_file that cannot be read",
        """\
A line is NAME=value; empty lines and those that begin with # or ; are passed over, and `export `
may stand before the name. A value is taken as it is, without expansion of $, up to the end of the
line. In quotes it may begin or end with spaces; in double quotes a backslash stands before ", \\, $
and `. What systemd, docker and shells read differently is refused: quote it.

Wrong:
    TOKEN = abc
    MODE=batch # at night

Right:
    TOKEN=abc
    # at night
    MODE=batch""",
    ),
}

# L080-L089: warnings on values
_WARNINGS: dict[str, Code] = {
    "L080": Code(
        Severity.WARNING,
        "shell signs in a command",
        """\
command runs a program without a shell, so pipes, redirections, wildcards and $variables reach it
as plain words. shell gives the text to /bin/sh.

Wrong:
    command = "df -h | mail root"

Right:
    shell = "df -h | mail root"
""",
    ),
    "L081": Code(
        Severity.WARNING,
        "names that differ only by case",
        """\
People, and some file systems, take them for the same.

Wrong:
    [tasks.Mail]
    [tasks.mail]

Right:
    [tasks.mail]
    [tasks.mail_digest]""",
    ),
    "L082": Code(
        Severity.WARNING,
        "kill_after is longer than timeout",
        """\
A run that ignores TERM would live longer after its timeout than before it.

Wrong:
    timeout = "10 seconds"
    kill_after = "5 minutes"

Right:
    timeout = "10 seconds"
    kill_after = "5 seconds"
""",
    ),
    "L083": Code(
        Severity.WARNING,
        "longer or shorter than the time between two runs",
        """\
A jitter, spread or cooldown longer than the interval delays or skips runs for good; with a
catch_up_window shorter than the interval nothing is ever caught up.

Wrong:
    recurrence = "every 10 seconds"
    jitter = "1 minute"

Right:
    recurrence = "every 10 seconds"
    jitter = "2 seconds"
""",
    ),
    "L084": Code(
        Severity.WARNING,
        "a file that others can change",
        """\
Who can change the file, a directory above it or a module that it names, decides what runs as
you. As root this is an error (L006).

Wrong:
    chmod 666 linod.toml

Right:
    chmod 644 linod.toml""",
    ),
    "L085": Code(
        Severity.WARNING,
        "a secret that everyone can read",
        """\
The file of a { file = … } reference can be read by every user of the machine.

Wrong:
    chmod 644 /run/secrets/token

Right:
    chmod 600 /run/secrets/token""",
    ),
    "L086": Code(
        Severity.WARNING,
        "max_delay is shorter than delay",
        """\
Every wait would be max_delay.

Wrong:
    retry = { delay = "1 minute", max_delay = "10 seconds" }

Right:
    retry = { delay = "10 seconds", max_delay = "1 minute" }""",
    ),
    "L087": Code(
        Severity.WARNING,
        "an entry of import_path that does not exist",
        """\
Python passes over it in silence, and the modules expected there are missing.

Wrong:
    import_path = ["scr"]

Right:
    import_path = ["src"]
""",
    ),
    "L088": Code(
        Severity.WARNING,
        "the system has no time zone",
        """\
Neither TZ nor /etc/localtime nor /etc/timezone names a zone, so UTC is taken.

Wrong:
    [linod]

Right:
    [linod]
    timezone = "Europe/Tallinn"
""",
    ),
    "L089": Code(
        Severity.WARNING,
        "an include that matches nothing",
        """\
The glob is right, but no file is there.

Wrong:
    include = ["cond.d/*.toml"]

Right:
    include = ["conf.d/*.toml"]""",
    ),
}

# L090-L099: keys whose effect comes later
_LATER: dict[str, Code] = {
    "L090": Code(
        Severity.NOTE,
        "a key whose effect comes later",
        """\
The key is accepted and checked, but this version does nothing with it yet. It may stay.

Wrong:
    notify = ["ops"]     # no effect yet

Right:
    # nothing to mend""",
    ),
    "L091": Code(
        Severity.NOTE,
        "the system's time zone is taken",
        """\
[linod] timezone is not set, so times of day are read in the system's zone. Set it if the file
may move to a machine in another zone.

Wrong:
    [linod]

Right:
    [linod]
    timezone = "Europe/Tallinn"
""",
    ),
    "L092": Code(
        Severity.WARNING,
        "a user that only root can become",
        """\
Where linod does not run as root, user and group have no effect: the runs stay with the user of
linod, and so does what they may read and write. Check the file as root to see what root sees.

Wrong:
    user = "backup"     # and linod runs as alice

Right:
    sudo linod serve
""",
    ),
    "L093": Code(
        Severity.WARNING,
        "a program or directory that is not there",
        """\
A run needs the program and the directory that its task names, and this one was not found when the
file was checked. The daemon may see more than you: its PATH can be another one.

Wrong:
    command = ["gizp", "dump.sql"]

Right:
    command = ["gzip", "dump.sql"]""",
    ),
    "L094": Code(
        Severity.WARNING,
        "a key without effect",
        """\
The key is right, but what it needs is not there: max_running goes with overlap = "allow";
max_runs with process = "reused", and that with a procedure or manage, not with a program;
on_excluded with exclude and times of day; exclude with a recurrence that has times;
limits.processes with a user who is not root; [log] directory, rotation, retention and compression
with "file" in `to`; [log] format with a sink that names none itself. Or it is a calendar in which
no day was found.

Wrong:
    recurrence = "every day at 07:00"
    max_running = 4

Right:
    recurrence = "every day at 07:00"
    overlap = "allow"
    max_running = 4""",
    ),
    "L095": Code(
        Severity.WARNING,
        "a priority or a limit that linod may not give",
        """\
Only root may give a run a higher priority than linod has itself, or a limit above the hard limit
of its user (ulimit -H); a task with a user has that user's hard limits. In a container, root needs
the capabilities SYS_NICE and SYS_RESOURCE. The task runs all the same, with what there is. Check
the file as root to see what root sees.

Wrong:
    nice = -5     # and linod runs as alice

Right:
    nice = 5
""",
    ),
}

CODES: dict[str, Code] = {
    **_FILES,
    **_NOTATIONS,
    **_TIMES,
    **_PROCEDURES,
    **_KEYS,
    **_WARNINGS,
    **_LATER,
}
