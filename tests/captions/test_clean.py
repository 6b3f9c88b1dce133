"""Raw captions are mended, or dropped with a reason; good ones stay as they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import CAPTIONS, embedded_captions
from tripletgen.captions.clean import DROP_REASONS, MAX_CHARACTERS, clean_caption, detokenise, looks_english, mend, repair

MENDED = {
    "mojibake": ("A cafÃ© with a red door and a cat", "A café with a red door and a cat"),
    "an entity": ("A man &amp; a woman on a beach", "A man & a woman on a beach"),
    "an escaped tag": ("A dog &lt;b&gt;runs&lt;/b&gt; on grass", "A dog runs on grass"),
    "a tag": ("<b>A red car</b> on a street", "A red car on a street"),
    "a script": ("A red <script>alert(1)</script> car on a street", "A red alert(1) car on a street"),
    "a masked person": ("<PERSON> stands beside a < person > on grass", "person stands beside a person on grass"),
    "curly quotes": ("A dog’s toy on the boy’s bed", "A dog's toy on the boy's bed"),
    "a possessive": ("a woman 's red dress , with white dots", "a woman's red dress, with white dots"),
    "a plural possessive": ("the dogs ' owner walks", "the dogs' owner walks"),
    "a negation": ("a man who does n't smile", "a man who doesn't smile"),
    "brackets and a full stop": ("close - up of a red flower ( rose ) .", "close-up of a red flower (rose)."),
    "quotes": ('a " stop " sign on a wall', 'a "stop" sign on a wall'),
    "a slash": ("a black / white cat on a sofa", "a black/white cat on a sofa"),
    "control characters": ("a dog\u200b on\x07 the\tgrass\x1b", "a dog on the grass"),
    "a text direction override": ("a dog \u202eon the grass", "a dog on the grass"),
    "white space": ("  a  dog\u00a0on\n the grass ", "a dog on the grass"),
    "quotes around it": ('"A red car on a street."', "A red car on a street."),
    "a house agent's label": ("property image # luxury villa on the beach", "luxury villa on the beach"),
    "a player's masked number": ("football player # exits the field", "football player exits the field"),
    "a hyphen before the last word": ("a middle - aged man on a horse", "a middle-aged man on a horse"),
    "a list mark": ("- A red car on a street.", "A red car on a street."),
}


@pytest.mark.parametrize(("raw", "mended"), MENDED.values(), ids=MENDED)
def test_a_damaged_caption_is_mended(raw, mended):
    assert mend(detokenise(repair(raw))) == mended


DROPPED = {
    "empty": "12 / 7 !",
    "too_long": "A dog runs " + "and runs " * 30 + "on the grass.",
    "too_short": "red car",
    "url_email_phone": "A red dress from www.example.com on a hanger",
    "masked_number_or_hashtag": "A red dress on a hanger #fashion",
    "not_english": "Der Hund und die Katze sitzen auf dem Sofa",
    "profanity": "A nude statue on a red sofa",
    "not_a_description": "How to paint your own house",
}


@pytest.mark.parametrize("reason", [reason for reason, _ in DROP_REASONS])
def test_every_reason_to_drop_has_a_caption_that_meets_it(reason):
    assert clean_caption(DROPPED[reason])[1] == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("...", "empty"),
        ("Write to someone@example.org about the red car", "url_email_phone"),
        ("Call +44 20 7946 0958 for a red car", "url_email_phone"),
        ("A stamp with the number 123456 on it", "masked_number_or_hashtag"),
        ("Красная машина на улице города", "not_english"),
        ("街の赤い車 と 白い 家", "not_english"),
        ("x" * 400 + " on a street", "too_long"),
    ],
)
def test_captions_of_no_use_are_dropped(text, reason):
    assert clean_caption(text)[1] == reason


def test_a_caption_of_a_megabyte_is_dropped_at_once_and_cut():
    text, reason = clean_caption("A dog on the grass. " * 50_000)
    assert reason == "too_long"
    assert len(text) <= MAX_CHARACTERS


def test_a_dropped_text_can_be_written_even_with_a_lone_surrogate():
    for raw in ("a \ud800 dog", "a \ud800 dog " * 1000):
        clean_caption(raw)[0].encode("utf-8")


@pytest.mark.parametrize("caption", CAPTIONS)
def test_a_plain_caption_is_kept_unchanged(caption):
    assert clean_caption(caption) == (caption, None)


def test_the_embedded_captions_are_kept_unchanged():
    captions = embedded_captions(10)
    assert [clean_caption(caption) for caption in captions] == [(caption, None) for caption in captions]


def test_a_few_foreign_words_in_an_english_caption_do_not_matter():
    assert looks_english("A plate of salade des tomates and a glass of wine on the table")


def test_text_that_was_never_tokenised_is_not_touched():
    text = "A close-up of the dogs' bowl (blue), isn't it?"
    assert detokenise(text) == text


@given(st.text(max_size=200))
def test_no_text_breaks_the_cleaning_and_the_result_is_one_line(raw):
    text, reason = clean_caption(raw)
    assert reason is None or reason in dict(DROP_REASONS)
    assert not any(character in text for character in "\x00\x1b\n\r\t\u2028\u202e")


@given(st.text(max_size=100))
def test_repairing_leaves_no_spaces_at_the_ends_or_in_a_row(raw):
    text = repair(raw)
    assert text == text.strip(" ")
    assert "  " not in text
