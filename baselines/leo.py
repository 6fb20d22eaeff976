"""LEO: gradient descent on a low-dimensional code, from which a task's classifier is decoded."""

from collections.abc import Callable, Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import AtOnce, Method, methods
from fewshot_bench.ops.basic import prototypes
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe, TrainRecipe


class LEORecipe(Recipe):
    """Settings of Rusu et al. 2019; deepmind/leo's README lists those tuned for mini-ImageNet."""

    latent_dim: int = Field(64, ge=1, description="length L of a code [config.py]")
    latent_steps: int = Field(5, ge=0, description="gradient steps on the codes [config.py]")
    weight_steps: int = Field(5, ge=0, description="then, on the class weights [config.py]")
    latent_lr: float = Field(1.0, description="initial value of L learned rates [config.py]")
    weight_lr: float = Field(1e-3, description="initial value of D learned rates [config.py]")
    dropout: float = Field(0.307651, ge=0, lt=1, description="of embeddings [README]")
    kl_weight: float = Field(
        1e-3,
        ge=0,
        description="of the codes' divergence [config.py]; README: 0.756143 for 1 shot, 0.466387 "
        "for 5, worse in a short training (on CIFAR-FS val)",
    )
    encoder_penalty: float = Field(
        5.756821e-6, ge=0, description="squared move of the codes in the inner loop [README]"
    )
    l2_penalty: float = Field(3.623413e-10, ge=0, description="of the networks' weights [README]")
    orthogonality: float = Field(
        0.188103, ge=0, description="squared correlations of the decoder's rows [README]"
    )
    pretrain: PretrainRecipe | None = PretrainRecipe()
    train: TrainRecipe | None = TrainRecipe(
        steps=3000,  # paper: 100,000
        tasks_per_step=12,  # [config.py]
        n_query=15,  # [config.py]
        optimizer="adam",
        lr=2e-3,  # README: about 3e-4, for a schedule 33 times as long
        schedule="one-cycle",  # paper: constant
        warmup=0.05,
        clip_value=0.1,  # [config.py]
        clip_norm=0.1,  # [config.py]
        clip_norm_of="tensors",  # [runner.py _clip_gradients]
        val_every=500,
    )

    shots: ClassVar[Mapping[int, Overrides]] = {
        5: {
            "dropout": 0.300299,
            "encoder_penalty": 2.661608e-7,
            "l2_penalty": 8.540338e-9,
            "orthogonality": 1.523998e-3,
        }
    }
    published: ClassVar[tuple[str, ...]] = ("mini-imagenet", "tiered-imagenet")
    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {
            "backbone": "wrn-28-10",  # its embeddings are released; its training is our reading
            "kl_weight": 0.756143,
            "train.steps": 100_000,
            "train.val_every": 1000,
            "train.lr": 2.739071e-4,  # [README]
            "train.schedule": "constant",
            "train.warmup": 0.0,
        },
        "paper:5": {"kl_weight": 0.466387, "train.lr": 4.102361e-4},  # [README]
        "paper@tiered-imagenet": {  # [README]
            "dropout": 0.475126,
            "kl_weight": 2.034189e-3,
            "encoder_penalty": 8.302962e-5,
            "l2_penalty": 4.148858e-10,
            "orthogonality": 5.451078e-3,
            "train.lr": 8.659053e-4,
        },
        "paper@tiered-imagenet:5": {  # [README]
            "dropout": 0.415158,
            "kl_weight": 1.622811,
            "encoder_penalty": 2.672450e-5,
            "l2_penalty": 1.690399e-10,
            "orthogonality": 2.481216e-2,
            "train.lr": 6.110314e-4,
        },
    }


@methods.register("leo")
class LEO(Method):
    """Encode the support, adapt codes by gradient descent, decode them to a linear classifier.

    A class has as many copies of its code as it has shots; in training each is sampled apart, as
    are the weights at every decoding, at meta-test means stand for samples. Embeddings are frozen
    and scaled to unit length. Departs from the release (``model.py``) in that the divergence is
    computed in closed form, not from one sample. The authors' numbers are of a training on train
    and val classes together; here val selects.
    """

    setting = "inductive"
    at_once = AtOnce(tasks=32)
    paper = Paper(
        "Meta-Learning with Latent Embedding Optimization",
        "Rusu et al.",
        "ICLR",
        2019,
        "https://arxiv.org/abs/1807.05960",
    )
    recipe: LEORecipe

    def __init__(self, backbone: Backbone, recipe: LEORecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        dim, latent = self.embedding_dim, recipe.latent_dim
        self.encoder = _linear(dim, latent)
        hidden = [_linear(2 * latent, 2 * latent) for _ in range(3)]
        self.relation = nn.Sequential(hidden[0], nn.ReLU(), hidden[1], nn.ReLU(), hidden[2])
        self.decoder = _linear(latent, 2 * dim)
        self.latent_rates = nn.Parameter(torch.full((latent,), recipe.latent_lr))
        self.weight_rates = nn.Parameter(torch.full((dim,), recipe.weight_lr))

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Adapt to the support, then score; see `Method.classify`."""
        codes = self.sample(*self.encode(support, support_labels, n_way))
        _, weights = self.adapt(codes, support, support_labels)
        return self.predict(query, weights)

    def loss(self, episode: Episode, query_labels: Tensor) -> Tensor:
        """Cross-entropy of the queries after adaptation, and four penalties."""
        e, recipe = self.embedded(episode), self.recipe
        mean, deviation = self.encode(e.support, e.support_labels, e.n_way)
        start = self.sample(mean, deviation)
        codes, weights = self.adapt(start, e.support, e.support_labels)
        error = F.cross_entropy(
            self.predict(e.query, weights).flatten(0, 1), query_labels.flatten()
        )
        divergence = (deviation.square() + mean.square() - 1).mean() / 2 - deviation.log().mean()
        moved = F.mse_loss(start, codes.detach())
        penalties = recipe.kl_weight * divergence + recipe.encoder_penalty * moved
        return error + penalties + self.weight_penalties()

    def encode(self, support: Tensor, labels: Tensor, n_way: int) -> tuple[Tensor, Tensor]:
        """Mean and deviation of the codes, ``[T, n_way, K, L]`` each, K copies being alike.

        Each image's code is related to that of every image; what comes out is averaged over the
        class.
        """
        codes = self.encoder(self._drop(F.normalize(support, dim=-1)))
        n = codes.shape[1]
        left, right = codes[:, :, None].expand(-1, -1, n, -1), codes[:, None].expand(-1, n, -1, -1)
        related = self.relation(torch.cat([left, right], dim=-1)).mean(2)
        of_class = prototypes(related, labels, n_way)[:, :, None]
        return self._gaussian(of_class.expand(-1, -1, n // n_way, -1), 0.0)

    def decode(self, codes: Tensor) -> Tensor:
        """Class weights ``[T, n_way, K, D]`` of codes ``[T, n_way, K, L]``, sampled in training."""
        least = (2 / (self.embedding_dim + codes.shape[1])) ** 0.5
        return self.sample(*self._gaussian(self.decoder(codes), least))

    def predict(self, embeddings: Tensor, weights: Tensor) -> Tensor:
        """Logits ``[T, N, n_way]`` of embeddings ``[T, N, D]``: means over copies of weights."""
        return self._drop(F.normalize(embeddings, dim=-1)) @ weights.mean(2).transpose(1, 2)

    def adapt(self, codes: Tensor, support: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Descend on the support loss: its sum over images, and over tasks, which do not mix.

        Returns:
            Adapted codes ``[T, n_way, K, L]`` and class weights ``[T, n_way, K, D]``.
        """

        def support_loss(weights: Tensor) -> Tensor:
            logits = self.predict(support, weights)
            return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum")

        for _ in range(self.recipe.latent_steps):
            codes = _step(codes, self.latent_rates, lambda z: support_loss(self.decode(z)))
        weights = self.decode(codes)
        for _ in range(self.recipe.weight_steps):
            weights = _step(weights, self.weight_rates, support_loss)
        return codes, weights

    def sample(self, mean: Tensor, deviation: Tensor) -> Tensor:
        """Draw from a Gaussian in training; its mean otherwise."""
        return mean + deviation * torch.randn_like(mean) if self.training else mean

    def weight_penalties(self) -> Tensor:
        """L2 of the three networks, and correlations between the codes' entries as decoded."""
        networks = (self.encoder, self.relation, self.decoder)
        squares = sum(w.square().sum() for net in networks for w in net.parameters())
        rows = F.normalize(self.decoder.weight, dim=0)
        identity = torch.eye(rows.shape[1], dtype=rows.dtype, device=rows.device)
        correlations = (rows.T @ rows - identity).square().mean()
        return self.recipe.l2_penalty * squares / 2 + self.recipe.orthogonality * correlations

    def _drop(self, embeddings: Tensor) -> Tensor:
        return F.dropout(embeddings, self.recipe.dropout, self.training)

    def _gaussian(self, parameters: Tensor, least: float) -> tuple[Tensor, Tensor]:
        """Mean and deviation exp(s) - 1 + `least`, at least 1e-10 [model.py possibly_sample]."""
        mean, raw = parameters.chunk(2, dim=-1)
        return mean, (raw.exp() - (1 - least)).clamp(min=1e-10)


def _linear(before: int, after: int) -> nn.Linear:
    """Linear layer without bias, Glorot uniform."""
    layer = nn.Linear(before, after, bias=False)
    nn.init.xavier_uniform_(layer.weight)
    return layer


def _step(point: Tensor, rates: Tensor, loss: Callable[[Tensor], Tensor]) -> Tensor:
    """One step of gradient descent; differentiable itself where gradients are wanted."""
    meta = torch.is_grad_enabled()
    if not meta or not point.requires_grad:
        point = point.detach().requires_grad_()
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(loss(point), point, create_graph=meta)
    return point - rates * slope
