import { DataError, decodeArray, type EncodedArray, encodeArray, ShapeError } from '#core';
import type { OnnxGraph } from '#engine';
import { TreeSummer } from '#kernels';
import type { FeatureMatrix } from '../features/matrix.ts';
import type { Model, SerializedModel } from '../learners/learner.ts';
import { checkEnsemble } from './check-ensemble.ts';
import type { Link, TreeEnsemble } from './tree-ensemble.ts';
import { applyLink } from './tree-link.ts';
import { emitTreeEnsemble } from './tree-onnx.ts';
import { sumTreesReference } from './tree-reference.ts';

/** The arrays of an ensemble and how a document stores them. */
const arrayTypes = {
  base: 'float64',
  roots: 'uint32',
  treeOutput: 'uint16',
  feature: 'int32',
  threshold: 'float32',
  left: 'uint32',
  right: 'uint32',
  defaultLeft: 'uint8',
  bitsetStart: 'int32',
  bitsetWords: 'uint16',
  bitsets: 'uint32',
  leafValues: 'float64',
} as const;

type ArrayName = keyof typeof arrayTypes;
const arrayNames = Object.keys(arrayTypes) as ArrayName[];

export interface TreeModelOptions {
  /** Leaderboard name of the learner. */
  readonly learner: string;
  /** K, or 0 in regression. */
  readonly classes: number;
  readonly ensemble: TreeEnsemble;
}

/** A fitted ensemble of decision trees: boosting, forests and single trees alike. */
export class TreeModel implements Model {
  readonly learner: string;
  readonly classes: number;
  readonly width: number;
  readonly ensemble: TreeEnsemble;
  private summer: TreeSummer | undefined;

  /** @throws DataError when the ensemble is not consistent in itself or does not fit `classes` */
  constructor(options: TreeModelOptions) {
    checkEnsemble(options.ensemble, options.classes, 'TreeModel');
    this.learner = options.learner;
    this.classes = options.classes;
    this.width = options.ensemble.width;
    this.ensemble = options.ensemble;
  }

  /**
   * Sums the leaves a row reaches, in float64, and applies the link.
   * @param X [N, D]
   * @returns row-major class probabilities [N, K], or values [N]
   * @throws ShapeError when X has another width than the model
   */
  predict(X: FeatureMatrix): Float64Array {
    const scores = this.scores(X);
    return applyLink(this.ensemble.link, scores, this.ensemble.outputs, this.classes);
  }

  /**
   * Raw scores, before the link.
   * @returns [N, outputs], row-major
   */
  scores(X: FeatureMatrix): Float64Array {
    if (X.width !== this.width) {
      throw new ShapeError(
        `${this.learner}.predict: the matrix must have the ${this.width} features of the fit, but it has ` +
          `${X.width}. Pass it through the featuriser the model was fitted with.`,
      );
    }
    const { roots, feature } = this.ensemble;
    if (X.rows * roots.length < feature.length / 16) return sumTreesReference(this.ensemble, X);
    this.summer ??= new TreeSummer(this.ensemble);
    return this.summer.sum(X.rows, X.columns);
  }

  emitOnnx(graph: OnnxGraph, features: string): string {
    return emitTreeEnsemble(graph, features, this.ensemble, this.classes);
  }

  toJSON(): SerializedModel {
    const { width, outputs, leafWidth, link } = this.ensemble;
    const arrays = {} as Record<ArrayName, EncodedArray>;
    for (const name of arrayNames) arrays[name] = encodeArray(this.ensemble[name]);
    return { learner: this.learner, classes: this.classes, width, outputs, leafWidth, link, ...arrays };
  }

  /**
   * The model a `toJSON` document describes.
   * @throws DataError when the document is damaged
   */
  static load(json: SerializedModel): TreeModel {
    const arrays = {} as Record<ArrayName, unknown>;
    for (const name of arrayNames) {
      arrays[name] = decodeArray(json[name], arrayTypes[name], `TreeModel.load: "${name}"`);
    }
    const ensemble = {
      width: integer(json, 'width'),
      outputs: integer(json, 'outputs'),
      leafWidth: integer(json, 'leafWidth'),
      link: json['link'] as Link,
      ...(arrays as Pick<TreeEnsemble, ArrayName>),
    };
    return new TreeModel({ learner: String(json.learner), classes: integer(json, 'classes'), ensemble });
  }
}

function integer(json: SerializedModel, name: string): number {
  const value = json[name];
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw new DataError(
    `TreeModel.load: ${name} must be a whole number, but got ${JSON.stringify(value)}. Save the model again.`,
  );
}
