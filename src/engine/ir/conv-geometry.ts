import { type Shape, ShapeError } from '#core';
import type { ConvAttributes, PoolAttributes } from './op-attributes.ts';
import { formatShape } from './shapes.ts';
import type { TensorType } from './value.ts';

/** Size of one axis after a window of `kernel` moves over it. */
export function windowCount(
  size: number,
  kernel: number,
  stride: number,
  pads: number,
  dilation: number,
): number {
  return Math.floor((size + pads - dilation * (kernel - 1) - 1) / stride) + 1;
}

/** Output height and width of a convolution or pooling. */
export function windowedSize(
  [height, width]: readonly number[],
  kernel: readonly number[],
  {
    strides,
    pads,
    dilations = [1, 1],
  }: Pick<PoolAttributes, 'strides' | 'pads'> & { dilations?: ConvAttributes['dilations'] },
): [number, number] {
  return [
    windowCount(height, kernel[0], strides[0], pads[0] + pads[2], dilations[0]),
    windowCount(width, kernel[1], strides[1], pads[1] + pads[3], dilations[1]),
  ];
}

/**
 * Output shape of a convolution of x `[N, C, H, W]` with a weight `[O, C/groups, kH, kW]`.
 * @throws ShapeError
 */
export function convShape(x: Shape, weight: Shape, attributes: ConvAttributes, where: string): Shape {
  const { groups } = attributes;
  const fault = (rule: string, wayOut: string) =>
    new ShapeError(
      `${where}: ${rule}, but got input ${formatShape(x)} and weight ${formatShape(weight)} with groups=${groups}. ${wayOut}`,
      { input: [...x], weight: [...weight], groups },
    );
  if (x.length !== 4 || weight.length !== 4) {
    throw fault('input must be [N, C, H, W] and weight [O, C/groups, kH, kW]', 'Reshape them.');
  }
  if (x[1] !== weight[1] * groups) {
    throw fault('channels of input and weight must agree', `Set inChannels to ${x[1]}.`);
  }
  if (weight[0] % groups !== 0)
    throw fault('groups must divide the output channels', 'Choose another number of groups.');
  const size = windowedSize(x.slice(2), weight.slice(2), attributes);
  if (size.some((dim) => dim < 1))
    throw fault('the kernel must fit into the padded input', 'Pad more or use a smaller kernel.');
  return [x[0], weight[0], ...size];
}

/**
 * @throws ShapeError when a tensor does not have the shape it must have
 */
export function requireShape(type: TensorType, shape: Shape, what: string, where: string): void {
  if (String(type.shape) === String(shape)) return;
  throw new ShapeError(
    `${where}: ${what} must be ${formatShape(shape)}, but got ${formatShape(type.shape)}. Use the attributes of the forward op.`,
    { expected: [...shape], got: [...type.shape] },
  );
}

/** Calls `visit` for every product of a convolution with the positions in x, weight and y. */
export function visitConvolution(
  x: Shape,
  weight: Shape,
  y: Shape,
  { strides, pads, dilations, groups }: ConvAttributes,
  visit: (x: number, weight: number, y: number) => void,
): void {
  const [samples, channels, height, width] = x;
  const [outChannels, groupChannels, kernelHeight, kernelWidth] = weight;
  const [, , outHeight, outWidth] = y;
  const perGroup = outChannels / groups;
  for (let n = 0; n < samples; n++) {
    for (let o = 0; o < outChannels; o++) {
      const firstChannel = Math.floor(o / perGroup) * groupChannels;
      for (let c = 0; c < groupChannels; c++) {
        const plane = (n * channels + firstChannel + c) * height * width;
        for (let i = 0; i < kernelHeight; i++) {
          for (let j = 0; j < kernelWidth; j++) {
            const at = ((o * groupChannels + c) * kernelHeight + i) * kernelWidth + j;
            for (let h = 0; h < outHeight; h++) {
              const row = h * strides[0] - pads[0] + i * dilations[0];
              if (row < 0 || row >= height) continue;
              for (let w = 0; w < outWidth; w++) {
                const column = w * strides[1] - pads[1] + j * dilations[1];
                if (column < 0 || column >= width) continue;
                visit(
                  plane + row * width + column,
                  at,
                  ((n * outChannels + o) * outHeight + h) * outWidth + w,
                );
              }
            }
          }
        }
      }
    }
  }
}
