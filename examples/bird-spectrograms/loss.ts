/** In [5]: the four losses, of which the notebook uses the first. */
import type { Tensor } from 'trainyard/engine';
import { biTemperedLogisticLoss, crossEntropy, focalCosineLoss, softCrossEntropy } from 'trainyard/nn';

/** Of logits `[N, K]` and distributions `[N, K]`, which joined pictures share. */
export class CustomizeLoss {
  crossEntropy(yPred: Tensor, yTrue: Tensor): Tensor {
    return crossEntropy(yPred, yTrue, { labelSmoothing: 0.25 });
  }

  /** Of one class per picture, as the one below: the likelier of two joined ones. */
  focalCosineLoss(yPred: Tensor, yTrue: Tensor): Tensor {
    return focalCosineLoss(yPred, yTrue.argMax(1));
  }

  softCe(yPred: Tensor, yTrue: Tensor): Tensor {
    return softCrossEntropy(yPred, yTrue.argMax(1), { smoothFactor: 0.25 });
  }

  biTemp(yPred: Tensor, yTrue: Tensor): Tensor {
    return biTemperedLogisticLoss(yPred, yTrue, { t1: 0.8, t2: 1.2 });
  }

  forward(yPred: Tensor, yTrue: Tensor): Tensor {
    return this.crossEntropy(yPred, yTrue).mul(1.0);
  }
}
