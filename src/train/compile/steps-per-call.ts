import { sizeOf } from '#core';
import { multiplyAdds, sortNodes } from '#engine';
import type { RecordedStep } from './record-step.ts';

/**
 * Multiply-adds of one call: some tens of milliseconds on a fast processor, a second on a slow one, so that progress is
 * seen and Ctrl-C is heard, and what a call costs beside its steps is little.
 */
const PRODUCTS_PER_CALL = 8e9;
const MOST_STEPS = 100;
/** An element that is computed costs about as much as so many multiply-adds. */
const ELEMENT = 4;

/** How many steps one call of ONNX Runtime should make. */
export function stepsPerCall({ outputs, updates }: Pick<RecordedStep, 'outputs' | 'updates'>): number {
  const nodes = sortNodes([...outputs, ...updates.values()]);
  const work = nodes.reduce((sum, node) => {
    const elements = node.outputs.reduce((count, { shape }) => count + sizeOf(shape), 0);
    return sum + multiplyAdds(node) + ELEMENT * elements;
  }, 0);
  return Math.max(1, Math.min(MOST_STEPS, Math.floor(PRODUCTS_PER_CALL / work)));
}
