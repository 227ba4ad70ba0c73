import type { Tensor } from '#engine';
import { Module } from '../module.ts';

/** Joins the axes from `start` on; the samples' axis stays by default. */
export class Flatten extends Module {
  readonly start: number;

  constructor(start = 1) {
    super();
    this.start = start;
  }

  override forward(x: Tensor): Tensor {
    return x.flatten(this.start);
  }
}

/** The input itself. */
export class Identity extends Module {
  override forward(x: Tensor): Tensor {
    return x;
  }
}

/** Modules one after another, named `0`, `1`, … as in PyTorch. */
export class Sequential extends Module {
  readonly modules: readonly Module[];

  constructor(...modules: readonly Module[]) {
    super();
    this.modules = modules;
    // Members are named by their place alone.
    Object.defineProperty(this, 'modules', { enumerable: false });
    modules.forEach((module, i) => {
      (this as unknown as Record<string, Module>)[i] = module;
    });
  }

  override forward(x: Tensor): Tensor {
    return this.modules.reduce((value, module) => module.forward(value), x);
  }
}
