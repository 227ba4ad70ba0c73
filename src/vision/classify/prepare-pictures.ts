import { type OnnxDim, OnnxGraph } from '#engine';
import type { PictureResize } from './classifier-metadata.ts';

/** Name of the graph input of every exported classifier. */
export const PICTURES_INPUT = 'images';

/**
 * Adds the input `images`, uint8 `[N, height, width, 3]` of any size, and what brings it to the network's size.
 *
 * Pictures of that size already pass through as they are: ONNX Runtime copies where a side does not change.
 *
 * @returns name of a float32 value `[N, 3, H, W]` from 0 to 255
 */
export function preparePictures(
  graph: OnnxGraph,
  [height, width]: readonly [number, number],
  resize: PictureResize,
): string {
  const images = graph.input(PICTURES_INPUT, 'uint8', ['N', 'height', 'width', 3], 'RGB');
  // Transposed as bytes, resized as floats: faster than any other order.
  const planes = graph.cast(
    graph.node('Transpose', [images], { attributes: { perm: { ints: [0, 3, 1, 2] } } }),
    'float32',
  );
  if (resize === 'stretch') return resizeTo(graph, planes, graph.int64([height, width]), [height, width]);
  const size = coveringSize(graph, planes, [height, width]);
  const covering = resizeTo(graph, planes, size, ['rows', 'columns']);
  const start = graph.node('Div', [graph.node('Sub', [size, graph.int64([height, width])]), graph.int64(2)]);
  const end = graph.node('Add', [start, graph.int64([height, width])]);
  return graph.node('Slice', [covering, start, end, graph.int64([2, 3])]);
}

/**
 * Resizes by linear interpolation, which for pictures of just twice the size is the mean of each four pixels, as of
 * OpenCV's `area`; by one over all pixels that a smaller one covers for any other size, at twice the cost.
 *
 * @param size int64 `[2]`
 * @param sides what it holds, for the file's description of shapes
 */
function resizeTo(
  graph: OnnxGraph,
  planes: string,
  size: string,
  sides: readonly [OnnxDim, OnnxDim],
): string {
  const shape = graph.node('Shape', [planes], { attributes: { start: { int: 2 }, end: { int: 4 } } });
  const twice = graph.node('Mul', [size, graph.int64(2)]);
  const distance = graph.node('ReduceMax', [graph.node('Abs', [graph.node('Sub', [shape, twice])])], {
    attributes: { keepdims: { int: 0 } },
  });
  const branch = (antialias: 0 | 1): OnnxGraph => {
    const body = new OnnxGraph(antialias === 0 ? 'halve' : 'resize');
    const inputs = [body.capture(planes), '', '', body.capture(size)];
    const name = `${body.name}_pictures`;
    const resized = body.node('Resize', inputs, {
      name,
      attributes: {
        mode: { string: 'linear' },
        antialias: { int: antialias },
        coordinate_transformation_mode: { string: 'half_pixel' },
        axes: { ints: [2, 3] },
      },
    });
    body.output(resized, 'float32', ['N', 3, ...sides]);
    return body;
  };
  return graph.node('If', [graph.node('Equal', [distance, graph.int64(0)])], {
    attributes: { then_branch: { graph: branch(0) }, else_branch: { graph: branch(1) } },
  });
}

/**
 * int64 `[2]`: the smallest size of the picture's proportions that is at least round(8/7 · H) by round(8/7 · W), halves
 * rounded to the even number as by `SmallestMaxSize`.
 */
function coveringSize(graph: OnnxGraph, planes: string, size: readonly [number, number]): string {
  const least = graph.constant(Float64Array.from(size, (side) => Math.round((side * 8) / 7)));
  const shape = graph.node('Shape', [planes], { attributes: { start: { int: 2 }, end: { int: 4 } } });
  const given = graph.cast(shape, 'float64');
  const scale = graph.node('ReduceMax', [graph.node('Div', [least, given])], {
    attributes: { keepdims: { int: 1 } },
  });
  return graph.cast(graph.node('Round', [graph.node('Mul', [given, scale])]), 'int64');
}
