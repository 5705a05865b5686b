"""Receptive field: the part of the image that a unit of a layer can see."""

from dataclasses import dataclass, field

import numpy as np

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class ReceptiveField:
    """Which pixels reach which unit of a layer, for rows and columns separately.

    The unit in row ``i`` sees the rows from ``i * stride - padding`` to ``i * stride - padding + size``
    (exclusive), and the same along the columns. A stride of 0 says that the units do not differ in what they
    see.

    Attributes
    ----------
    size : (int, int)
        Height and width in pixels of the input. With dilation or parallel branches that leave gaps: of the
        hull.
    stride : (int, int)
        Pixels from one unit to the next, down and to the right.
    padding : (int, int)
        How far outside the image the field of the first unit starts, in pixels; negative if it starts inside.
    whole_image : bool
        Whether every unit sees all that the network reads of the image, as after global pooling. (A strided
        network may leave a rim narrower than its stride unread.)
    image_size : (int, int), optional
        Height and width of the image on which the field was traced.
    spans : (ndarray of int or None, ndarray of int or None), optional
        What each row and each column of units sees of such an image, clipped at every layer: shape (n, 2),
        first pixel and the one after the last.

    References
    ----------
    Araujo, Norris, Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill, 2019.

    Examples
    --------
    >>> pool5 = ReceptiveField(size=(212, 212), stride=(32, 32), padding=(90, 90))  # VGG-16
    >>> pool5.box(3, 4)
    (6, 38, 218, 250)
    >>> pool5.clipped(0, 6, (224, 224))
    (0, 102, 122, 224)
    """

    size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    whole_image: bool = False
    image_size: tuple[int, int] | None = field(default=None, compare=False, repr=False)
    spans: tuple[np.ndarray | None, np.ndarray | None] | None = field(default=None, compare=False, repr=False)

    def box(self, row: int, col: int) -> Box:
        """What the unit in that row and column sees, as if the image went on beyond its rim.

        Returns
        -------
        (top, left, bottom, right)
            In pixels of the network's input; bottom and right are exclusive. May lie outside of the image.
        """
        top = row * self.stride[0] - self.padding[0]
        left = col * self.stride[1] - self.padding[1]
        return top, left, top + self.size[0], left + self.size[1]

    def clipped(self, row: int, col: int, image_size: tuple[int, int]) -> Box:
        """What the unit sees of an image of that size (H, W); empty if its field is nothing but padding.

        Clipped at every layer if the field was traced on an image of that size: then it is exactly the hull
        of the pixels that reach the unit. (Where branches meet it may be larger at the border: rows and
        columns are traced apart.) Otherwise at the border of the image only, which counts in the rim that a
        strided network may leave unread.
        """
        top, left, bottom, right = self.box(row, col)
        top, bottom = self._along(0, row, top, bottom, image_size)
        left, right = self._along(1, col, left, right, image_size)
        return top, left, bottom, right

    def _along(
        self, axis: int, unit: int, start: int, stop: int, image_size: tuple[int, int]
    ) -> tuple[int, int]:
        length = image_size[axis]
        start, stop = min(max(start, 0), length), min(max(stop, 0), length)
        spans = self.spans[axis] if self.spans and tuple(image_size) == self.image_size else None
        if spans is None or not 0 <= unit < len(spans):
            return start, stop
        first, after = spans[unit].tolist()
        return (first, after) if first < after else (start, start)
