// Where the colours of a map end: a percentile of its magnitudes, exact, in two passes and without sorting them.

const INFINITE = 0x7f800000; // bits of a float from here on are infinite or not a number
const LOW = 15; // bits of a magnitude's 31 that the second pass looks at
const counts = new Uint32Array(1 << 16);

// Bits of a positive float rise with it, so that they can be counted in its place. Zeros are not counted: of a neuron's
// gradient most pixels are zero, as it does not see them. Of magnitudes (`positive`) negative values are none either.
export function limitOf(values, clip, positive) {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const size = (i) => (positive && bits[i] >>> 31 ? 0 : bits[i] & 0x7fffffff);
  const counted = (one) => one > 0 && one < INFINITE;

  counts.fill(0);
  let n = 0;
  for (let i = 0; i < bits.length; i++) {
    const one = size(i);
    if (!counted(one)) continue;
    counts[one >>> LOW]++;
    n++;
  }
  if (!n) return 0;
  let left = Math.ceil((clip / 100) * (n - 1) - 1e-9);
  const high = take();

  counts.fill(0);
  for (let i = 0; i < bits.length; i++) {
    const one = size(i);
    if (counted(one) && one >>> LOW === high) counts[one & ((1 << LOW) - 1)]++;
  }
  const low = take();
  return new Float32Array(new Uint32Array([(high << LOW) | low]).buffer)[0];

  // the bin in which the one wanted lies; `left` is then how many of that bin come before it
  function take() {
    let bin = 0;
    while (counts[bin] <= left) left -= counts[bin++];
    return bin;
  }
}
