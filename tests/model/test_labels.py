"""Label sets."""

from responder.model.labels import clean, common, fingerprint


def test_a_fingerprint_equals_the_one_alertmanager_computed() -> None:
    assert fingerprint({"alertname": "A", "grp": "rwf"}) == "2e6f0a24c789d27f"
    assert fingerprint({"alertname": "B", "grp": "rwf"}) == "b824d69af317ba00"


def test_common_labels_are_those_that_all_share() -> None:
    assert common([{"a": "1", "b": "2"}, {"a": "1", "b": "3"}]) == {"a": "1"}
    assert common([]) == {}


def test_what_postgres_cannot_store_becomes_a_replacement_character() -> None:
    assert clean("a\x00b\ud800c") == "a\ufffdb\ufffdc"
    assert clean("größe 🙂") == "größe 🙂"
