"""Files that come from the browser one by one, and belong together."""


class Batch:
    """Files of which some have come.

    Parameters
    ----------
    count : int
        How many there will be.

    Examples
    --------
    >>> batch = Batch(3)
    >>> batch.add(2, "a.png", b"...")
    >>> batch.add(0, "a.png", b"....")
    >>> batch.miss(1, "film.mov cannot be read")
    >>> batch.is_complete, list(batch.files), batch.missing
    (True, ['a.png', 'a.png (2)'], ['film.mov cannot be read'])
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.missing: list[str] = []
        self._files: dict[int, tuple[str, bytes]] = {}
        self._seen: set[int] = set()

    def add(self, place: int, name: str, data: bytes) -> None:
        """File number `place` has come; a second time it is the same one."""
        if place not in self._seen:
            self._seen.add(place)
            self._files[place] = name, data

    def miss(self, place: int, why: str) -> None:
        """File number `place` will not come."""
        if place not in self._seen:
            self._seen.add(place)
            self.missing.append(why)

    @property
    def arrived(self) -> int:
        """Number of files that are here, or known not to come."""
        return len(self._seen)

    @property
    def is_complete(self) -> bool:
        """Whether there is nothing to wait for any more."""
        return self.arrived >= self.count

    @property
    def files(self) -> dict[str, bytes]:
        """Bytes by name, in the order in which they were chosen; of two equal names, one gets a number."""
        named: dict[str, bytes] = {}
        for _, (name, data) in sorted(self._files.items()):
            free, count = name, 1
            while free in named:
                count += 1
                free = f"{name} ({count})"
            named[free] = data
        return named
