"""The licence of a whole follows from the licences of its rows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripletgen.errors import DataError
from tripletgen.licences import LICENCES, check_publishable, derive_licence, licences_of_rejects

COMBINATIONS = {
    ("CC0-1.0",): "cc0-1.0",
    ("CC0-1.0", "CC-BY-4.0"): "cc-by-4.0",
    ("MIT", "Apache-2.0", "CC0-1.0"): "apache-2.0",
    ("CC-BY-4.0", "CC-BY-3.0", "CC-BY-2.0"): "cc-by-4.0",
    ("CC-BY-4.0", "CC-BY-SA-4.0"): "cc-by-sa-4.0",
    ("CC-BY-SA-3.0", "CC-BY-SA-4.0", "MIT"): "cc-by-sa-4.0",
    ("CC-BY-NC-4.0", "CC-BY-4.0"): "cc-by-nc-4.0",
    ("CC-BY-NC-4.0", "CC-BY-NC-SA-4.0"): "cc-by-nc-sa-4.0",
    ("LicenseRef-CC3M", "CC0-1.0"): "other",
    ("LicenseRef-CC3M", "CC-BY-4.0"): "cc-by-4.0",
    ("cc-by-4.0",): "cc-by-4.0",
}


@pytest.mark.parametrize(("names", "tag"), COMBINATIONS.items())
def test_compatible_licences_combine_to_the_strictest(names, tag):
    derived = derive_licence(dict.fromkeys(names, 3))
    assert (derived.tags, derived.faults) == ((tag,), ())


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("CC-BY-SA-4.0", "CC-BY-NC-4.0"), "CC-BY-NC-4.0 and CC-BY-SA-4.0 cannot be combined"),
        (("ODbL-1.0", "CC-BY-SA-4.0", "MIT"), "CC-BY-SA-4.0 and ODbL-1.0 cannot be combined"),
    ],
)
def test_licences_that_exclude_each_other_are_refused_by_name(names, said):
    with pytest.raises(DataError, match=said):
        check_publishable(dict.fromkeys(names, 1), [])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("unknown", "the licence is not known"),
        ("My own", "the licence is not known"),
        ("", "the licence is not known"),
        ("CC-BY-ND-4.0", "forbids passing on changed works"),
        ("CC-BY-NC-ND-4.0", "forbids passing on changed works"),
        ("All-Rights-Reserved", "does not allow redistribution"),
        ("research-only", "does not allow redistribution"),
    ],
)
def test_a_licence_that_does_not_allow_it_is_refused_with_the_sources_of_its_rows(name, reason):
    sources = [{"name": f"part{k}.txt", "licence": name} for k in range(7)] + [{"name": "free.txt", "licence": "MIT"}]
    with pytest.raises(DataError) as caught:
        check_publishable({name: 1234, "MIT": 5}, sources)
    assert reason in caught.value.message
    assert f"1,234 rows of part0.txt, part1.txt, part2.txt, part3.txt, part4.txt and 2 more are under {name!r}" in caught.value.message
    assert "free.txt" not in caught.value.message


def test_a_reject_counts_under_every_licence_that_its_source_may_have():
    sources = [
        {"name": "a", "licence": "MIT"},
        {"name": "b", "licence": "MIT"},
        {"name": "b", "licence": "CC-BY-4.0"},
    ]
    found = licences_of_rejects({"a": 3, "b": 2, "gone": 1}, sources)
    assert found == {"CC-BY-4.0": 2, "MIT": 5, "unknown": 1}


def test_rows_and_rejected_texts_that_exclude_each_other_are_refused():
    with pytest.raises(DataError, match=r"CC-BY-NC-4\.0 and CC-BY-SA-4\.0 cannot be combined"):
        check_publishable({"CC-BY-SA-4.0": 1}, [], {"CC-BY-NC-4.0": 1})


def test_no_rows_may_not_be_published():
    with pytest.raises(DataError, match="no row has a licence"):
        check_publishable({}, [])


NAMES = st.dictionaries(st.sampled_from([licence.name for licence in LICENCES.values()]), st.integers(1, 9), min_size=1)


@given(NAMES, st.sampled_from([licence.name for licence in LICENCES.values()]))
def test_one_licence_more_never_makes_the_whole_freer(rows, more):
    before, after = derive_licence(rows), derive_licence({**rows, more: 1})
    if before.strictest is None:
        assert after.strictest is None
    if after.strictest is not None:
        assert after.strictest.rank >= before.strictest.rank


@given(NAMES)
def test_the_order_and_the_numbers_of_rows_do_not_matter(rows):
    assert derive_licence(rows).tags == derive_licence(dict.fromkeys(reversed(rows), 1)).tags
