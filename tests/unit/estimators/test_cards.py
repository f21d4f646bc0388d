"""Cards are found by what they were made of, and every shipped one belongs to an estimator, a split and metrics as they
are now."""

import json

import pytest

from egobench.catalog import ESTIMATORS, METRICS
from egobench.data.open import open_split
from egobench.errors import BadInputError
from egobench.estimators.cards import SHIPPED, card_digest, card_name, cards_of, find_card, protocol_digest, read_card
from egobench.files.plain import plain

PROTOCOL = {"estimator": "eyes", "weights_sha256": "a" * 64}
SHIPPED_CARDS = sorted(SHIPPED.glob("*.json"))


def a_card(**changes):
    card = {"schema": 1, "estimator": "eyes", "protocol_digest": protocol_digest(PROTOCOL)}
    card |= {"split": {"name": "toy", "digest": "d" * 64}, "failure_rate": 0.0, **changes}
    return {**card, "digest": card_digest(card)}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EGOBENCH_CARDS", str(tmp_path))
    return tmp_path


def put(home, card, name="eyes@toy.json"):
    (home / name).write_text(json.dumps(card))
    return card


def test_a_card_is_found_by_estimator_protocol_and_split(home):
    card = put(home, a_card())
    assert find_card("eyes", PROTOCOL, "d" * 64) == card
    assert find_card("ears", PROTOCOL, "d" * 64) is None
    assert find_card("eyes", {**PROTOCOL, "weights_sha256": "b" * 64}, "d" * 64) is None
    assert find_card("eyes", PROTOCOL, "e" * 64) is None


def test_of_several_cards_the_one_of_the_split_is_taken(home):
    put(home, a_card(split={"name": "other", "digest": "e" * 64}), "eyes@other.json")
    card = put(home, a_card())
    assert find_card("eyes", PROTOCOL, "d" * 64) == card
    assert len(list(cards_of("eyes"))) == 2


def test_a_folder_that_is_not_there_holds_no_cards(home):
    assert list(cards_of("nobody")) == []


@pytest.mark.parametrize(
    "card",
    [
        {**a_card(), "failure_rate": 0.5},
        {**a_card(), "schema": 2},
        {"schema": 1},
        [],
        {key: value for key, value in a_card().items() if key != "split"},
    ],
    ids=["edited", "newer", "empty", "list", "no split"],
)
def test_an_edited_newer_or_empty_card_is_refused(home, card):
    put(home, card)
    with pytest.raises(BadInputError, match=r"eyes@toy\.json") as refusal:
        find_card("eyes", PROTOCOL, "d" * 64)
    assert refusal.value.code == "card-damaged"


def test_a_name_with_a_colon_names_a_file_all_the_same():
    assert card_name("my_file:Eyes", "a/b") == "my_file-Eyes@a-b.json"


@pytest.mark.parametrize("path", SHIPPED_CARDS, ids=lambda path: path.stem)
def test_a_shipped_card_is_of_the_estimator_split_and_metrics_as_they_are(path):
    card = read_card(path)
    assert path.name == card_name(card["estimator"], card["split"]["name"])
    assert card["split"]["digest"] == open_split(card["split"]["name"]).digest
    for name, figures in card["metrics"].items():
        assert figures["version"] == METRICS.load(name).version, f"{name} has changed; calibrate again"
    try:
        protocol = ESTIMATORS.load(card["estimator"])().protocol()
    except BadInputError as error:
        pytest.skip(f"{card['estimator']}: {error}")
    assert plain(protocol) == card["protocol"], "the estimator has changed; calibrate again"
    assert find_card(card["estimator"], protocol, card["split"]["digest"]) == card
