from importlib import import_module

from tripletgen.captions.sources import SourceSpec, expand_sources, read_source
from tripletgen.parsing import UNUSED_PIPES, load_model, model_version
from tripletgen.tok2vec import speed_up


def labels(docs):
    return [[(token.tag_, token.dep_, token.head.i) for token in doc] for doc in docs]


def bare_model():
    return import_module(model_version().partition("==")[0]).load(exclude=list(UNUSED_PIPES))


def test_the_parses_of_the_embedded_captions_are_those_of_the_bare_pipeline():
    texts = [text for source in expand_sources([SourceSpec("embedded")]) for _, text in read_source(source)]
    assert labels(load_model().pipe(texts)) == labels(bare_model().pipe(texts))


def test_a_word_is_embedded_once_however_often_a_batch_has_it():
    seen = []
    model = speed_up(bare_model())
    embed = model.get_pipe("tok2vec").model.layers[0].layers[2]
    inner = embed.layers[0]
    run = inner._func
    inner._func = lambda m, rows, is_train: (seen.append(len(rows.data)), run(m, rows, is_train))[1]
    list(model.pipe(["a dog and a dog and a dog", "a dog and a dog"]))
    # "a", "dog", "and"; the last word of each caption has no space behind it.
    assert seen == [4]


def test_a_pipeline_of_another_architecture_is_left_as_it_is():
    import spacy

    blank = spacy.blank("en")
    assert [token.text for token in speed_up(blank)("two dogs")] == ["two", "dogs"]
