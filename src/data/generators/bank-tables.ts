/** Months of the campaign with the country's economic indicators and how clients were reached then. */
export interface BankPeriod {
  readonly month: string;
  readonly empVarRate: number;
  readonly consPriceIdx: number;
  readonly consConfIdx: number;
  readonly nrEmployed: number;
  /** The Euribor rate is drawn between these. */
  readonly euribor: readonly [number, number];
  /** Share of all calls. */
  readonly weight: number;
  /** Of these calls, the share to clients of an earlier campaign, and of those the successes. */
  readonly contactedBefore: number;
  readonly success: number;
  /** Share of calls to mobile phones. */
  readonly cellular: number;
  /** Share of clients whose credit default is unknown. */
  readonly defaultUnknown: number;
}

type Row = readonly [
  string,
  number,
  number,
  number,
  number,
  readonly [number, number],
  number,
  number,
  number,
  number,
  number,
];

const rows: readonly Row[] = [
  ['may', 1.1, 93.994, -36.4, 5191, [4.855, 4.861], 18.85, 0, 0, 0.01, 0.31],
  ['jun', 1.4, 94.465, -41.8, 5228.1, [4.864, 4.967], 10.54, 0, 0, 0.01, 0.31],
  ['jul', 1.4, 93.918, -42.7, 5228.1, [4.957, 4.966], 16.28, 0, 0, 0.85, 0.26],
  ['aug', 1.4, 93.444, -36.1, 5228.1, [4.962, 4.969], 12.41, 0, 0, 0.97, 0.23],
  ['oct', -0.1, 93.798, -40.4, 5195.8, [4.8, 5.045], 0.16, 0.04, 0, 0.02, 0.02],
  ['nov', -0.1, 93.2, -42, 5195.8, [4.02, 4.2], 8.82, 0.2, 0.05, 0.9, 0.12],
  ['dec', -0.2, 92.756, -45.9, 5176.3, [3.3, 3.8], 0.03, 0.12, 0, 0.3, 0.02],
  ['mar', -1.8, 92.843, -50, 5099.1, [1.51, 1.81], 0.64, 0.08, 0.06, 0.93, 0.03],
  ['apr', -1.8, 93.075, -47.1, 5099.1, [1.365, 1.46], 5.97, 0.27, 0.11, 0.93, 0.13],
  ['may', -1.8, 92.893, -46.2, 5099.1, [1.244, 1.344], 14.22, 0.33, 0.07, 0.92, 0.17],
  ['jun', -2.9, 92.963, -40.8, 5076.2, [1.1, 1.286], 1.81, 0.26, 0.34, 0.91, 0.03],
  ['jul', -2.9, 92.469, -33.6, 5076.2, [0.899, 1.085], 0.42, 0.24, 0.27, 0.86, 0.02],
  ['aug', -2.9, 92.201, -31.4, 5076.2, [0.82, 0.885], 1.86, 0.43, 0.42, 0.9, 0.03],
  ['sep', -3.4, 92.379, -29.8, 5017.5, [0.74, 0.82], 0.65, 0.43, 0.49, 0.89, 0.02],
  ['oct', -3.4, 92.431, -26.9, 5017.5, [0.72, 0.755], 1.07, 0.39, 0.39, 0.88, 0.03],
  ['nov', -3.4, 92.649, -30.1, 5017.5, [0.714, 0.722], 0.87, 0.53, 0.49, 0.86, 0.01],
  ['dec', -3, 92.713, -33, 5023.5, [0.7, 0.721], 0.41, 0.53, 0.54, 0.85, 0.04],
  ['mar', -1.8, 93.369, -34.8, 5008.7, [0.634, 0.655], 0.63, 0.62, 0.5, 0.84, 0.03],
  ['apr', -1.8, 93.749, -34.6, 5008.7, [0.635, 0.665], 0.43, 0.52, 0.51, 0.87, 0.03],
  ['may', -1.8, 93.876, -40, 5008.7, [0.668, 0.7], 0.53, 0.64, 0.56, 0.82, 0.01],
  ['jun', -1.7, 94.055, -39.8, 4991.6, [0.702, 0.767], 0.55, 0.57, 0.6, 0.73, 0.02],
  ['jul', -1.7, 94.215, -40.3, 4991.6, [0.782, 0.9], 0.76, 0.59, 0.54, 0.8, 0.01],
  ['aug', -1.7, 94.027, -38.3, 4991.6, [0.886, 0.905], 0.55, 0.59, 0.5, 0.75, 0.03],
  ['sep', -1.1, 94.199, -37.5, 4963.6, [0.876, 0.886], 0.73, 0.58, 0.55, 0.81, 0.03],
  ['oct', -1.1, 94.601, -49.5, 4963.6, [0.942, 1.045], 0.49, 0.64, 0.51, 0.83, 0.01],
  ['nov', -1.1, 94.767, -50.8, 4963.6, [1.028, 1.05], 0.31, 0.64, 0.53, 0.9, 0.01],
];

/** The hidden period of a call decides month, indicators and much of how the client was reached. */
export const bankPeriods: readonly BankPeriod[] = rows.map((row) => ({
  month: row[0],
  empVarRate: row[1],
  consPriceIdx: row[2],
  consConfIdx: row[3],
  nrEmployed: row[4],
  euribor: row[5],
  weight: row[6] / 100,
  contactedBefore: row[7],
  success: row[8],
  cellular: row[9],
  defaultUnknown: row[10],
}));

/** Categories in the data, with their shares where they are drawn by themselves. */
export const bankLevels = {
  education: [
    'illiterate',
    'basic.4y',
    'basic.6y',
    'basic.9y',
    'high.school',
    'professional.course',
    'university.degree',
    'unknown',
  ],
  housing: { yes: 0.5357, no: 0.4643 },
  loan: { no: 0.8445, yes: 0.1555 },
  /** Housing and personal loan are unknown together. */
  loanUnknown: 0.0237,
  weekdays: { mon: 0.2064, tue: 0.1968, wed: 0.1963, thu: 0.2105, fri: 0.19 },
} as const;

/** Share, mean and deviation of age, and percentages of `bankLevels.education`, by job. */
export const bankJobs: Readonly<
  Record<string, { share: number; age: readonly [number, number]; education: readonly number[] }>
> = {
  'admin.': { share: 0.2531, age: [38.2, 8.9], education: [0, 1, 1, 5, 32, 3, 55, 2] },
  'blue-collar': { share: 0.2232, age: [39.5, 8.8], education: [0.1, 25, 16, 40, 9, 5, 1, 5] },
  technician: { share: 0.1647, age: [38.5, 8.7], education: [0, 1, 1, 6, 13, 49, 27, 3] },
  services: { share: 0.0959, age: [38, 9], education: [0, 3, 6, 10, 67, 6, 5, 4] },
  management: { share: 0.0711, age: [42.4, 9.3], education: [0, 4, 3, 6, 10, 3, 71, 4] },
  retired: { share: 0.0421, age: [62, 10.5], education: [0.3, 35, 5, 9, 15, 14, 17, 5] },
  entrepreneur: { share: 0.0362, age: [41.6, 8.9], education: [0.2, 10, 6, 14, 15, 9, 42, 4] },
  'self-employed': { share: 0.0346, age: [40, 9.5], education: [0.3, 7, 2, 14, 8, 13, 53, 2] },
  housemaid: { share: 0.0259, age: [45.5, 10.7], education: [0.1, 45, 8, 9, 17, 5, 12, 5] },
  unemployed: { share: 0.0241, age: [39.7, 9.2], education: [0, 11, 3, 19, 25, 14, 26, 2] },
  student: { share: 0.0207, age: [25.8, 5], education: [0, 3, 1, 11, 41, 5, 18, 20] },
  unknown: { share: 0.0084, age: [45.3, 11], education: [0, 17, 6, 9, 9, 4, 14, 40] },
};

/** Quantiles of age in years and of the call's duration in seconds: [probability, value]. */
export const bankAge: readonly (readonly [number, number])[] = [
  [0, 17],
  [0.001, 19],
  [0.01, 23],
  [0.05, 26],
  [0.1, 28],
  [0.15, 30],
  [0.25, 32],
  [0.4, 35.5],
  [0.5, 38],
  [0.6, 41.3],
  [0.7, 45],
  [0.75, 47],
  [0.85, 52],
  [0.9, 55],
  [0.95, 58.5],
  [0.975, 61],
  [0.99, 71],
  [0.999, 86],
  [1, 98],
];
export const bankDuration: readonly (readonly [number, number])[] = [
  [0, 0],
  [0.001, 5],
  [0.01, 11],
  [0.05, 36],
  [0.1, 59],
  [0.2, 88],
  [0.25, 102],
  [0.4, 146],
  [0.5, 179],
  [0.6, 221],
  [0.7, 279],
  [0.75, 318],
  [0.8, 367],
  [0.85, 437],
  [0.9, 550],
  [0.95, 746],
  [0.975, 968],
  [0.99, 1259],
  [0.995, 1490],
  [0.999, 2122],
  [0.9999, 3509],
  [1, 4918],
];

/** Number of calls in this campaign: per mille of 1, 2, 3, … calls; beyond them a geometric tail up to 56. */
export const bankCampaign: readonly number[] = [429, 256, 130, 64, 39, 24, 15, 10, 7, 5, 4, 3];

/** Number of earlier contacts (1 to 7) after a success and after a failure. */
export const bankPrevious = {
  success: [686, 265, 103, 35, 12, 3, 1],
  failure: [3017, 338, 72, 21, 2, 1, 0],
  /** Share of failures whose days since the last contact are on record, by number of contacts. */
  failureDated: [0, 0.2, 0.47, 0.57, 0.5, 0.3, 0.3],
} as const;

/** Weights of 0, 1, 2, … days since the last contact, where on record. */
export const bankPdays: readonly number[] = [
  12, 22, 55, 350, 93, 39, 326, 47, 13, 54, 39, 24, 48, 30, 16, 22, 8, 7, 7, 3, 1, 2, 2, 0, 0, 0, 1, 1,
];
