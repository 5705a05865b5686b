// The patches as the kernel sent them.

import { bytesOf, floatsOf, pictureOf } from "../shared/bytes.js";

const FARTHEST = 0.2; // how much of a picture's side is shown of what lies outside of it

// Pictures come one behind the other in one trait; a picture that several patches share comes once.
export async function readPatches(model) {
  const bytes = bytesOf(model.get("_pictures"));
  const ends = model.get("_ends");
  const values = floatsOf(model.get("_values"));
  const described = bytes.length ? model.get("_patches") : []; // a closed widget has given its bytes back
  const [h, w] = model.get("_size");
  const cuts = bytes.length ? ends.map((end, i) => bytes.subarray(i ? ends[i - 1] : 0, end)) : [];
  const pictures = await Promise.all(cuts.map((cut) => pictureOf(cut, "")));
  const patches = described.map((patch, i) => ({ ...patch, value: values[i], picture: pictures[patch.picture] }));
  return { patches, size: [h, w], pictures, ...edges(patches) };
}

// Whether anything is hatched, whether that is more than what lies outside of the picture, and how much room around the
// pictures the boxes need: the same for all of them, so that nothing jumps from one to the next.
function edges(patches) {
  const room = [0, 0, 0, 0]; // above, left, below, right, as shares of the picture's sides
  let [padded, inner] = [false, false];
  for (const { box, seen, picture } of patches) {
    if (!picture) continue;
    const { height, width } = picture;
    const out = [-box[0] / height, -box[1] / width, box[2] / height - 1, box[3] / width - 1];
    out.forEach((share, i) => (room[i] = Math.min(FARTHEST, Math.max(room[i], share))));
    const inside = [Math.max(box[0], 0), Math.max(box[1], 0), Math.min(box[2], height), Math.min(box[3], width)];
    padded ||= seen.some((side, i) => side !== box[i]);
    inner ||= seen.some((side, i) => side !== inside[i]);
  }
  return { room, padded, inner };
}
