"""What a method gets from its base class."""

from pathlib import Path

import torch.nn.functional as F
from torch import nn

from fewshot_bench.method import methods
from tests.oracles import close, embedded, load


def test_cross_entropy_is_the_default_loss(shared: Path) -> None:
    data = load(shared, "easyfsl_proto_net_1shot")
    cls = methods["proto-net"]
    method = cls(nn.Identity(), cls.recipe_type.model_validate({"scale": None}), 5)  # type: ignore[arg-type]
    episode = embedded(data)
    expected = F.cross_entropy(method(episode).transpose(1, 2), data["query_labels"].expand(4, -1))
    close(method.loss(episode, data["query_labels"].expand(4, -1)), expected)
