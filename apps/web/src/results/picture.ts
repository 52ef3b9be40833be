// The viewer's picture as a file: with lines below it that say what it is.

/** The picture with lines of text below it. */
export async function captioned(picture: Blob, lines: readonly string[]): Promise<Blob | undefined> {
  const image = await createImageBitmap(picture);
  const size = Math.max(12, Math.round(image.width / 70));
  const canvas = new OffscreenCanvas(image.width, image.height + Math.round(size * (1.6 * lines.length + 0.8)));
  const context = canvas.getContext("2d");
  if (!context) return picture;
  context.fillStyle = "#000";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0);
  context.fillStyle = "#fff";
  context.font = `${size}px system-ui, sans-serif`;
  lines.forEach((line, i) => context.fillText(line, size, image.height + size * (1.6 * i + 1.6), canvas.width - 2 * size));
  return canvas.convertToBlob({ type: "image/png" });
}

export function dataUrl(blob: Blob): Promise<string> {
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.readAsDataURL(blob);
  });
}
