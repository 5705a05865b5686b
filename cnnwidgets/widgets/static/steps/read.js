// A step as the kernel packs it: the length of a header, the header as JSON, and encoded pictures.

import { bytesOf, pictureOf } from "../shared/bytes.js";

// null for no bytes; pictures that cannot be read are null.
export async function readStep(value) {
  const bytes = bytesOf(value);
  if (bytes.length < 4) return null;
  let start = 4 + new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, start)));
  const parts = header.sizes.map((size) => bytes.subarray(start, (start += size)));
  return { ...header, pictures: await Promise.all(parts.map((part) => pictureOf(part, ""))) };
}
