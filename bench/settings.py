"""Settings that both sides of a row share, so that they do the same amount of work."""

PER_CLASS = 600  # images of each of the 20 classes
N_CHECKED = 50  # episodes that both sides answer, to show that they do the same work
# Steps of the iterative methods: the defaults of easyfsl 1.5.0, given to both sides.
STEPS = {"tim": 50, "pt-map": 10, "fine-tune": 200, "laplacian-shot": 20}
# Embeddings as easyfsl shall see them, after the default recipes of the harness.
CENTRED = {"simple-shot", "laplacian-shot", "fine-tune"}
NORMALISED = CENTRED | {"bd-cspn", "tim"}

# MAML, as in the paper's mini-ImageNet experiments but for the rate, which decides nothing here.
INNER_STEPS, INNER_LR = 5, 0.01
