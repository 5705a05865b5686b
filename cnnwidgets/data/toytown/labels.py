"""The words of Toytown: its classes and the parts that they are made of."""

CLASSES = (
    "car",
    "bus",
    "bicycle",
    "boat",
    "house",
    "clock",
    "tree",
    "flower",
    "mushroom",
    "fish",
    "bird",
    "cat",
)
"""The twelve classes of the splits ``train``, ``test`` and ``offcentre``; a label is an index into this."""

HELD_BACK = ("truck", "windmill", "butterfly")
"""Classes of the split ``transfer``: made of the same parts, never seen by the bundled networks."""

PARTS = (
    "background",
    "body",
    "wheel",
    "window",
    "door",
    "roof",
    "frame",
    "hull",
    "sail",
    "mast",
    "disc",
    "tick",
    "hand",
    "stem",
    "crown",
    "leaf",
    "petal",
    "cap",
    "spot",
    "eye",
    "ear",
    "beak",
    "wing",
    "fin",
    "muzzle",
    "tag",
)
"""What the numbers in a part mask mean; 0 is everything that is no part, ``tag`` marks the shortcut."""

PART_ID = {name: number for number, name in enumerate(PARTS)}
