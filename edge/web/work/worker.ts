/**
 * The page's worker: everything that would hold up the page.
 *
 * The page starts two of them, one for pictures, one for cells, so that
 * neither waits for the other.
 *
 * @module
 */
import {
  digestMasks,
  measure,
  readLabels,
  resizeLabels,
  score,
  writeLabels,
  writePlane,
  writeTable,
} from "./cells.ts";
import {
  closeImage,
  drawThumbnail,
  drawTile,
  openFile,
  openPixels,
  readPlane,
} from "./images.ts";
import {
  drawNetworkTile,
  dropNetwork,
  gather,
  keepNetwork,
  sampleFlows,
  trace,
  tune,
} from "./networks.ts";
import { offer } from "./rpc.ts";
import { makeScene, runBench, sweepSteps } from "./scenes.ts";

const handlers = {
  closeImage,
  digestMasks,
  drawNetworkTile,
  drawThumbnail,
  drawTile,
  dropNetwork,
  gather,
  keepNetwork,
  makeScene,
  measure,
  openFile,
  openPixels,
  readLabels,
  readPlane,
  resizeLabels,
  runBench,
  sampleFlows,
  score,
  sweepSteps,
  trace,
  tune,
  writeLabels,
  writePlane,
  writeTable,
};

/** What the worker offers. */
export type WorkerHandlers = typeof handlers;

offer(handlers);
