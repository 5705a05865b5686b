"""From a saliency map to the pixels of the object: GrabCut begins at the map and goes on with the colours."""

from collections.abc import Callable
from threading import Thread
from typing import Any

import numpy as np
from torch import Tensor

from .errors import InputError
from .whole import at_least


def segment(
    picture: Any,
    saliency: Any,
    foreground: float = 0.95,
    background: float = 0.30,
    iterations: int = 5,
    largest: bool = True,
    seed: int = 0,
) -> np.ndarray:
    """Cut the object out of its picture, knowing nothing of it but a map of a class.

    The pixels with the largest values of the map are taken for the object, those with the smallest for what
    is around it. From the colours of both a model is made of either; then every pixel in between goes to the
    side whose colours are more like its own, and the border runs along the edges of the picture.

    Parameters
    ----------
    picture : array or tensor of uint8, shape (H, W, 3) or (H, W)
        What the network saw, before normalising; see ``Network.picture``.
    saliency : array or tensor of float, shape (H, W)
        A map of the size of the picture: of `saliency`, of `grad_cam` after `upsample`, ...
    foreground : float
        Pixels at or above this quantile of the map are the object.
    background : float
        Pixels at or below this quantile of the map are not.
    iterations : int
        How often the colours are learned anew from what was found. 1 uses those of the seeds alone.
    largest : bool
        Whether only the largest connected part is the object, as in the paper.
    seed : int
        GrabCut draws lots to begin its models of the colours: the same seed, the same mask.

    Returns
    -------
    ndarray of bool, shape (H, W)

    Raises
    ------
    ImportError
        Without OpenCV; says how to install it.
    InputError
        If picture and map do not fit together, an option is out of its range, or the map has no pixels to
        begin with, since it is the same nearly everywhere or not finite.

    References
    ----------
    Simonyan, Vedaldi, Zisserman, "Deep Inside Convolutional Networks", 2014, section 3.2. Rother, Kolmogorov,
    Blake, "GrabCut: Interactive Foreground Extraction Using Iterated Graph Cuts", 2004.

    Examples
    --------
    >>> picture = np.full((40, 60, 3), 30, np.uint8)
    >>> picture[10:30, 20:40] = (200, 40, 40)
    >>> found = segment(picture, picture[..., 0] + 0.01 * np.arange(60))
    >>> iou(found, picture[..., 0] > 100)
    1.0
    """
    pixels, values = _checked(picture, saliency)
    if not 0 <= background < foreground <= 1:
        raise InputError(
            f"quantiles go from 0 to 1, background before foreground, not {background} and {foreground}"
        )
    at_least(1, iterations=iterations)
    is_object, is_around = seeds(values, foreground, background)
    cv2 = _opencv()
    found = _in_a_thread(lambda: _grab_cut(cv2, pixels, is_object, is_around, iterations, seed))
    return _largest_part(cv2, found) if largest and found.any() else found


def iou(mask: Any, truth: Any) -> float:
    """How well a mask covers the true one: intersection over union, from 0 to 1.

    Parameters
    ----------
    mask, truth : array or tensor of bool, shape (H, W)

    Returns
    -------
    float
        1 where both are empty: nothing was to be found, and nothing was.

    Raises
    ------
    InputError
        If their shapes differ.

    Examples
    --------
    >>> iou([[True, True, False]], [[False, True, True]])
    0.3333333333333333
    """
    mask, truth = (_array(each).astype(bool) for each in (mask, truth))
    if mask.shape != truth.shape:
        raise InputError(f"masks are compared pixel by pixel: {mask.shape} and {truth.shape} do not fit")
    union = np.count_nonzero(mask | truth)
    return float(np.count_nonzero(mask & truth) / union) if union else 1.0


def _array(values: Any) -> np.ndarray:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def _checked(picture: Any, saliency: Any) -> tuple[np.ndarray, np.ndarray]:
    pixels, values = _array(picture), _array(saliency).astype(float)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise InputError(
            f"the picture is uint8 of shape (H, W, 3), not {pixels.dtype} of shape {pixels.shape}; "
            "try numpy.asarray(network.picture(image))"
        )
    if values.shape != pixels.shape[:2]:
        raise InputError(
            f"a map of shape {values.shape} does not fit a picture of {pixels.shape[0]} x {pixels.shape[1]} "
            "pixels: upsample the map first"
        )
    if not np.isfinite(values).all():
        raise InputError(
            "the map has values that are not finite (NaN or infinity), so there is no quantile of it"
        )
    return np.ascontiguousarray(pixels), values


def seeds(
    values: np.ndarray, foreground: float = 0.95, background: float = 0.30
) -> tuple[np.ndarray, np.ndarray]:
    """Where the object surely is, and where it surely is not.

    Many maps are zero at most pixels, so that both quantiles may be zero: then what is above is the object.
    """
    low, high = np.quantile(values, (background, foreground))
    is_object = values >= high if high > low else values > high
    if not is_object.any():
        raise InputError(
            "the map is the same at nearly all pixels, so there is no place to begin at: try another class"
        )
    return is_object, values <= low


def _grab_cut(cv2: Any, pixels: np.ndarray, is_object, is_around, iterations: int, seed: int) -> np.ndarray:
    cv2.setRNGSeed(seed)
    labels = np.full(is_object.shape, cv2.GC_PR_BGD, np.uint8)
    labels[is_around], labels[is_object] = cv2.GC_BGD, cv2.GC_FGD
    # The models of the colours come from the seeds alone: OpenCV would count the pixels between them as
    # background. So it makes them from a picture that consists of the seeds, without cutting it.
    around, thing = np.zeros((1, 65)), np.zeros((1, 65))
    known = is_object | is_around
    cv2.grabCut(pixels[known][:, None], labels[known][:, None], None, around, thing, 0, cv2.GC_INIT_WITH_MASK)
    cv2.grabCut(pixels, labels, None, around, thing, 1, cv2.GC_EVAL_FREEZE_MODEL)
    if iterations > 1:
        cv2.grabCut(pixels, labels, None, around, thing, iterations - 1, cv2.GC_EVAL)
    return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)


def _largest_part(cv2: Any, mask: np.ndarray) -> np.ndarray:
    _, labels, parts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    return labels == 1 + int(parts[1:, cv2.CC_STAT_AREA].argmax())  # the first one is what is around


def _opencv() -> Any:
    try:
        import cv2
    except ImportError:
        raise ImportError(
            "a map is cut along the edges of its picture by OpenCV: pip install opencv-python-headless"
        ) from None
    return cv2


def _in_a_thread(work: Callable[[], Any]) -> Any:
    """What it returns or raises. OpenCV has random numbers of its own in each thread: those of the caller
    stay as they are."""
    answer: list = []

    def answered():
        try:
            answer.append((work(), None))
        except BaseException as error:
            answer.append((None, error))

    thread = Thread(target=answered)
    thread.start()
    thread.join()
    result, error = answer[0]
    if error is not None:
        raise error
    return result
