/** IMF-fixdate and the two older forms all begin with the name of a day (RFC 9110, 5.6.7). */
const date = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d\d:\d\d:\d\d/;

/**
 * Milliseconds that a `Retry-After` header asks to wait (RFC 9110, 10.2.3: seconds or a date); null where it is absent or
 * unusable. A date is measured against the answer's own `Date`, so that our clock does not matter; against `nowMs` where
 * there is none. Not capped.
 */
export function retryAfterMs(header: string | undefined, dateHeader: string | undefined, nowMs: number): number | null {
  const text = header?.trim() ?? '';
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const until = parseDate(text);
  if (until === null) return null;
  return Math.max(0, until - (parseDate(dateHeader?.trim() ?? '') ?? nowMs));
}

function parseDate(text: string): number | null {
  if (!date.test(text)) return null;
  // asctime names no zone and means UTC.
  const time = Date.parse(/GMT|UTC/.test(text) ? text : `${text} GMT`);
  return Number.isNaN(time) ? null : time;
}
