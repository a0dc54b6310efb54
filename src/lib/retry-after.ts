/**
 * Milliseconds that a `Retry-After` header asks to wait (RFC 9110, 10.2.3: seconds or a date); null where it is absent or
 * unusable. A date is measured against the answer's own `Date`, so that our clock does not matter.
 */
export function retryAfterMs(header: string | undefined, dateHeader: string | undefined): number | null {
  if (header === undefined) return null;
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1000;
  const until = Date.parse(header);
  const from = dateHeader === undefined ? Number.NaN : Date.parse(dateHeader);
  return Number.isNaN(until) || Number.isNaN(from) ? null : Math.max(0, until - from);
}
