"""Tell under which licence rows and rejected texts may be passed on, and which may not be."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import NamedTuple

from tripletgen.captions.sources import UNKNOWN_LICENCE
from tripletgen.errors import DataError


class Licence(NamedTuple):
    """What publishing asks of a licence: the Hub's tag, where its text is, and the licence under which a whole may stand that holds it.

    `rank` orders the licences of one line by what they demand; `line` tells what two demands may be met at once:
    `free` joins every line, and rows of two different other lines cannot stand under one licence.
    """

    name: str
    tag: str
    url: str
    line: str
    rank: int


_CC = "https://creativecommons.org/licenses/"
_SPDX = "https://spdx.org/licenses/"

_KNOWN = (
    Licence("CC0-1.0", "cc0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/", "free", 0),
    Licence("PDDL-1.0", "pddl", _SPDX + "PDDL-1.0.html", "free", 0),
    Licence("Unlicense", "unlicense", _SPDX + "Unlicense.html", "free", 0),
    Licence("MIT", "mit", _SPDX + "MIT.html", "free", 1),
    Licence("BSD-2-Clause", "bsd-2-clause", _SPDX + "BSD-2-Clause.html", "free", 1),
    Licence("BSD-3-Clause", "bsd-3-clause", _SPDX + "BSD-3-Clause.html", "free", 1),
    Licence("Apache-2.0", "apache-2.0", _SPDX + "Apache-2.0.html", "free", 2),
    Licence("CDLA-Permissive-1.0", "cdla-permissive-1.0", _SPDX + "CDLA-Permissive-1.0.html", "free", 2),
    Licence("CDLA-Permissive-2.0", "cdla-permissive-2.0", _SPDX + "CDLA-Permissive-2.0.html", "free", 1),
    # "May be freely used for any purpose, although acknowledgement of Google LLC as the data source would be appreciated."
    Licence("LicenseRef-CC3M", "other", "https://github.com/google-research-datasets/conceptual-captions/blob/master/LICENSE", "free", 2),
    Licence("ODC-By-1.0", "odc-by", _SPDX + "ODC-By-1.0.html", "free", 3),
    Licence("CC-BY-2.0", "cc-by-2.0", _CC + "by/2.0/", "free", 3),
    Licence("CC-BY-2.5", "cc-by-2.5", _CC + "by/2.5/", "free", 3),
    Licence("CC-BY-3.0", "cc-by-3.0", _CC + "by/3.0/", "free", 4),
    Licence("CC-BY-4.0", "cc-by-4.0", _CC + "by/4.0/", "free", 5),
    Licence("CC-BY-SA-3.0", "cc-by-sa-3.0", _CC + "by-sa/3.0/", "sharealike", 6),
    Licence("CC-BY-SA-4.0", "cc-by-sa-4.0", _CC + "by-sa/4.0/", "sharealike", 7),
    Licence("ODbL-1.0", "odbl", _SPDX + "ODbL-1.0.html", "odbl", 7),
    Licence("CC-BY-NC-3.0", "cc-by-nc-3.0", _CC + "by-nc/3.0/", "noncommercial", 6),
    Licence("CC-BY-NC-4.0", "cc-by-nc-4.0", _CC + "by-nc/4.0/", "noncommercial", 7),
    Licence("CC-BY-NC-SA-3.0", "cc-by-nc-sa-3.0", _CC + "by-nc-sa/3.0/", "noncommercial", 8),
    Licence("CC-BY-NC-SA-4.0", "cc-by-nc-sa-4.0", _CC + "by-nc-sa/4.0/", "noncommercial", 9),
)
LICENCES = {licence.name.lower(): licence for licence in _KNOWN}
"""Every licence under which rows may be published, by its SPDX name in lower case."""

_NOT_MINE = "a triplet changes its caption, and this licence forbids passing on changed works"
NOT_REDISTRIBUTABLE = {
    **{f"cc-by{nc}-nd-{version}": _NOT_MINE for nc in ("", "-nc") for version in ("2.0", "2.5", "3.0", "4.0")},
    "all-rights-reserved": "it does not allow redistribution",
    "proprietary": "it does not allow redistribution",
    "research-only": "it does not allow redistribution",
}
"""Licences that are known, and known not to allow what `publish` does, with the reason."""


def find_licence(name: str) -> Licence | None:
    """Return what is known of a licence; case does not matter."""
    return LICENCES.get(name.strip().lower())


class Derived(NamedTuple):
    """The licence of a whole data set: `tags` for the Hub, `strictest` for people; None where its texts allow none."""

    tags: tuple[str, ...]
    strictest: Licence | None
    faults: tuple[str, ...]


def licences_of_rejects(counts: Mapping[str, int], sources: Iterable[Mapping[str, object]]) -> dict[str, int]:
    """Return the number of rejected texts by licence, of the numbers by source: a reject names its source alone.

    Where sources of two licences share a name, nobody knows which of them it was, so its texts count under both.
    """
    licences: dict[str, list[str]] = {}
    for source in sources:
        licences.setdefault(str(source["name"]), []).append(str(source["licence"]))
    found: Counter[str] = Counter()
    for name, number in counts.items():
        for licence in licences.get(name, [UNKNOWN_LICENCE]):
            found[licence] += number
    return dict(sorted(found.items()))


def derive_licence(
    rows: Mapping[str, int], sources: Iterable[Mapping[str, object]] = (), rejects: Mapping[str, int] | None = None
) -> Derived:
    """Return the licence that rows and rejected texts of these licences (name -> number) may stand under together.

    Licences that ask for no more than naming the source combine with every other one, and the strictest one names the whole.
    Share-alike and non-commercial texts cannot stand under one licence, so those faults name both.
    """
    faults = []
    for what, counts in (("rows", rows), ("rejected texts", rejects or {})):
        for name, number in counts.items():
            if find_licence(name) is None:
                reason = NOT_REDISTRIBUTABLE.get(name.strip().lower(), "the licence is not known")
                faults.append(f"{number:,} {what} of {_sources_of(name, sources)} are under {name!r}: {reason}")
    found = {licence for name in chain(rows, rejects or {}) if (licence := find_licence(name))}
    known = sorted(found, key=lambda licence: (licence.rank, licence.name))
    lines = [licence for licence in known if licence.line != "free"]
    if len({licence.line for licence in lines}) > 1:
        faults.append(f"{' and '.join(licence.name for licence in lines)} cannot be combined: each demands the whole for itself")
    if faults or not known:
        return Derived(("unknown",), None, tuple(faults))
    return Derived((known[-1].tag,), known[-1], ())


def _sources_of(licence: str, sources: Iterable[Mapping[str, object]]) -> str:
    names = sorted({str(source["name"]) for source in sources if source["licence"] == licence})
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return shown or "an unnamed source"


def check_publishable(
    rows: Mapping[str, int], sources: Iterable[Mapping[str, object]], rejects: Mapping[str, int] | None = None
) -> Licence:
    """Return the licence of a data set that may be published.

    Raises:
        DataError: rows or rejected texts are of an unknown or non-redistributable licence, or of licences that exclude each other.
    """
    derived = derive_licence(rows, list(sources), rejects)
    if derived.strictest is None:
        apart = "; a build without --keep-rejects leaves the rejected texts out" if rejects else ""
        raise DataError(
            f"may not be published: {'; '.join(derived.faults) or 'no row has a licence'}",
            "give each source its SPDX licence (--licence, or `licence:` in a recipe) and build again; "
            f"sources that exclude each other go into data sets of their own{apart}",
        )
    return derived.strictest
