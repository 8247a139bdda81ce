/**
 * The page's worker: everything that would hold up the page.
 *
 * The page starts two of them, one for pictures, one for cells, so that
 * neither waits for the other.
 *
 * @module
 */
import { score, writeLabels, writePlane, writeTable } from "./cells.ts";
import {
  closeImage,
  drawThumbnail,
  drawTile,
  openFile,
  openPixels,
  readPlane,
} from "./images.ts";
import { packLabels, readLabels } from "./labels.ts";
import {
  drawNetworkTile,
  dropNetwork,
  gather,
  keepNetwork,
  sampleFlows,
  trace,
} from "./networks.ts";
import { measure } from "./measure.ts";
import { offer } from "./rpc.ts";
import { makeScene, runBench, sweepSteps } from "./scenes.ts";
import { tune } from "./tune.ts";

const handlers = {
  closeImage,
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
  packLabels,
  readLabels,
  readPlane,
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
