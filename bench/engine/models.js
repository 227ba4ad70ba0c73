// @ts-check
/** The networks that the engine is timed on, with random weights. */
import {
  BatchNorm2d,
  Conv2d,
  Dropout,
  DropPath,
  Flatten,
  GlobalAvgPool2d,
  Linear,
  MaxPool2d,
  Module,
  Sequential,
  SqueezeExcite,
} from 'trainyard/nn';

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

/** Batch normalisation as TensorFlow's EfficientNet has it. */
const norm = (/** @type {number} */ channels) => new BatchNorm2d(channels, { eps: 1e-3 });

class Block extends Module {
  /**
   * @param {number} inChannels @param {number} outChannels @param {number} kernel @param {number} stride
   * @param {number} expansion @param {number} dropPath
   */
  constructor(inChannels, outChannels, kernel, stride, expansion, dropPath) {
    super();
    const width = inChannels * expansion;
    const depthwise = { stride, padding: /** @type {const} */ ('same'), groups: width, bias: false };
    if (expansion > 1) {
      this.convPw = new Conv2d(inChannels, width, 1, { bias: false });
      this.bn1 = norm(width);
    }
    this.convDw = new Conv2d(width, width, kernel, depthwise);
    this.bn2 = norm(width);
    this.se = new SqueezeExcite(width, Math.max(1, Math.round(inChannels * 0.25)));
    this.convPwl = new Conv2d(width, outChannels, 1, { bias: false });
    this.bn3 = norm(outChannels);
    this.dropPath = new DropPath(dropPath);
    this.isResidual = stride === 1 && inChannels === outChannels;
  }

  /** @override @param {Tensor} x */
  forward(x) {
    let h = x;
    if (this.convPw !== undefined && this.bn1 !== undefined)
      h = this.bn1.forward(this.convPw.forward(h)).silu();
    h = this.bn2.forward(this.convDw.forward(h)).silu();
    h = this.bn3.forward(this.convPwl.forward(this.se.forward(h)));
    return this.isResidual ? this.dropPath.forward(h).add(x) : h;
  }
}

/** Repeats, kernel, stride, expansion and output channels of every stage. */
const stages = [
  [1, 3, 1, 1, 16],
  [2, 3, 2, 6, 24],
  [2, 5, 2, 6, 40],
  [3, 3, 2, 6, 80],
  [3, 5, 1, 6, 112],
  [4, 5, 2, 6, 192],
  [1, 3, 1, 6, 320],
];

/** EfficientNet-B0 with TensorFlow's padding. */
export class EfficientNetB0 extends Module {
  constructor(classes = 264, dropRate = 0.3, dropPathRate = 0.2) {
    super();
    this.convStem = new Conv2d(3, 32, 3, { stride: 2, padding: 'same', bias: false });
    this.bn1 = norm(32);
    const count = stages.reduce((total, [repeats]) => total + repeats, 0);
    /** @type {Block[]} */
    this.blocks = [];
    let channels = 32;
    for (const [repeats, kernel, stride, expansion, out] of stages) {
      for (let i = 0; i < repeats; i++) {
        const dropPath = (dropPathRate * this.blocks.length) / count;
        this.blocks.push(new Block(channels, out, kernel, i === 0 ? stride : 1, expansion, dropPath));
        channels = out;
      }
    }
    this.convHead = new Conv2d(channels, 1280, 1, { bias: false });
    this.bn2 = norm(1280);
    this.pool = new GlobalAvgPool2d();
    this.flatten = new Flatten();
    this.dropout = new Dropout(dropRate);
    this.classifier = new Linear(1280, classes);
  }

  /** @override @param {Tensor} x */
  forward(x) {
    const stem = this.bn1.forward(this.convStem.forward(x)).silu();
    const features = this.blocks.reduce((h, block) => block.forward(h), stem);
    const head = this.bn2.forward(this.convHead.forward(features)).silu();
    return this.classifier.forward(this.dropout.forward(this.pool.forward(head)));
  }
}
