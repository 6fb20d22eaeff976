"""The data sets that are built in: facts, where they come from, and settings that suit them."""

from collections.abc import Mapping
from types import MappingProxyType

from fewshot_bench.data.cifar import cifar_fs, fc100
from fewshot_bench.data.content import Content
from fewshot_bench.data.download import Download
from fewshot_bench.data.embedding_import import embeddings_of_files
from fewshot_bench.data.entry import DatasetEntry, datasets
from fewshot_bench.data.folder import DEFAULT_SIZE, folder_of_images
from fewshot_bench.data.imagenet import mini_imagenet, tiered_imagenet
from fewshot_bench.data.omniglot import omniglot

CHARACTERS: Mapping[str, object] = MappingProxyType(
    {"pretrain.augment": "shift", "train.augment": "none", "pretrain.epochs": 10}
)  # flipped or rotated characters are other characters, and 28x28 of them are learnt soon


_OMNIGLOT = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python/"
_CIFAR100 = Download(
    "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85"
)


def _glyphs() -> Content:
    from fewshot_bench.data.glyphs import glyphs  # brings matplotlib and scipy, hence here

    return glyphs()


ENTRIES = (
    DatasetEntry(
        name="glyphs",
        summary="printed characters of ten scripts, bent, cluttered and rubbed; drawn on first use",
        image_shape=(1, 28, 28),
        classes=(814, 72, 207),
        images_per_class="20",
        source="drawn by fewshot_bench from the DejaVu fonts in matplotlib; split by script",
        licence="Bitstream Vera and public domain (the fonts)",
        generate=_glyphs,
        overrides=CHARACTERS,
        kind="characters",
    ),
    DatasetEntry(
        name="omniglot",
        summary="1,623 handwritten characters of 50 alphabets, four rotations each",
        image_shape=(1, 28, 28),
        classes=(4112, 688, 1692),
        images_per_class="20",
        source="Lake, Salakhutdinov and Tenenbaum 2015; split of Vinyals et al. 2016",
        licence="MIT",
        read=omniglot,
        downloads=(
            Download(_OMNIGLOT + "images_background.zip", "68d2efa1b9178cc56df9314c21c6e718"),
            Download(_OMNIGLOT + "images_evaluation.zip", "6b91aef0f799c5bb55b94e3f2daec811"),
        ),
        overrides=CHARACTERS,
        kind="characters",
    ),
    DatasetEntry(
        name="cifar-fs",
        summary="CIFAR-100 for few-shot learning, classes split at random",
        image_shape=(3, 32, 32),
        classes=(64, 16, 20),
        images_per_class="600",
        source="Krizhevsky 2009; split of Bertinetto et al. 2019",
        licence="not stated by the authors",
        read=cifar_fs,
        downloads=(_CIFAR100,),
        kind="photographs",
    ),
    DatasetEntry(
        name="fc100",
        summary="CIFAR-100 for few-shot learning, split by superclass and therefore harder",
        image_shape=(3, 32, 32),
        classes=(60, 20, 20),
        images_per_class="600",
        source="Krizhevsky 2009; split of Oreshkin et al. 2018",
        licence="not stated by the authors",
        read=fc100,
        downloads=(_CIFAR100,),
        kind="photographs",
    ),
    DatasetEntry(
        name="mini-imagenet",
        summary="100 classes of ImageNet, split at random",
        image_shape=(3, 84, 84),
        classes=(64, 16, 20),
        images_per_class="600",
        source="Russakovsky et al. 2015; split of Ravi and Larochelle 2017",
        licence="ImageNet's terms of access",
        read=mini_imagenet,
        kind="photographs",
    ),
    DatasetEntry(
        name="tiered-imagenet",
        summary="608 classes of ImageNet, split by the top of the WordNet hierarchy",
        image_shape=(3, 84, 84),
        classes=(351, 97, 160),
        images_per_class="732 to 1300",
        source="Russakovsky et al. 2015; split of Ren et al. 2018",
        licence="ImageNet's terms of access",
        read=tiered_imagenet,
        kind="photographs",
    ),
    DatasetEntry(
        name="folder",
        summary="your own images: train|val|test/CLASS/image, or CLASS/image with --split; name "
        "them with --name",
        image_shape=(3, DEFAULT_SIZE, DEFAULT_SIZE),
        classes=(0, 0, 0),
        images_per_class="any",
        source="the user",
        licence="the user's",
        read=folder_of_images,
        options=frozenset(
            {"split_file", "split", "split_seed", "min_images", "size", "skip_bad_images"}
        ),
    ),
    DatasetEntry(
        name="embeddings",
        summary="your own embeddings, of any network: npz, npy, safetensors, parquet or a pickled "
        "dictionary; name them with --name",
        image_shape=None,
        classes=(0, 0, 0),
        images_per_class="any",
        source="the user",
        licence="the user's",
        read=embeddings_of_files,
        options=frozenset({"labels", "split", "split_seed", "labels_per_split", "backbone_name"}),
    ),
)

for _entry in ENTRIES:
    datasets.register(_entry.name)(_entry)
