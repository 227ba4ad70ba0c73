/** In [2]: the model. */
import type { Tensor } from 'trainyard/engine';
import { Module } from 'trainyard/nn';
import { createModel, type VisionModel } from 'trainyard/vision';
import { type Cfg, seed } from './setting.js';

/** `SSL_Model` has no constructor that makes a model, and the notebook never uses it. */
export class CustomizeModel extends Module {
  readonly model: VisionModel;

  constructor(modelName: string, cls: number, CFG: Cfg) {
    super();
    this.model = createModel(modelName, {
      numClasses: cls,
      dropRate: CFG.drop_out,
      dropPathRate: CFG.drop_path,
      imageSize: CFG.img_size,
      seed,
    });
  }

  /** @param image uint8 `[N, H, W, 3]`, as the loader gives it: `img/255` and `ToTensorV2` are part of the graph */
  override forward(image: Tensor): Tensor {
    const x = image
      .cast('float32')
      .transpose([0, 3, 1, 2])
      .mul(1 / 255);
    return this.model.forward(x);
  }
}
