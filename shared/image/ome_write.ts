/**
 * OME-XML of an array that is written as TIFF.
 *
 * @module
 */
import type { TiffSource } from "./tiff_source.ts";

const TYPES: Readonly<Record<string, string>> = {
  Uint8Array: "uint8",
  Uint16Array: "uint16",
  Uint32Array: "uint32",
  Int8Array: "int8",
  Int16Array: "int16",
  Int32Array: "int32",
  Float32Array: "float",
  Float64Array: "double",
};

/**
 * Describe an array; axes of pages are in its order.
 *
 * Source: the OME schema 2016-06. Micrometers are the schema's default unit.
 */
export function writeOmeXml(source: TiffSource): string {
  const { axes, shape, data, pixelSize, channelNames } = source;
  const length = (axis: string) =>
    axes.includes(axis) ? shape[axes.indexOf(axis)] : 1;
  const samples = axes.endsWith("YXC") ? length("C") : 1;
  // fastest first; axes that are not there come last
  const pages = [...axes.replace(/YXC?$/, "")].reverse().join("");
  const order = "XY" + pages +
    [..."ZCT"].filter((axis) => !pages.includes(axis)).join("");
  const size = (axis: "x" | "y" | "z") =>
    pixelSize?.[axis] === undefined
      ? ""
      : ` PhysicalSize${axis.toUpperCase()}="${pixelSize[axis]}"`;
  const channels = Array.from({ length: length("C") / samples }, (_, i) => {
    const name = channelNames?.[i];
    const named = name === undefined ? "" : ` Name="${escape(name)}"`;
    return `<Channel ID="Channel:0:${i}"${named} SamplesPerPixel="${samples}"/>`;
  });
  return '<?xml version="1.0" encoding="UTF-8"?>' +
    '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" ' +
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ' +
    'xsi:schemaLocation="http://www.openmicroscopy.org/Schemas/OME/2016-06 http://www.openmicroscopy.org/Schemas/OME/2016-06/ome.xsd" Creator="cytoedge">' +
    `<Image ID="Image:0" Name="Image0"><Pixels ID="Pixels:0" DimensionOrder="${order}" Type="${
      TYPES[data.constructor.name]
    }" SizeX="${length("X")}" SizeY="${length("Y")}" SizeC="${
      length("C")
    }" SizeZ="${length("Z")}" SizeT="${length("T")}"${size("x")}${size("y")}${
      size("z")
    }>${channels.join("")}<TiffData IFD="0" PlaneCount="${
      length("T") * length("Z") * length("C") / samples
    }"/></Pixels></Image></OME>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
