// Table of exports, in the order of the data flow. One kernel a file.

// scratch memory
export { allocate, mark, release } from "./heap";

// labels to flows
export { findBoxes, finishBoxes, growBoxes, startBoxes } from "./boxes";
export { boxFlowErrors, flowErrors, labelFlows } from "./label_flows";
export { maxDiffusionSteps } from "./heat";

// flows to masks
export { packFlows, packedBytes } from "./pack";
export { findNaN, findNonFinite, flagsToCellprob } from "./finite";
export {
  countForeground, foregroundPixels, pointsToPixels, pointsToPositions, startPoints,
} from "./points";
export { followFlows } from "./follow";
export { followNearest } from "./follow_nearest";
export { followFlows3d } from "./follow3d";
export { followFlows3dExact } from "./follow3d_exact";
export { trackPoints } from "./track";
export { clusterPeaks } from "./cluster";
export { countSinks, findSeeds, paintSeeds } from "./peaks";
export { labelSinks, paintForeground, scatterFlags } from "./paint";
export { countSinksIn, labelSinksIn, overlayLabels, sinkRange } from "./bands";
export { cleanMasks, computeMasks, dropLarge, removeBadFlow, wholeWindow } from "./masks";
export { measureConfidence } from "./confidence";
export { measureSettled } from "./settled";
export { collectAway, longestStep, shiftPoints, slabWindow } from "./slab";

// a semantic network's classes to masks
export { foregroundLogit, thresholdMask } from "./semantic";
export { distanceTransform } from "./distance";
export { watershed } from "./watershed";

// labels: renumber, remove, fill, split, stitch
export {
  addLabels,
  applyTable,
  continueTable,
  countDistinct,
  countLabels,
  maxLabel,
  originalLabels,
  rankLabels,
  relabel,
} from "./relabel";
export { removeEdge, removeLarge, removeSmall } from "./remove";
export { fillHoles } from "./fill_holes";
export { splitLabels } from "./components";
export { stitchSlices } from "./stitch";
export { matchOverlap } from "./match_overlap";
export { outlines } from "./outlines";

// metrics
export { overlapTable } from "./overlap";
export { matchCells } from "./match";
export { countShared, dilateDisc, dilateDiscWrapped, meanDiameter } from "./dilate";
// the report's own method
export { centroidFlows } from "./centroid";
export { dbscan } from "./dbscan";

// images
export { percentiles } from "./percentiles";
export { integerPercentiles } from "./integer_percentiles";
export {
  isConstant, replaceNonFinite, replaceNonFiniteBy, rescale, smallestFinite,
} from "./normalize";
export { normalizeTiles } from "./tile_norm";
export { smoothSharpen } from "./smooth";
export { transpose } from "./planar";
export { resizeLinear, resizeNearest, resizeRows } from "./resize";
export { measureDetail } from "./detail";
export { meanPlanes } from "./mean_planes";
export { addTile, cutTile, finishRows, sumTapers, taperWeights } from "./tiles";

// training: random crops
export {
  labelForeground, logitsToShares, turnFlows, warpLinear, warpNearest,
} from "./warp";
export { addNoise, adjustTone, mixChannels } from "./tone";
// prompts
export { resampleTriangle } from "./resample";
export { paintCell, placeImage, selectLabel, toBytes } from "./prompt";

// shapes
export { traceBorders, traceOuter, traceSides } from "./contours";
export { simplifyRings } from "./simplify";
export { gatherRings } from "./gather";
export { countGroups, countRuns, groupAreas, shiftRuns, sortRuns } from "./label_runs";
export { measureRegions } from "./measure";
export { measurePerimeters } from "./perimeter";
export { measureConvexAreas } from "./hull";
export { measureIntensity } from "./intensity";
export { deriveShapes, diameters, meanSphere } from "./derive";
