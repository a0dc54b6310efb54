/** Type OIDs of pg_type.dat that the schema uses. */
const oids = {
  boolean: 16,
  int8: 20,
  int4: 23,
  json: 114,
  float8: 701,
  numeric: 1700,
  timestamptz: 1184,
  jsonb: 3802,
} as const;

/**
 * Values as the query code expects them, the same as from SQLite: times as UTC ISO text with milliseconds, JSON as text,
 * booleans as 0 or 1, counts as numbers. For `types` of a pg client.
 */
export function typeParser(oid: number): (text: string) => unknown {
  switch (oid) {
    case oids.boolean:
      return (text) => (text === 't' ? 1 : 0);
    case oids.int8:
    case oids.int4:
    case oids.float8:
    case oids.numeric:
      return Number;
    case oids.timestamptz:
      return isoTime;
    default:
      return (text) => text;
  }
}

/** `2026-11-23 20:57:41.12+00`, as the server writes it in the ISO style at UTC, to `2026-11-23T20:57:41.120Z`. */
function isoTime(text: string): string {
  const [time = '', fraction = ''] = text.slice(0, -3).split('.');
  return `${time.replace(' ', 'T')}.${fraction.slice(0, 3).padEnd(3, '0')}Z`;
}

/** A parameter as the driver takes it. */
export function bindValue(value: unknown): unknown {
  if (value === undefined) return null;
  // PostgreSQL has no text with NUL.
  if (typeof value === 'string' && value.includes('\0')) return value.replaceAll('\0', '\uFFFD');
  return value;
}
