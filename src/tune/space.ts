export type ParameterValue = string | number | boolean | null;

/** One hyper-parameter. Ranges are inclusive; `log` samples uniformly in the logarithm. */
export type Dimension =
  | { readonly type: 'float'; readonly low: number; readonly high: number; readonly log?: boolean }
  | { readonly type: 'int'; readonly low: number; readonly high: number; readonly log?: boolean }
  | { readonly type: 'choice'; readonly values: readonly ParameterValue[] };

/** Hyper-parameter name → its range. */
export type SearchSpace = Readonly<Record<string, Dimension>>;

/** A point of a search space. */
export type Parameters = Readonly<Record<string, ParameterValue>>;
