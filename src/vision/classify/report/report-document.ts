import type { EpochResult } from '#train';
import type { ClassifierJudgement } from '../judge-predictions.ts';

/** All that the report of a classifier's training tells: plain JSON. */
export interface ClassifierReportDocument {
  readonly title: string;
  /** ISO 8601 */
  readonly createdAt: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly data: {
    readonly images: number;
    readonly trainRows: number;
    readonly validationRows: number;
    /** Images by class, whether trained on or validated with. */
    readonly classes: readonly { readonly name: string; readonly images: number }[];
  };
  /** Pretrained weights; absent when trained from scratch. */
  readonly weights?: {
    readonly file: string;
    readonly source: string;
    /** Tensors of the model that were loaded, and how many it has. */
    readonly matched: number;
    readonly total: number;
    readonly headLoaded: boolean;
  };
  /** At least one. */
  readonly epochs: readonly EpochResult[];
  /** Counted from 1, as in `epochs`. */
  readonly bestEpoch: number;
  /** Name of the quantity that the best epoch is best by. */
  readonly watched: string;
  readonly judgement: ClassifierJudgement;
  /** K names */
  readonly classes: readonly string[];
  /** `data:` URIs by position in `judgement.mistakes`; `undefined` where there is no picture. */
  readonly mistakePictures: readonly (string | undefined)[];
  /** Where the pictures come from, by position in `judgement.mistakes`. */
  readonly mistakeNames?: readonly string[];
  readonly model: {
    readonly file: string;
    readonly bytes: number;
    readonly architecture: string;
    readonly parameters: number;
    /** [height, width] */
    readonly imageSize: readonly [number, number];
  };
  /** Machine, versions. */
  readonly facts?: Readonly<Record<string, string>>;
}
