import { type InferenceSession, Tensor } from 'onnxruntime-node';

/** One row as an application has it; null is a missing value. */
export type Row = Readonly<Record<string, string | number | null>>;

/** Stands for a missing value in int64 inputs. */
const missingInteger = -(2n ** 63n);

/**
 * Runs a model written by `trainyard automl` on rows, with nothing but ONNX Runtime.
 *
 * @returns `label` [N] and `probabilities` [N, K], or `variable` [N, 1] of a regression
 */
export function scoreRows(
  session: InferenceSession,
  rows: readonly Row[],
): Promise<InferenceSession.ReturnType> {
  const feeds: Record<string, Tensor> = {};
  for (const input of session.inputMetadata) {
    if (!input.isTensor) throw new Error(`input ${input.name} is no tensor`);
    const values = rows.map((row, i) => {
      const value = row[input.name];
      if (value === undefined)
        throw new Error(`row ${i + 1} has no "${input.name}"; write null for a missing value`);
      return value;
    });
    feeds[input.name] = columnTensor(input.type, values);
  }
  return session.run(feeds);
}

/** A column [N] in the type that the model's input has. */
function columnTensor(type: Tensor.Type, values: readonly (string | number | null)[]): Tensor {
  const dims = [values.length];
  if (type === 'string') {
    return new Tensor(
      'string',
      values.map((value) => String(value ?? '')),
      dims,
    );
  }
  if (type === 'int64') {
    const whole = values.map((value) => (value === null ? missingInteger : BigInt(value)));
    return new Tensor('int64', BigInt64Array.from(whole), dims);
  }
  return new Tensor(
    'float32',
    Float32Array.from(values, (value) => (value === null ? Number.NaN : Number(value))),
    dims,
  );
}
