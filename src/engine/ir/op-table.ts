import type { OpTable } from './op-rule.ts';
import { arithmeticRules } from './ops/arithmetic.ts';
import { functionRules } from './ops/functions.ts';
import { leafRules } from './ops/leaves.ts';
import { logicRules } from './ops/logic.ts';
import { matmulRules } from './ops/matmul.ts';
import { movementRules } from './ops/movement.ts';
import { reductionRules } from './ops/reductions.ts';
import { softmaxRules } from './ops/softmax.ts';

/** Shape rule, gradient rule, reference and lowerings of every op; an op without its entry does not compile. */
export const opTable = {
  ...leafRules,
  ...arithmeticRules,
  ...logicRules,
  ...functionRules,
  ...reductionRules,
  ...softmaxRules,
  ...matmulRules,
  ...movementRules,
} as unknown as OpTable;
