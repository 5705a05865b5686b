// The picture that the maps are about: as it is, in grey, and its pixels to read.

import { pictureOf } from "../shared/bytes.js";

export async function openPicture(bytes) {
  const own = await pictureOf(bytes, "");
  if (!own) return null;
  const { width, height } = own;
  const grey = Object.assign(document.createElement("canvas"), { width, height });
  const g = grey.getContext("2d", { willReadFrequently: true });
  g.drawImage(own, 0, 0);
  const pixels = g.getImageData(0, 0, width, height);
  const colours = pixels.data.slice();
  for (let i = 0; i < colours.length; i += 4) pixels.data.fill(0.299 * colours[i] + 0.587 * colours[i + 1] + 0.114 * colours[i + 2], i, i + 3);
  g.putImageData(pixels, 0, 0);

  // Red, green and blue at a place given as shares of height and width.
  function at([down, across]) {
    const i = 4 * (Math.floor(down * height) * width + Math.floor(across * width));
    return [...colours.subarray(i, i + 3)];
  }
  return { own, grey, at, close: () => own.close() };
}
