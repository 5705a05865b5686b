// A user's file on its way to the kernel.

// Above this a message would be lost on its way (the server's limit is 10 MiB, some of which is packaging).
const LARGEST = 8 * 1024 * 1024;
// Longest side to which larger pictures are reduced.
const UPLOAD_SIDE = 2048;

export class FileError extends Error {}

// The bytes to send for a file: its own if they fit, so that the kernel reads it exactly and tells what is wrong with a
// broken one; else the picture, made smaller here.
export async function bytesToSend(file) {
  if (!file.size) throw new FileError(`${file.name || "the file"} is empty`);
  if (file.size <= LARGEST) return file.arrayBuffer();
  let picture;
  try {
    picture = await createImageBitmap(file); // turned as its EXIF says
  } catch {
    const size = `${Math.round(file.size / 1048576)} MB`;
    throw new FileError(`${file.name} (${size}) cannot be read by this browser; save it as JPEG or PNG below 8 MB`);
  }
  const jpeg = await jpegOf(picture, UPLOAD_SIDE, 0.92);
  picture.close();
  return jpeg;
}

// A picture or a video's current frame as the bytes of a JPEG with sides of at most `side` pixels.
export async function jpegOf(source, side, quality) {
  const width = source.videoWidth ?? source.width;
  const height = source.videoHeight ?? source.height;
  const shrink = Math.min(1, side / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * shrink));
  canvas.height = Math.max(1, Math.round(height * shrink));
  const g = canvas.getContext("2d");
  g.fillStyle = "#fff"; // JPEG has no transparency
  g.fillRect(0, 0, canvas.width, canvas.height);
  g.imageSmoothingQuality = "high";
  g.drawImage(source, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));
  return blob.arrayBuffer();
}

// The first picture among dropped or pasted things.
export function fileOf(transfer) {
  const files = [...(transfer?.files ?? [])];
  return files.find((file) => file.type.startsWith("image/")) ?? files[0] ?? null;
}
