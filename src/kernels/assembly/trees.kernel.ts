// Decision trees on binned features: gradient boosting and forests, on a team of threads over one shared memory.
export { workerLoop } from "./team";
export { binColumn, sketch } from "./binning";
export { computeGradients, computeLogSums, quantise } from "./gradients";
export { sampleOneSide, sampleRows } from "./sampling";
export { applyTree, traverse } from "./apply-tree";
export { beginTree, splitNext, treeLeaves, treeNodes } from "./grow";
export { growForest } from "./forest";
