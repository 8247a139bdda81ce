// Table of exports, in the order of the data flow. One kernel a file.

// scratch memory
export { allocate, mark, release } from "./heap";

// labels to flows
export { findBoxes } from "./boxes";
export { flowErrors, labelFlows } from "./label_flows";

// flows to masks
export { packFlows, packedBytes } from "./pack";
export { countForeground, pointsToPixels, pointsToPositions, startPoints } from "./points";
export { followFlows } from "./follow";
// labels: renumber, remove, fill, stitch
export { applyTable, countLabels, maxLabel, rankLabels, relabel } from "./relabel";
export { removeEdge, removeLarge, removeSmall } from "./remove";
export { fillHoles } from "./fill_holes";
