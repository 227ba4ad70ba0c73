import { DataError, type HostTensor } from '#core';

/**
 * Checks class indices before training.
 * @throws DataError naming the first row outside [0, classes)
 */
export function checkLabels({ data }: HostTensor, classes: number): void {
  for (let row = 0; row < data.length; row++) {
    const label = Number(data[row]);
    if (Number.isInteger(label) && label >= 0 && label < classes) continue;
    throw new DataError(
      `checkLabels: labels must be whole numbers in [0, ${classes}), but row ${row} has ${label}. Map the labels, or raise the number of classes.`,
      { row, label, classes },
    );
  }
}
