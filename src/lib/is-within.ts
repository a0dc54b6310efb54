/**
 * Whether all that stands in `part` stands in `whole` with the same values: maps may have more there, lists are the same item by item. What
 * is empty, false or null in `part` may be absent: those who write Go's JSON leave it out.
 */
export function isWithin(part: unknown, whole: unknown): boolean {
  if (part === whole) return true;
  if (whole === undefined) return isEmpty(part);
  if (Array.isArray(part))
    return (
      Array.isArray(whole) &&
      part.length === whole.length &&
      part.every((value, index) => isWithin(value, whole[index]))
    );
  if (typeof part !== 'object' || part === null || typeof whole !== 'object' || whole === null) return false;
  const other = whole as Readonly<Record<string, unknown>>;
  return Object.entries(part).every(([key, value]) => isWithin(value, other[key]));
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === false || value === '' || value === 0;
}
