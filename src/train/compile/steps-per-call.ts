import { sizeOf } from '#core';
import { type OpAttributes, sortNodes, type Value } from '#engine';
import type { RecordedStep } from './record-step.ts';

/**
 * Multiply-adds of one call: some tens of milliseconds on a fast processor, a second on a slow one, so that progress is
 * seen and Ctrl-C is heard. What a call costs beside its steps is a fiftieth of that.
 */
const PRODUCTS_PER_CALL = 8e9;
const MOST_STEPS = 100;
/** An element that is computed costs about as much as so many multiply-adds. */
const ELEMENT = 4;

/** How many steps one call of ONNX Runtime should make. */
export function stepsPerCall({ outputs, updates }: Pick<RecordedStep, 'outputs' | 'updates'>): number {
  const nodes = sortNodes([...outputs, ...updates.values()]);
  const work = nodes.reduce(
    (sum, { outputs: results }) => sum + results.reduce((own, y) => own + workOf(y), 0),
    0,
  );
  return Math.max(1, Math.min(MOST_STEPS, Math.floor(PRODUCTS_PER_CALL / work)));
}

function workOf(y: Value): number {
  return sizeOf(y.shape) * ELEMENT + (y.index === 0 ? productsOf(y) : 0);
}

function productsOf(y: Value): number {
  const { op, inputs, attributes } = y.node;
  switch (op) {
    case 'matmul': {
      const [rows, columns] = inputs[0].shape.slice(-2);
      return sizeOf(y.shape) * ((attributes as OpAttributes['matmul']).transposeA ? rows : columns);
    }
    case 'conv2d':
      return sizeOf(y.shape) * sizeOf(inputs[1].shape.slice(1));
    case 'conv2dInput':
      return sizeOf(inputs[0].shape) * sizeOf(inputs[1].shape.slice(1));
    case 'conv2dWeight':
      return sizeOf(inputs[1].shape) * sizeOf(y.shape.slice(1));
    default:
      return 0;
  }
}
