// Paint the values of a heat map into pixels.

const FADED = 0.8; // how much of its opacity a value has that only stands in for what is still to come

// Values are interpolated, not colours, which would give colours that stand for nothing; where a neighbour is not known
// there is nothing to interpolate.
export function paintHeat(pixels, width, height, heat, colours, smooth) {
  const { w, size, shown, solid } = heat;
  const faded = ((Math.round(255 * FADED) << 24) | 0xffffff) >>> 0;
  const blocks = new Uint32Array(size);
  for (let i = 0; i < size; i++) {
    if (Number.isFinite(shown[i])) blocks[i] = heat.has(i) ? colours.colour(shown[i]) : (colours.colour(shown[i]) & faded) >>> 0;
  }
  const [down, across] = [heat.down.places(height), heat.across.places(width)];
  let to = 0;
  for (let y = 0; y < height; y++) {
    const row = down.nearest[y] * w;
    if (!smooth) {
      for (let x = 0; x < width; x++) pixels[to++] = blocks[row + across.nearest[x]];
      continue;
    }
    const [above, below, lower] = [down.first[y] * w, down.last[y] * w, down.share[y]];
    for (let x = 0; x < width; x++) {
      const [left, right, share] = [across.first[x], across.last[x], across.share[x]];
      const [a, b, c, d] = [above + left, above + right, below + left, below + right];
      if (!heat.whole && !(solid[a] && solid[b] && solid[c] && solid[d])) {
        pixels[to++] = blocks[row + across.nearest[x]];
        continue;
      }
      const upper = shown[a] + (shown[b] - shown[a]) * share;
      const under = shown[c] + (shown[d] - shown[c]) * share;
      pixels[to++] = colours.colour(upper + (under - upper) * lower);
    }
  }
}
