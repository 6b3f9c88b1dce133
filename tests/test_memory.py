"""Triplets in memory: nothing is written, equal arguments give equal triplets."""

import subprocess
import sys

import pytest

import tripletgen
from tests.helpers import CAPTIONS, environment
from tripletgen.captions.sources import SourceSpec
from tripletgen.errors import SourceError, UsageError
from tripletgen.filters import reject
from tripletgen.schema import EDIT_TYPES, ORIGINS, PHRASINGS, group_id_of, triplet_id_of


def test_captions_give_triplets_that_keep_the_rules_of_a_row():
    rows = tripletgen.propose(CAPTIONS)
    assert rows
    for row in rows:
        assert row.reference_caption in CAPTIONS
        assert row.triplet_id == triplet_id_of(row.reference_caption, row.modification_text, row.target_caption)
        assert row.group_id == group_id_of(row.reference_caption)
        assert row.edit_type in EDIT_TYPES
        assert row.phrasing in PHRASINGS
        assert row.origin in ORIGINS
        assert reject(row.reference_caption, row.modification_text, row.target_caption, row.edit_type) is None


def test_a_row_knows_which_caption_it_came_from():
    assert all(CAPTIONS[int(row.source_id)] == row.reference_caption for row in tripletgen.propose(CAPTIONS))


def test_equal_arguments_give_equal_triplets():
    assert tripletgen.propose(CAPTIONS, seed=4) == tripletgen.propose(CAPTIONS, seed=4)


def test_the_triplets_of_a_caption_do_not_depend_on_its_neighbours():
    alone = tripletgen.propose(CAPTIONS[:1])
    among = [row for row in tripletgen.propose(CAPTIONS) if row.reference_caption == CAPTIONS[0]]
    assert [row.triplet_id for row in among] == [row.triplet_id for row in alone]


def test_no_caption_gives_more_triplets_than_asked():
    rows = tripletgen.propose(CAPTIONS, max_per_caption=1)
    assert len({row.reference_caption for row in rows}) == len(rows)


def test_only_the_edit_types_asked_for_are_used():
    assert {row.edit_type for row in tripletgen.propose(CAPTIONS, edit_types=["remove_object"])} == {"remove_object"}


def test_captions_of_no_use_give_none():
    assert tripletgen.propose(["", "too short", "see www.example.com for more", "How to paint your house?"]) == []
    assert tripletgen.propose([]) == []


def test_captions_may_come_from_a_generator():
    assert tripletgen.propose(caption for caption in CAPTIONS) == tripletgen.propose(CAPTIONS)


@pytest.mark.parametrize("wrong", [{"edit_types": ["paint"]}, {"max_per_caption": 0}, {"seed": -1}])
def test_a_wrong_argument_is_refused(wrong):
    with pytest.raises(UsageError):
        tripletgen.propose(CAPTIONS, **wrong)


def test_a_preview_reads_no_more_captions_than_asked(captions_file):
    options = tripletgen.BuildOptions("-", (SourceSpec(str(captions_file)),), limit=2)
    assert {row.reference_caption for row in tripletgen.preview(options)} <= set(CAPTIONS[:2])


def test_a_preview_of_a_missing_source_is_refused():
    with pytest.raises(SourceError):
        list(tripletgen.preview(tripletgen.BuildOptions("-", (SourceSpec("nope.txt"),))))


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True, timeout=60).stdout


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, tripletgen; print([m for m in ('spacy', 'pyarrow', 'torch', 'datasets', 'numpy') if m in sys.modules])"
    assert run_python(code) == "[]\n"


def test_every_public_name_is_there_and_others_are_not():
    assert all(getattr(tripletgen, name) is not None for name in tripletgen.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = tripletgen.nope
