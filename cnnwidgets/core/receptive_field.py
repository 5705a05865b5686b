"""Receptive field: the part of the image that a unit of a layer can see."""

from dataclasses import dataclass

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

        Counts in the rim that a strided network may leave unread.
        """
        height, width = image_size
        top, left, bottom, right = self.box(row, col)
        return (
            min(max(top, 0), height),
            min(max(left, 0), width),
            min(max(bottom, 0), height),
            min(max(right, 0), width),
        )
