"""How published networks were pretrained: what presets ``paper`` of several heads start from.

Keys are those of `Recipe.presets`. Where a release crops at random places *and* sizes, by
torchvision's ``RandomResizedCrop``, ours crops the padded image, see `augment`.
"""

from fewshot_bench.recipe import Overrides

# mileyan/simple_shot, configs/mini/softmax/resnet18.config and src/train.py.
SIMPLE_SHOT: Overrides = {
    "backbone": "resnet18",
    "pretrain.head": "linear",
    "pretrain.optimizer": "sgd",
    "pretrain.nesterov": False,  # [utils/configuration.py --nesterov: off]
    "pretrain.lr": 0.1,
    "pretrain.weight_decay": 1e-4,
    "pretrain.batch_size": 256,
    "pretrain.epochs": 90,
    "pretrain.schedule": "step",
    "pretrain.warmup": 0.0,
    "pretrain.milestones": (45 / 90, 67 / 90),  # int(.5 e), int(.75 e) [train.py get_scheduler]
    "pretrain.augment": "shift-flip",  # no jitter [datasets/transform.py]
}
# The same, configs/tiered: scheduler=step, lr-stepsize=30.
SIMPLE_SHOT_TIERED: Overrides = {"pretrain.milestones": (30 / 90, 60 / 90)}

# mboudiaf/TIM, scripts/train/resnet18.sh and src/optim.py: miniImageNet and tieredImageNet alike.
TIM: Overrides = {
    **SIMPLE_SHOT,
    "pretrain.label_smoothing": 0.1,  # spread over the *other* classes, ours over all [trainer.py]
    "pretrain.augment": "natural",  # dataset.jitter=True
}

# nupurkmr9/S2M2_fewshot, train.py --method rotation. Its second stage, 100 epochs of manifold mixup
# (S2M2_R), is not to be had here, nor a linear branch for the rotations.
S2M2: Overrides = {
    "backbone": "wrn-28-10",
    "pretrain.head": "cosine",  # [wrn_mixup_model.py distLinear]
    "pretrain.head_scale": 2.0,  # there fixed, with a learned norm for each class
    "pretrain.rotation": 1.0,  # both losses count alike
    "pretrain.optimizer": "adam",
    "pretrain.lr": 1e-3,
    "pretrain.weight_decay": 0.0,
    "pretrain.batch_size": 16,  # [io_utils.py]
    "pretrain.epochs": 400,  # [io_utils.py stop_epoch]
    "pretrain.schedule": "constant",
    "pretrain.warmup": 0.0,
    "pretrain.augment": "natural",
}
