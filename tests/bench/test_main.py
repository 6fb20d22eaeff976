"""What ``python -m bench`` measures."""

from bench.__main__ import ENTRIES


def test_every_name_is_one_entrys() -> None:
    names = [entry.name for entry in ENTRIES]
    assert len(set(names)) == len(names)
