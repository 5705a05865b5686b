"""The bundled networks' layers: small, plain, and named as a lecturer would name them."""

from collections import OrderedDict

from torch import nn

CHANNELS = {"toynet": (48, 64, 96, 96, 64), "toynet-gap": (48, 64, 96, 96, 128)}
"""Channels of conv1 to conv5."""


def build(name, n_classes=12, training=False):
    """An untrained bundled network.

    Both share five convolutions, as in AlexNet. ``toynet`` ends in three fully connected layers (fc6, fc7,
    fc8);
    ``toynet-gap`` in global average pooling and one linear layer (fc8), as class activation maps ask for.

    Parameters
    ----------
    name : {"toynet", "toynet-gap"}
    n_classes : int
    training : bool
        The same network in the form in which it is trained: batch norm after each convolution, pooling before
        ReLU (the maximum and ReLU commute, and it is faster), dropout. `fold` turns it into the plain form.

    Returns
    -------
    torch.nn.Sequential
        Takes (N, 3, 96, 96), gives scores (N, n_classes).

    Examples
    --------
    >>> [name for name, _ in build("toynet").named_children()][:4]
    ['conv1', 'relu1', 'pool1', 'conv2']
    """
    channels = CHANNELS[name]
    layers = OrderedDict()
    specification = [(7, 2, True), (5, 1, True), (3, 1, False), (3, 1, False), (3, 1, name == "toynet")]
    for i, (kernel, stride, pooled) in enumerate(specification, start=1):
        inputs = 3 if i == 1 else channels[i - 2]
        layers[f"conv{i}"] = nn.Conv2d(inputs, channels[i - 1], kernel, stride, kernel // 2)
        after = [(f"relu{i}", nn.ReLU())]
        if pooled:
            after.append((f"pool{i}", nn.MaxPool2d(3, 2)))
        if training:
            layers[f"bn{i}"] = nn.BatchNorm2d(channels[i - 1])
            after.reverse()
        layers.update(after)
    layers.update(_classifier(name, channels[-1], n_classes, training))
    return nn.Sequential(layers)


def _classifier(name, channels, n_classes, training):
    if name == "toynet-gap":
        layers = [
            ("gap", nn.AdaptiveAvgPool2d(1)),
            ("flatten", nn.Flatten()),
            ("fc8", nn.Linear(channels, n_classes)),
        ]
        return layers[:2] + [("dropout8", nn.Dropout(0.1))] + layers[2:] if training else layers
    layers = [("flatten", nn.Flatten())]
    for number, inputs in ((6, channels * 5 * 5), (7, 256)):
        layers += [(f"fc{number}", nn.Linear(inputs, 256)), (f"relu{number}", nn.ReLU())]
        if training:
            layers.append((f"dropout{number}", nn.Dropout(0.3)))
    return [*layers, ("fc8", nn.Linear(256, n_classes))]


def fold(trained, name):
    """Fold every batch norm of a trained network into the convolution before it.

    Returns the plain form of the same network, which gives the same scores in evaluation mode up to rounding.
    """
    plain = build(name, n_classes=trained.fc8.out_features)
    for layer_name, layer in plain.named_children():
        if layer_name.startswith("conv"):
            norm = getattr(trained, layer_name.replace("conv", "bn"))
            fused = nn.utils.fuse_conv_bn_eval(getattr(trained, layer_name).eval(), norm.eval())
            layer.load_state_dict(fused.state_dict())
        elif layer_name.startswith("fc"):
            layer.load_state_dict(getattr(trained, layer_name).state_dict())
    return plain.eval()
