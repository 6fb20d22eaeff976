"""learn2learn's algorithms and classifiers under our evaluator, against ours on fixed inputs."""

import sys
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import pytest
import torch
from fewshot_bench.baselines.maml import MAMLRecipe

from fewshot_bench.bases.learn2learn import require_qpth
from fewshot_bench.errors import UsageError
from fewshot_bench.method import methods
from fewshot_bench.ops.basic import prototypes, squared_distances
from tests.guides import example
from tests.oracles import close
from tests.synthetic import make_method, make_tasks

PAIRS = [("learn2learn-maml", "maml"), ("learn2learn-meta-sgd", "meta-sgd")]
SOLVED = ("learn2learn-metaoptnet", "metaoptnet-svm")
installed = pytest.mark.skipif(
    find_spec("learn2learn") is None, reason="learn2learn is not installed; make learn2learn"
)
solving = pytest.mark.skipif(
    find_spec("qpth") is None, reason="qpth is not installed; make learn2learn"
)


@installed
@pytest.mark.parametrize("n_shot", [1, 5])
@pytest.mark.parametrize(("theirs", "ours"), [*PAIRS, pytest.param(*SOLVED, marks=solving)])
def test_theirs_answers_as_ours(theirs: str, ours: str, n_shot: int) -> None:
    episode, labels = make_tasks(2, n_shot, separable=False)
    first, second = make_method(theirs, n_shot), make_method(ours, n_shot)
    assert first.state_dict().keys() == second.state_dict().keys()
    with torch.no_grad():
        close(first(episode), second(episode))
    gradients = []
    for method in (first.train(), second.train()):
        loss = method.loss(episode, labels)
        torch.autograd.backward(loss)
        gradients.append({name: weight.grad for name, weight in method.named_parameters()})
    for name, gradient in gradients[1].items():
        assert gradient is not None
        torch.testing.assert_close(gradients[0][name], gradient, rtol=1e-4, atol=1e-5)


@installed
@pytest.mark.parametrize("name", ["fomaml.py", "protonet.py"])
def test_the_files_of_the_guide_are_methods(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "maml" in methods  # all plugins are loaded
    monkeypatch.setattr(methods, "register", lambda *_, **__: lambda cls: cls)
    found: dict[str, Any] = {"__name__": "guide"}
    monkeypatch.setitem(sys.modules, "guide", ModuleType("guide"))
    exec(example("learn2learn.md", name), found)
    own = (x for x in found.values() if isinstance(x, type) and x.__module__ == "guide")
    cls: Any = next(own)
    episode, _ = make_tasks(2, 3, separable=False)
    before = torch.get_default_dtype()
    method = cls(make_method("proto-net").backbone, cls.recipe_type(), 5).double().eval()
    scores = method(episode)
    assert torch.get_default_dtype() == before
    if name == "fomaml.py":
        settings = {"inner_lr": 0.05, "first_order": True}
        ours = methods["maml"](method.backbone, MAMLRecipe.model_validate(settings), 5).double()
        ours.load_state_dict(method.state_dict())
        close(scores, ours.eval()(episode))
    else:
        e = method.embedded(episode)
        close(scores, -squared_distances(e.query, prototypes(e.support, e.support_labels, 5)))


@pytest.mark.skipif(find_spec("learn2learn") is not None, reason="learn2learn is installed")
@pytest.mark.parametrize("name", [pair[0] for pair in (*PAIRS, SOLVED)])
def test_without_learn2learn_the_name_says_how_to_get_it(name: str) -> None:
    with pytest.raises(UsageError, match=r"needs learn2learn; pip install 'fewshot-bench\[learn2"):
        methods[name]


def test_without_its_solver_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fewshot_bench.bases.learn2learn.find_spec", lambda _: None)
    with pytest.raises(UsageError, match="qpth, which is not installed"):
        require_qpth()
