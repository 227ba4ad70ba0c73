/** A JSON document with two spaces of indent. JSON has no NaN or infinity: such numbers become null. */
export function jsonText(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, entry: unknown) => (typeof entry === 'number' && !Number.isFinite(entry) ? null : entry),
    2,
  );
}
