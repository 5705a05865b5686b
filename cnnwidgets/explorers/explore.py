"""Look inside a network with one call."""

from .activation_explorer import ActivationExplorer


def explore(network="toynet", image=None, layer=None):
    """Look inside a network, live.

    Parameters
    ----------
    network : Network, torch.nn.Module or str
        A name as for ``load``, a network, or a module of your own.
    image : anything that ``read_image`` takes, optional
        Path, bytes, PIL image, array or tensor; the first sample if not given.
    layer : str, optional
        Where to begin; the last convolution if not given.

    Returns
    -------
    ActivationExplorer
        Shown by being the last line of a cell. ``explorer.selection`` holds all that is chosen in it.

    Raises
    ------
    NetworkError, ImageError, LayerError
        Each says what to do.

    Examples
    --------
    >>> explorer = explore("toynet", layer="conv3")
    >>> explorer.selection.layer
    'conv3'
    """
    return ActivationExplorer(network, image=image, layer=layer)
