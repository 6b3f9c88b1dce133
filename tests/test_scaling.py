"""The arithmetic of the cost model."""

import pytest
from scaling import (
    Gpu,
    Node,
    Rates,
    build_cost,
    enough_cores,
    feature_bytes,
    rewriting_cost,
    spell,
    spell_bytes,
    spell_hours,
    training_cost,
    write_between,
)

# Milliseconds a caption: 2 are the first process's alone on one node.
RATES = Rates(read=1e-3, parse=4e-3, count=0.2e-3, edit=4e-3, write=0.8e-3, task=1e-2, triplets=4.0, output_bytes=200.0, work_bytes=1000.0)
NODE = Node(cores=10, core_hour=0.1, gpus=8, gpu_hour=2.0)


def test_one_node_divides_parsing_and_edits_and_does_the_rest_alone():
    cost = build_cost(3_600_000, 1, RATES, NODE)
    assert cost.serial_hours == pytest.approx(2.0)
    assert cost.hours == pytest.approx(2.0 + 8.0 / 10)
    assert cost.money == pytest.approx(2.8 * 10 * 0.1)
    assert (cost.output_bytes, cost.work_bytes) == (720e6, 3.6e9)


def test_on_several_nodes_one_process_hands_out_tasks_and_statistics_are_merged_in_rounds():
    captions = 1024 * 64 * 64
    cost = build_cost(captions, 4, RATES, NODE)
    alone = 64 * 64 * 3.1 * 1e-2 + 2 * 64 * 1024 * 0.2e-3
    assert cost.serial_hours == pytest.approx(alone / 3600)
    assert cost.hours == pytest.approx((alone + captions * 10e-3 / 40) / 3600)
    assert cost.money == pytest.approx(cost.hours * 40 * 0.1)


def test_more_cores_than_units_have_nothing_to_do():
    assert build_cost(2048, 1, RATES, NODE).hours == pytest.approx(2048 * (2e-3 + 8e-3 / 2) / 3600)


def test_where_it_stops_scaling():
    assert enough_cores(RATES) == pytest.approx(4.0)


def test_training_and_rewriting_are_divided_by_the_gpus():
    gpu = Gpu(draws=100.0, tokens=1000.0, tokens_a_row=10.0)
    assert training_cost(2_880_000, 1, NODE, gpu) == pytest.approx((1.0, 16.0))
    assert training_cost(2_880_000, 2, NODE, gpu, batch=1024) == pytest.approx((0.5, 16.0))
    assert rewriting_cost(2_880_000, 2, NODE, gpu) == pytest.approx((0.5, 16.0))


def test_the_published_run_is_23_minutes_on_four_gpus():
    assert training_cost(2000 * 512, 1, Node(gpus=4), Gpu())[0] * 60 == pytest.approx(23)


def test_a_batch_feeds_only_so_many_gpus():
    assert training_cost(1e6, 64, NODE, Gpu(least_rows=64), batch=512) == training_cost(1e6, 1, NODE, Gpu(least_rows=64), batch=512)


def test_features_are_of_captions_and_targets():
    assert feature_bytes(1000, RATES, width=768) == 1000 * 5 * 768 * 4


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (spell(1234.5), "1,234"),
        (spell(12.34), "12.3"),
        (spell(0.0123), "0.012"),
        (spell_bytes(2.5e6), "2.5 MB"),
        (spell_bytes(1.7e12), "1.7 TB"),
        (spell_hours(0.5 / 60), "30.0 s"),
        (spell_hours(0.5), "30.0 min"),
        (spell_hours(5), "5 h"),
        (spell_hours(96), "4 d"),
    ],
)
def test_figures_are_told_as_people_write_them(told, text):
    assert told == text


def test_a_table_is_written_between_its_comments():
    text = "before\n<!-- table -->\nold\n<!-- /table -->\nafter\n"
    assert write_between(text, "table", "new\n") == "before\n<!-- table -->\nnew\n<!-- /table -->\nafter\n"
