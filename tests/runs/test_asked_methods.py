"""Which methods a request means, and whose settings are whose."""

import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.method import methods
from fewshot_bench.runs.asked_methods import expanded, scoped
from fewshot_bench.runs.request import Request, Scoped


def test_groups_stand_for_their_members_and_names_for_themselves() -> None:
    assert list(expanded(["all"])) == list(methods)
    heads = expanded(["HEADS"])
    assert {"simple-shot", "tim", "pt-map", "paddle"} <= heads.keys()
    assert heads.keys().isdisjoint({"maml", "ssl-meta", "feat", "proto-net"})
    paper = expanded(["paper"])
    assert {"ssl-meta", "maml", "tpn", "metaoptnet-svm"} <= paper.keys()
    assert len(paper) == 16
    mixed = expanded(["SIB", "heads", "simple_shot"])
    assert next(iter(mixed)) == "ssl-meta"
    assert not mixed["ssl-meta"]
    assert not mixed["simple-shot"], "it was named, so it may not be left out"
    assert mixed["tim"]


@pytest.mark.parametrize(("name", "near"), [("head", "heads"), ("proto-nett", "proto-net")])
def test_a_wrong_name_suggests_methods_and_groups(name: str, near: str) -> None:
    with pytest.raises(UsageError, match=f"did you mean '{near}'"):
        expanded([name])


def test_settings_are_for_all_or_for_one() -> None:
    texts = ("train.lr=0.1", "SIB.n_steps=2", "tim.train.lr=0.3", "pretrain.epochs=1")
    own = {"sib": Scoped(preset="paper", settings=("n_steps=5",))}
    request = Request(methods=("tim", "ssl-meta"), settings=texts, by_method=own)
    found = scoped(request, ["tim", "ssl-meta"])
    common = ("train.lr=0.1", "pretrain.epochs=1")
    assert found["tim"] == Scoped(preset="default", settings=(*common, "train.lr=0.3"), seeds=(0,))
    assert found["ssl-meta"] == Scoped(
        preset="paper", settings=(*common, "n_steps=5", "n_steps=2"), seeds=(0,)
    )


def test_a_method_has_what_is_asked_of_it_before_what_is_of_its_groups_and_of_all() -> None:
    own = {
        "pt-map": Scoped(n_episodes=50),
        "heads": Scoped(n_episodes=90, settings=("pretrain.epochs=2",)),
        "SIB": Scoped(seeds=(0, 1, 2)),
    }
    names = ["tim", "pt-map", "ssl-meta"]
    request = Request(methods=tuple(names), seeds=(7,), n_episodes=20, by_method=own)
    found = scoped(request, names)
    assert {name: scope.n_episodes for name, scope in found.items()} == {
        "tim": 90,
        "pt-map": 50,
        "ssl-meta": 20,
    }
    assert {name: scope.seeds for name, scope in found.items()} == {
        "tim": (7,),
        "pt-map": (7,),
        "ssl-meta": (0, 1, 2),
    }
    assert found["pt-map"].settings == ("pretrain.epochs=2",)
    assert found["ssl-meta"].settings == ()


def test_settings_of_a_method_that_is_not_asked_for_are_a_mistake() -> None:
    request = Request(methods=("tim",), settings=("maml.inner_lr=1",))
    with pytest.raises(UsageError, match="given for maml, which is not asked for"):
        scoped(request, ["tim"])
