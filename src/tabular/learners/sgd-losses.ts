export type SGDLoss =
  | 'log_loss'
  | 'hinge'
  | 'modified_huber'
  | 'squared_error'
  | 'huber'
  | 'epsilon_insensitive';

/** A loss of score p and target y, which is +1 or −1 in classification. */
export interface Loss {
  value(p: number, y: number): number;
  /** ∂value / ∂p */
  slope(p: number, y: number): number;
  /** Largest second derivative; where there is none, what keeps a step from going past the row's target. */
  readonly curvature: number;
}

export const classificationLosses: readonly SGDLoss[] = ['log_loss', 'hinge', 'modified_huber'];
export const regressionLosses: readonly SGDLoss[] = ['squared_error', 'huber', 'epsilon_insensitive'];

/** @param epsilon where `huber` turns linear and `epsilon_insensitive` starts */
export function lossOf(name: SGDLoss, epsilon: number): Loss {
  switch (name) {
    case 'log_loss':
      return {
        value: (p, y) => Math.max(-y * p, 0) + Math.log1p(Math.exp(-Math.abs(p))),
        slope: (p, y) => -y / (1 + Math.exp(y * p)),
        curvature: 0.25,
      };
    case 'hinge':
      return { value: (p, y) => Math.max(0, 1 - y * p), slope: (p, y) => (y * p < 1 ? -y : 0), curvature: 1 };
    case 'modified_huber':
      return {
        value: (p, y) => (y * p >= -1 ? Math.max(0, 1 - y * p) ** 2 : -4 * y * p),
        slope: (p, y) => (y * p >= 1 ? 0 : y * p >= -1 ? -2 * y * (1 - y * p) : -4 * y),
        curvature: 2,
      };
    case 'squared_error':
      return { value: (p, y) => 0.5 * (p - y) ** 2, slope: (p, y) => p - y, curvature: 1 };
    case 'huber':
      return {
        value: (p, y) => {
          const r = Math.abs(p - y);
          return r <= epsilon ? 0.5 * r * r : epsilon * (r - 0.5 * epsilon);
        },
        slope: (p, y) => Math.max(-epsilon, Math.min(epsilon, p - y)),
        curvature: 1,
      };
    case 'epsilon_insensitive':
      return {
        value: (p, y) => Math.max(0, Math.abs(p - y) - epsilon),
        slope: (p, y) => (Math.abs(p - y) <= epsilon ? 0 : Math.sign(p - y)),
        curvature: 1,
      };
  }
}
