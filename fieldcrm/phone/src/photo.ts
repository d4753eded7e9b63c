/** A photo from the camera, made small enough to send over a poor network. */

const LONGEST_PX = 1600;
const QUALITY = 0.8;

/** The picture as JPEG, its longer side at most 1600 px, turned upright, without its metadata. */
export async function shrink(file: Blob): Promise<ArrayBuffer> {
  const image = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, LONGEST_PX / Math.max(image.width, image.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(image.width * scale);
  canvas.height = Math.round(image.height * scale);
  canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
  image.close();
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
  if (!blob) throw new Error("the picture could not be written as JPEG");
  return blob.arrayBuffer();
}
