/** One small case or more of every op: operands, the call, and values worked out by hand. Tests run them all. */
import { elementwiseCases } from './cases/elementwise-cases.ts';
import { imageCases } from './cases/image-cases.ts';
import { movementCases } from './cases/movement-cases.ts';
import type { OpCases } from './cases/op-case.ts';
import { productCases } from './cases/product-cases.ts';
import { reductionCases } from './cases/reduction-cases.ts';
import type { OpName } from './op-attributes.ts';

export type { OpCase } from './cases/op-case.ts';
export { caseData } from './cases/op-case.ts';

/** Cases of every op. The type asks for a case of each. */
export const opCases: OpCases<OpName> = {
  ...elementwiseCases,
  ...reductionCases,
  ...productCases,
  ...imageCases,
  ...movementCases,
};
