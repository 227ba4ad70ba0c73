import type { Matrix3 } from '#kernels';

export const identityMatrix: Matrix3 = [1, 0, 0, 0, 1, 0, 0, 0, 1];

/** The matrix that applies `first`, then `second`. */
export function chain(first: Matrix3, second: Matrix3): Matrix3 {
  const at = (row: number, column: number) =>
    second[3 * row] * first[column] +
    second[3 * row + 1] * first[column + 3] +
    second[3 * row + 2] * first[column + 6];
  return [at(0, 0), at(0, 1), at(0, 2), at(1, 0), at(1, 1), at(1, 2), at(2, 0), at(2, 1), at(2, 2)];
}

export function translation(x: number, y: number): Matrix3 {
  return [1, 0, x, 0, 1, y, 0, 0, 1];
}

/** Counter-clockwise as seen on the screen, where y points down. */
export function rotation(angleDegrees: number): Matrix3 {
  const angle = (angleDegrees * Math.PI) / 180;
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  return [cos, sin, 0, -sin, cos, 0, 0, 0, 1];
}

export function scaling(x: number, y: number): Matrix3 {
  return [x, 0, 0, 0, y, 0, 0, 0, 1];
}

/** x grows by tan(x angle) · y, y by tan(y angle) · x. */
export function shearing(xDegrees: number, yDegrees: number): Matrix3 {
  return [1, Math.tan((xDegrees * Math.PI) / 180), 0, Math.tan((yDegrees * Math.PI) / 180), 1, 0, 0, 0, 1];
}

/** `matrix` with the point (x, y) as its origin. */
export function around(x: number, y: number, matrix: Matrix3): Matrix3 {
  return chain(chain(translation(-x, -y), matrix), translation(x, y));
}

/** The inverse, from the adjugate; a matrix that has none gives infinite or NaN entries. */
export function invert([a, b, c, d, e, f, g, h, i]: Matrix3): Matrix3 {
  const determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  const over = (value: number) => value / determinant;
  const inverse: Matrix3 = [
    over(e * i - f * h),
    over(c * h - b * i),
    over(b * f - c * e),
    over(f * g - d * i),
    over(a * i - c * g),
    over(c * d - a * f),
    over(d * h - e * g),
    over(b * g - a * h),
    over(a * e - b * d),
  ];
  // Affine stays affine to the last bit.
  return g === 0 && h === 0 && i === 1 ? [...sixOf(inverse), 0, 0, 1] : inverse;
}

function sixOf([a, b, c, d, e, f]: Matrix3): [number, number, number, number, number, number] {
  return [a, b, c, d, e, f];
}

/** Where `matrix` takes the point (x, y). */
export function mapPoint(matrix: Matrix3, x: number, y: number): [x: number, y: number] {
  const w = matrix[6] * x + matrix[7] * y + matrix[8];
  return [(matrix[0] * x + matrix[1] * y + matrix[2]) / w, (matrix[3] * x + matrix[4] * y + matrix[5]) / w];
}

type Point = readonly [x: number, y: number];

/**
 * Takes the corners (0, 0), (1, 0), (1, 1), (0, 1) of the unit square to four points.
 * @source Heckbert, "Fundamentals of Texture Mapping and Image Warping", 1989, section 2.2.3
 */
export function quadrilateral(p0: Point, p1: Point, p2: Point, p3: Point): Matrix3 {
  const sx = p0[0] - p1[0] + p2[0] - p3[0];
  const sy = p0[1] - p1[1] + p2[1] - p3[1];
  const [dx1, dy1] = [p1[0] - p2[0], p1[1] - p2[1]];
  const [dx2, dy2] = [p3[0] - p2[0], p3[1] - p2[1]];
  const determinant = dx1 * dy2 - dx2 * dy1;
  const g = (sx * dy2 - dx2 * sy) / determinant;
  const h = (dx1 * sy - sx * dy1) / determinant;
  return [
    p1[0] - p0[0] + g * p1[0],
    p3[0] - p0[0] + h * p3[0],
    p0[0],
    p1[1] - p0[1] + g * p1[1],
    p3[1] - p0[1] + h * p3[1],
    p0[1],
    g,
    h,
    1,
  ];
}
