// @ts-check
/** The networks that the engine is timed on, with random weights. */
import { BatchNorm2d, Conv2d, GlobalAvgPool2d, Linear, MaxPool2d, Module, Sequential } from 'trainyard/nn';

/** @typedef {import('trainyard/engine').Tensor} Tensor */

/** The lecture's perceptron: 784-512-256-128-64-10. */
export class Perceptron extends Module {
  l1 = new Linear(784, 512);
  l2 = new Linear(512, 256);
  l3 = new Linear(256, 128);
  l4 = new Linear(128, 64);
  l5 = new Linear(64, 10);

  /** @override @param {Tensor} x */
  forward(x) {
    const hidden = [this.l1, this.l2, this.l3, this.l4].reduce(
      (h, layer) => layer.forward(h).relu(),
      x.flatten(1),
    );
    return this.l5.forward(hidden);
  }
}

/** Two convolutions with pooling and three dense layers. */
export class LeNet extends Module {
  conv1 = new Conv2d(1, 6, 5, { padding: 2 });
  conv2 = new Conv2d(6, 16, 5);
  pool = new MaxPool2d(2);
  fc1 = new Linear(400, 120);
  fc2 = new Linear(120, 84);
  fc3 = new Linear(84, 10);

  /** @override @param {Tensor} x */
  forward(x) {
    const first = this.pool.forward(this.conv1.forward(x).relu());
    const second = this.pool.forward(this.conv2.forward(first).relu());
    const hidden = this.fc2.forward(this.fc1.forward(second.flatten(1)).relu()).relu();
    return this.fc3.forward(hidden);
  }
}

class BasicBlock extends Module {
  /** @param {number} inChannels @param {number} channels @param {number} stride */
  constructor(inChannels, channels, stride) {
    super();
    this.conv1 = new Conv2d(inChannels, channels, 3, { stride, padding: 1, bias: false });
    this.bn1 = new BatchNorm2d(channels);
    this.conv2 = new Conv2d(channels, channels, 3, { padding: 1, bias: false });
    this.bn2 = new BatchNorm2d(channels);
    this.shortcut =
      stride === 1 && inChannels === channels
        ? undefined
        : new Sequential(
            new Conv2d(inChannels, channels, 1, { stride, bias: false }),
            new BatchNorm2d(channels),
          );
  }

  /** @override @param {Tensor} x */
  forward(x) {
    const h = this.bn1.forward(this.conv1.forward(x)).relu();
    return this.bn2
      .forward(this.conv2.forward(h))
      .add(this.shortcut?.forward(x) ?? x)
      .relu();
  }
}

/** ResNet-18 for 32×32 images: a 3×3 stem of stride 1 and no pooling behind it. */
export class ResNet18 extends Module {
  constructor(classes = 10) {
    super();
    this.conv1 = new Conv2d(3, 64, 3, { padding: 1, bias: false });
    this.bn1 = new BatchNorm2d(64);
    const widths = [64, 128, 256, 512];
    this.layers = widths.map((width, i) => {
      const before = widths[Math.max(0, i - 1)];
      return new Sequential(new BasicBlock(before, width, i === 0 ? 1 : 2), new BasicBlock(width, width, 1));
    });
    this.fc = new Linear(512, classes);
  }

  /** @override @param {Tensor} x */
  forward(x) {
    const stem = this.bn1.forward(this.conv1.forward(x)).relu();
    const features = this.layers.reduce((h, layer) => layer.forward(h), stem);
    return this.fc.forward(new GlobalAvgPool2d().forward(features));
  }
}
