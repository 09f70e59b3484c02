"""Words for TOML that is not TOML: the slips people make, each with what is right.

tomllib stops at the first slip and tells where; the table `_SLIPS` is tried on that line, and
its own words are used where none fits.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable

from attrs import frozen

from linod.diagnostics import Diagnostic
from linod.loader.places import Places
from linod.loader.prescan import OPAQUE

_POSITION = re.compile(r"^(.*) \((?:at line (\d+), column (\d+)|at end of document)\)$", re.DOTALL)
_TWICE = ("Cannot declare", "Cannot overwrite", "Cannot mutate", "Duplicate", "Cannot redefine")


@frozen
class Slip:
    """One way of being wrong: where to look, and what to say."""

    pattern: re.Pattern[str]
    message: str
    label: Callable[[re.Match[str]], str]
    help: str = ""


def _say(text: str) -> Callable[[re.Match[str]], str]:
    return lambda _: text


def _value_in_quotes(match: re.Match[str]) -> str:
    value = match["value"].strip()
    return f'write "{value}"' if len(value) <= 60 and '"' not in value else "write it in quotes"


_NAME_SIGNS = "only letters, digits, _ and -"
_KEY = r"""^\s*(?:[A-Za-z0-9_."'-]+)\s*"""

# What may stand before, with its texts left out: their insides are no slips.
_BEFORE = r"""^(?:[^"'#]|"(?:[^"\\]|\\.)*"|'[^']*')*?"""

# Tried in order on the line of the error; the group `value` is what is marked.
_SLIPS = (
    Slip(
        re.compile(r"(?P<value>[“”„‘’«»])"),
        "a typographic quotation mark",
        _say('write "'),
        "TOML knows \" and ' only",
    ),
    Slip(
        re.compile(
            _BEFORE + r"(?<![0-9:T \"'-])\s*(?P<value>\b[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?\b)"
        ),
        "a time of day without quotes",
        _value_in_quotes,
    ),
    Slip(
        re.compile(_KEY + r"=\s*(?P<value>(?:True|TRUE|False|FALSE)\b)"),
        "true and false are written in lower case",
        lambda match: f"write {match['value'].lower()}",
    ),
    Slip(
        re.compile(_KEY + r"=\s*(?P<value>(?:None|null|nil|~)\b)"),
        "TOML has no null",
        _say('leave the key out, or write "none"'),
    ),
    Slip(
        re.compile(_KEY + r"=\s*(?P<value>(?:yes|no|on|off|Yes|No|On|Off)\b)\s*(?:#.*)?$"),
        "a truth value is written true or false",
        lambda match: "write " + ("true" if match["value"].lower() in ("yes", "on") else "false"),
    ),
    Slip(
        re.compile(_KEY + r"(?P<value>:)"),
        'a colon where "=" belongs',
        _say("write ="),
        'TOML writes key = value; "key: value" is YAML',
    ),
    Slip(
        re.compile(_KEY + r"=\s*(?P<value>)(?:#.*)?$"),
        "the value is missing",
        _say("write it here"),
    ),
    Slip(
        re.compile(r"""=\s*(?P<value>"(?!"")(?:[^"\\]|\\.)*)$"""),
        "the text is not closed",
        _say('a " is missing at its end'),
        'text of several lines is written in """',
    ),
    Slip(
        re.compile(r"""=\s*(?P<value>'(?!'')[^']*)$"""),
        "the text is not closed",
        _say("a ' is missing at its end"),
        "text of several lines is written in '''",
    ),
    Slip(
        re.compile(r"""=\s*(?P<value>'[^']*'[A-Za-z][^#]*?)\s*(?:#.*)?$"""),
        "the text ends at its second '",
        _say('write it in "'),
    ),
    Slip(
        re.compile(_KEY + r"=\s*(?P<value>[A-Za-z@/.~*$%&<][^#\"'\[\]{}]*?)\s*(?:#.*)?$"),
        "text without quotes",
        _value_in_quotes,
    ),
    Slip(
        re.compile(
            _KEY + r"=\s*(?P<value>[0-9*][^#\"'\[\]{},=]*[A-Za-z*/ ][^#\"'\[\]{},=]*?)\s*(?:#.*)?$"
        ),
        "text without quotes",
        _value_in_quotes,
    ),
    Slip(
        re.compile(
            r"^(?=[^=]*=)"
            + _BEFORE[1:]
            + r"(?<=[\[,=])[ ]*(?!(?:true|false|inf|nan|0[xob]|[0-9.]+e[0-9])\b)"
            r"(?P<value>(?:[A-Za-z@/.~*]|[0-9]+[ ]?[A-Za-z])[^#\"'\[\]{},=]*?)\s*[,\]}]"
        ),
        "text without quotes",
        _value_in_quotes,
    ),
    Slip(
        re.compile(r"^\s*(?P<value>\[[^\]\[]*)$"),
        "the heading is not closed",
        _say("a ] is missing at its end"),
    ),
    Slip(
        re.compile(r"^\s*(?P<value>\[\[?[^\]]*[^\]A-Za-z0-9_.\"'\s-][^\]]*\]?\]?)\s*$"),
        "a heading holds what a name cannot",
        _say(_NAME_SIGNS),
    ),
    Slip(
        re.compile(r"^\s*(?P<value>[A-Za-z0-9_-]+)\s*(?:#.*)?$"),
        'a key without "=" and value',
        _say("write = and a value"),
    ),
    Slip(
        re.compile(r"""^\s*(?P<value>[A-Za-z0-9_-]+)\s+(?=["'0-9\[{])"""),
        'a "=" is missing after the key',
        _say("write = after it"),
    ),
)


@frozen
class Complaint:
    """A message of tomllib, with what stands at its place, in better words."""

    message: str
    at: re.Pattern[str]
    words: str
    label: str


# Tried where no slip fits: the beginning of tomllib's message, and the text at its place.
_COMPLAINTS = (
    Complaint("Unclosed array", re.compile(r"\s*$|\w+\s*="), "the list is not closed", "write ]"),
    Complaint(
        "Unclosed array", re.compile(r"[\"'\w\[{]"), "a comma is missing before this", "write ,"
    ),
    Complaint(
        "Unclosed inline table", re.compile(r"\s*(#.*)?$"), "a table in { } stands on one line", ""
    ),
    Complaint(
        "Unclosed inline table", re.compile(r"[\"'\w]"), "a comma is missing before this", "write ,"
    ),
    Complaint(
        "Invalid initial character for a key part",
        re.compile(r"\}"),
        "a table in { } does not end with a comma",
        "leave the comma out",
    ),
    Complaint(
        "Invalid initial character for a key part", re.compile(r"\."), "two dots in a key", ""
    ),
    Complaint(
        "Invalid initial character for a key part",
        re.compile(r"\s*(#.*)?$"),
        "a table in { } stands on one line",
        "",
    ),
    Complaint("Expected '=' after a key", re.compile(":"), 'a colon where "=" belongs', "write ="),
    Complaint("Expected '=' after a key", re.compile(""), 'a "=" is missing after the key', ""),
    Complaint(
        "Expected newline",
        re.compile(r"(?<=[0-9])[-.:0-9]"),
        "not a number, a date or a time",
        "text is written in quotes",
    ),
    Complaint(
        "Expected newline", re.compile(""), "one key stands on each line: this is too much", ""
    ),
    Complaint("Expected ']'", re.compile(""), "a heading holds what a name cannot", _NAME_SIGNS),
    Complaint(
        "Invalid hex value", re.compile(""), "a backslash begins an escape", "write '…' around it"
    ),
    Complaint(
        "Unescaped", re.compile(""), "a backslash begins an escape", "write '…' around the text"
    ),
    Complaint("Invalid statement", re.compile(";|//"), "a comment begins with #", "write #"),
    Complaint(
        "Invalid statement", re.compile("<<<<<<<|=======|>>>>>>>"), "a mark of a merge conflict", ""
    ),
    Complaint("Invalid statement", re.compile(r"\{"), "this is JSON, not TOML", ""),
)
_OPAQUE = re.compile(OPAQUE)


def explain(text: str, error: ValueError, places: Places) -> Diagnostic:
    """Turn a refusal of tomllib into a diagnostic."""
    match = _POSITION.match(str(error))
    if match is None:
        return _long_number(text, places)
    message = match[1]
    line, column = int(match[2] or 0), int(match[3] or 0)
    offset = places.offset(line, column) if line else len(text.rstrip())
    if message.startswith(_TWICE) and (found := _repeated(places)) is not None:
        return found
    # tomllib stands behind the line break where a text is not closed.
    start = text.rfind("\n", 0, offset) + 1
    return (
        _unclosed_lines(text, places)
        or _slip(text, start, places)
        or _in_better_words(message, offset, text, places)
    )


def _unclosed_lines(text: str, places: Places) -> Diagnostic | None:
    """Find a text of several lines without end: it swallows the rest of the file."""
    last = None
    for last in _OPAQUE.finditer(text):  # noqa: B007 - the last one is wanted
        pass
    if last is None or last.end() < len(text.rstrip()):
        return None
    quotes = last[0][:3]
    if quotes not in ('"""', "'''") or (len(last[0]) >= 6 and last[0].endswith(quotes)):
        return None
    place = places.at(last.start(), last.start() + 3)
    return Diagnostic("L004", "the text is not closed", place, f"{quotes} is missing at its end")


def _slip(text: str, start: int, places: Places) -> Diagnostic | None:
    end = text.find("\n", start)
    line = text[start : end if end >= 0 else None].rstrip("\r")
    for slip in _SLIPS:
        match = slip.pattern.search(line[:1000])
        if match is not None:
            first, last = match.span("value")
            place = places.at(start + first, start + max(last, first + 1))
            return Diagnostic("L004", slip.message, place, slip.label(match), slip.help or None)
    return None


def _in_better_words(message: str, offset: int, text: str, places: Places) -> Diagnostic:
    offset = min(offset, max(0, len(text) - 1))
    place = places.at(offset, offset + 1)
    for complaint in _COMPLAINTS:
        if message.startswith(complaint.message) and complaint.at.match(
            place.text, place.column - 1
        ):
            return Diagnostic("L004", complaint.words, place, complaint.label)
    return Diagnostic("L004", message[:1].lower() + message[1:], place)


def _repeated(places: Places) -> Diagnostic | None:
    """Show both places of what stands twice."""
    places.spot(("",))
    if not places.repeated:
        return None
    first, second = places.repeated[0]
    former = places.at(*first.key)
    name = places.text[slice(*second.key)]
    note = f"first at {former.file}:{former.line}:{former.column}"
    message = f"{name[:100]} stands twice"
    place = places.at(*second.key, header=second.header)
    return Diagnostic("L007", message, place, "each name stands once", notes=(note,))


def _long_number(text: str, places: Places) -> Diagnostic:
    """Python refuses to read a number of thousands of digits, without saying where."""
    match = re.search(r"[0-9_]{4000,}", text)
    place = places.at(*match.span()) if match else places.at(0, 1)
    return Diagnostic("L055", "a whole number of more than 64 bits", place)


def parse(text: str, places: Places) -> dict[str, object] | Diagnostic:
    """Parse a file, or say what is wrong with it."""
    try:
        return tomllib.loads(text)
    except ValueError as error:
        return explain(text, error, places)
    except RecursionError:
        return Diagnostic("L003", "nested too deep", places.at(0, 1))
