import type { OpTable } from './op-rule.ts';
import { arithmeticRules } from './ops/arithmetic.ts';
import { channelRules } from './ops/channels.ts';
import { convRules } from './ops/conv.ts';
import { functionRules } from './ops/functions.ts';
import { fusedRules } from './ops/fused.ts';
import { indexingRules } from './ops/indexing.ts';
import { leafRules } from './ops/leaves.ts';
import { logicRules } from './ops/logic.ts';
import { matmulRules } from './ops/matmul.ts';
import { movementRules } from './ops/movement.ts';
import { orderingRules } from './ops/ordering.ts';
import { poolingRules } from './ops/pooling.ts';
import { randomRules } from './ops/random.ts';
import { reductionRules } from './ops/reductions.ts';
import { resizeRules } from './ops/resize.ts';
import { softmaxRules } from './ops/softmax.ts';
import { structureRules } from './ops/structure.ts';

/** Shape rule, gradient rule, reference and lowerings of every op; an op without its entry does not compile. */
export const opTable: OpTable = {
  ...leafRules,
  ...arithmeticRules,
  ...logicRules,
  ...functionRules,
  ...reductionRules,
  ...orderingRules,
  ...softmaxRules,
  ...matmulRules,
  ...fusedRules,
  ...convRules,
  ...channelRules,
  ...poolingRules,
  ...resizeRules,
  ...movementRules,
  ...structureRules,
  ...indexingRules,
  ...randomRules,
};
