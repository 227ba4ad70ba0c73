/**
 * Where things lie in the memory of the tree kernel. AssemblyScript and TypeScript both read this file, so it holds
 * plain number constants only.
 */

/** Byte address of the words by which threads find and finish work; one cache line each. */
export const CONTROL = 4096;
export const CONTROL_GENERATION = 0;
export const CONTROL_OPEN = 64;
export const CONTROL_INSIDE = 128;
export const CONTROL_NEXT_TASK = 192;
export const CONTROL_SLEEPERS = 256;
export const CONTROL_CALLER_WAITS = 320;
export const CONTROL_JOB = 384;
export const CONTROL_TASKS = 388;
export const CONTROL_SHUTDOWN = 448;
export const CONTROL_WORKERS = 512;
/** Set when a worker died inside a job. */
export const CONTROL_FAILED = 576;

/** Byte address of the fit's integer fields (counts, flags, pointers), 4 bytes each, by the indices below. */
export const INTEGERS = 8192;
/** Byte address of the fit's float64 fields, 8 bytes each. */
export const REALS = 10240;
/** First byte that a fit may allocate. */
export const ARENA = 65536;

// Data
export const ROWS = 0;
export const WIDTH = 1;
/**
 * u32 [PANEL_COUNT × 2]: address and bytes per row of every panel of 16 features; the bin of (row, feature) is the byte
 * at address + row · bytes + (feature & 15). Up to four panels share a row's cache line.
 */
export const PANELS = 2;
export const PANEL_COUNT = 3;
/** The same bins column by column, PADDED_ROWS bytes each, or 0 when there was no room. */
export const COLUMN_BINS = 4;
/** i32 [WIDTH] number of value bins, missing bin not counted. */
export const VALUE_BINS = 5;
/** i32 [WIDTH] bin of NaN, or −1. */
export const MISSING_BIN = 6;
/** u8 [WIDTH] 1 for categorical features. */
export const KIND = 7;
/** i32 [WIDTH] first entry of a feature in a leaf's histogram. */
export const HIST_START = 8;
/** Entries of one leaf's histogram. */
export const HIST_ENTRIES = 9;

// Rows and gradients
/** f32 [outputs][PADDED_ROWS] raw scores. */
export const SCORES = 10;
export const PADDED_ROWS = 11;
/** f32 [PADDED_ROWS] labels (0/1, class number, or value). */
export const TARGETS = 12;
/** f32 [PADDED_ROWS] sample weights, or 0. */
export const WEIGHTS = 13;
export const GRADIENTS = 14;
export const HESSIANS = 15;
/** i64 [PADDED_ROWS] quantised gradient in the high, hessian in the low 32 bits. */
export const PACKED = 16;
/** u32 [PADDED_ROWS] rows of the leaves, one leaf after another, ascending in each leaf. */
export const ORDER = 17;
/** u32 [PADDED_ROWS] the same while a leaf is being split. */
export const ORDER_NEXT = 18;
/** u8 [PADDED_ROWS] 1 for rows of the current tree's sample, or 0 when all rows are used. */
export const IN_BAG = 19;
/** f64 [chunks × 2] partial sums. */
export const PARTIAL_SUMS = 20;
/** f32 [PADDED_ROWS] log of the softmax's denominator. */
export const LOG_SUM = 21;
export const BAG_ROWS = 22;

// Tree
export const LEAVES = 23;
export const NODES = 24;
export const HISTOGRAMS = 25;
/** u8 [256] per bin: 1 goes left. */
export const ROUTE = 26;
/** candidate records [2][WIDTH] */
export const CANDIDATES = 27;
/** per thread PANEL_COUNT × 32 KiB accumulators */
export const LOCAL_HISTOGRAMS = 28;
export const LOCAL_HISTOGRAM_BYTES = 29;
/** i32 [threads] 1 when a thread has added to its accumulators */
export const LOCAL_DIRTY = 30;
export const THREADS = 31;
/** u32 [threads][CHUNK_LIMIT] */
export const CHUNK_SCRATCH = 32;
/** i32 [chunks] rows going left in each chunk, and where they go */
export const CHUNK_LEFT = 33;
/** i32 [ACTIVE_COUNT] features of the current tree, ascending */
export const ACTIVE = 34;
export const ACTIVE_COUNT = 35;
/** per panel 20 bytes: number of active lanes, 1 when they are the first ones, then the lanes */
export const PANEL_LANES = 36;
/** u8 [2][WIDTH] features of the two new leaves */
export const NODE_MASK = 37;
/** i32 [WIDTH] */
export const FEATURE_SCRATCH = 38;
export const MAX_LEAVES = 39;
export const MAX_DEPTH = 40;
export const DEPTH_WISE = 41;
export const MIN_SAMPLES_LEAF = 42;
export const NODE_FEATURES = 43;
export const TREE_SEED = 44;
export const OBJECTIVE = 45;
export const OUTPUT = 46;
export const OUTPUTS = 47;
export const CONSTANT_HESSIAN = 48;
export const MAX_CAT_THRESHOLD = 49;
export const MAX_CAT_ONE_VS_REST = 50;
/** f64 + i32 scratch for sorting categories, per thread 256 × 16 bytes */
export const CATEGORY_SCRATCH = 51;

// Arguments of the current job
export const ARG_0 = 56;
export const ARG_1 = 57;
export const ARG_2 = 58;
export const ARG_3 = 59;
export const ARG_4 = 60;
export const ARG_5 = 61;
export const ARG_6 = 62;
export const ARG_7 = 63;
export const ARG_8 = 55;

// Forests (COLUMN_BINS, TARGETS, feature tables and ARG_0 = slots are shared with boosting)
/** i64 [PADDED_ROWS] of each row before bootstrapping: value or class in the high, weight in the low 32 bits. */
export const FOREST_ROWS = 64;
/** u32 [slots] address of each slot; a slot grows one tree at a time. */
export const FOREST_SLOTS = 65;
/** Rows drawn with replacement per tree, or 0 for all rows. */
export const FOREST_DRAWS = 66;
/** 1 for one random cut per feature (extremely randomised trees). */
export const FOREST_RANDOM_CUTS = 67;
/** Features looked at per node. */
export const FOREST_FEATURES = 68;
/** K when leaves hold K class shares and rows a class; 1 when rows hold a value. */
export const FOREST_CLASSES = 69;
export const FOREST_ENTROPY = 70;
export const FOREST_NODE_LIMIT = 71;
/** Row visits of one slot in one job. */
export const FOREST_BUDGET = 72;
/** 1 when all weights are 1, so that weights count rows; else numbers of rows are estimated from weights. */
export const FOREST_UNWEIGHTED = 73;
export const FOREST_MIN_SAMPLES_SPLIT = 74;
/** 1 when leaves are exact means of TARGETS. */
export const FOREST_MEANS = 75;
/** Per thread: histogram, class sums, categories. */
export const FOREST_SCRATCH = 76;
export const FOREST_SCRATCH_BYTES = 77;

// f64 fields
export const REG_ALPHA = 0;
export const REG_LAMBDA = 1;
export const MIN_CHILD_WEIGHT = 2;
export const MIN_SPLIT_GAIN = 3;
export const LEARNING_RATE = 4;
export const MAX_DELTA_STEP = 5;
export const GRADIENT_SCALE = 6;
export const HESSIAN_SCALE = 7;
export const CAT_SMOOTH = 8;
export const CAT_L2 = 9;
export const OBJECTIVE_PARAMETER = 10;
/** Least decrease of impurity, as a share of the tree's weight. */
export const FOREST_MIN_DECREASE = 11;

// Records
/** Leaf: start, count, histogram, node, depth, splittable (i32); sum i64 @24; gain f64 @32; feature, bin, defaultLeft (i32) @40; left sum i64 @56; bitset @64. */
export const LEAF_BYTES = 96;
/** Candidate: gain f64; left sum i64 @8; bin, defaultLeft (i32) @16; bitset @32. */
export const CANDIDATE_BYTES = 64;
/** Node: feature, bin, left, right, bin of NaN when it goes left or −1, categorical (i32); value f64 @24; bitset @32. */
export const NODE_BYTES = 64;

/**
 * Slot: state, tree seed, nodes made, nodes done, leaves (i32); total weight f64 @24; addresses of rows, values, spare
 * rows, spare values, nodes, leaf values, feature list (u32) @32.
 */
export const SLOT_BYTES = 128;
/** Node of a forest: feature, bin, left, right, bin of NaN when it goes left or −1, categorical, start, count (i32); sum i64 @32; depth @40; bitset @48. */
export const FOREST_NODE_BYTES = 80;

export const CHUNK_LIMIT = 8192;
/** Rows of one task that only streams over rows. */
export const STREAM_CHUNK = 16384;

// Jobs
export const JOB_SPLIT = 1;
export const JOB_SETTLE = 2;
export const JOB_GRADIENTS = 3;
export const JOB_QUANTISE = 4;
export const JOB_ROOT = 5;
export const JOB_UPDATE = 6;
export const JOB_TRAVERSE = 7;
export const JOB_SKETCH = 8;
export const JOB_BIN = 9;
export const JOB_LOG_SUM = 10;
export const JOB_FOREST = 11;

// Objectives
export const LOGISTIC = 0;
export const SQUARED = 1;
export const ABSOLUTE = 2;
export const HUBER = 3;
export const QUANTILE = 4;
export const POISSON = 5;
export const TWEEDIE = 6;
export const GAMMA = 7;
export const SOFTMAX = 8;
