// Where the values of a map stand in the picture: each at a pixel, and its cell reaches half way to the next.

// One axis of a picture that is `length` pixels long; without centres, `n` cells share it evenly.
export function latticeOf(given, n, length) {
  const centres = given.length === n ? given : Array.from({ length: n }, (_, i) => ((i + 0.5) * length) / n - 0.5);
  const between = centres.slice(1).map((centre, i) => clampTo((centre + centres[i]) / 2 + 0.5, length));
  const edges = [0, ...between, length]; // in pixels' corners: pixel 3 lies between 3 and 4

  function cellAt(place) {
    let i = 0;
    while (i < n - 1 && place >= edges[i + 1]) i++;
    return i;
  }

  // For each of `many` places evenly along the axis: the cell that it is in, the centres before and after it, and the
  // share of the latter.
  function places(many) {
    const [nearest, first, last] = [new Uint32Array(many), new Uint32Array(many), new Uint32Array(many)];
    const share = new Float32Array(many);
    let cell = 0;
    let before = 0;
    for (let i = 0; i < many; i++) {
      const place = ((i + 0.5) * length) / many;
      while (cell < n - 1 && place >= edges[cell + 1]) cell++;
      while (before < n - 1 && place - 0.5 >= centres[before + 1]) before++;
      nearest[i] = cell;
      first[i] = before;
      last[i] = Math.min(before + 1, n - 1);
      const apart = centres[last[i]] - centres[before];
      share[i] = apart > 0 ? Math.max(0, (place - 0.5 - centres[before]) / apart) : 0;
    }
    return { nearest, first, last, share };
  }

  return { centres, length, edges, cellAt, places };
}

function clampTo(place, length) {
  return Math.min(Math.max(place, 0), length);
}
