/** A `MicroTime` (meta/v1): six digits, and the API server takes no other number. `microseconds` beyond the milliseconds, under 1000. */
export function microTime(wallMs: number, microseconds = 0): string {
  return new Date(wallMs).toISOString().replace('Z', `${String(microseconds).padStart(3, '0')}Z`);
}
