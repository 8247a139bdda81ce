/** Draw masks in colors, one hue a label; background is black. */
export function drawMasks(canvas, masks) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  masks.forEach((label, i) => {
    const hue = label * 2.4; // the golden angle: neighbors differ
    for (let channel = 0; channel < 3; channel++) {
      const wave = Math.cos(hue - channel * 2 * Math.PI / 3);
      image.data[4 * i + channel] = label === 0 ? 0 : 150 + 100 * wave;
    }
    image.data[4 * i + 3] = 255;
  });
  context.putImageData(image, 0, 0);
}
