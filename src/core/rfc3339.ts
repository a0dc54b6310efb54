import type { Timestamp } from './time.ts';

const pattern = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:([Zz])|([+-])(\d\d):(\d\d))$/;

/**
 * A moment as RFC 3339 writes it (any number of fractional digits, any offset) to UTC milliseconds. Digits below the
 * millisecond are cut; second 60 is the next minute's first. `null` = no moment: empty text, or year 1, which is how Go
 * writes an unset time. `undefined` = not RFC 3339.
 */
export function parseRfc3339(text: string): Timestamp | null | undefined {
  if (text === '' || text === '0001-01-01T00:00:00Z') return null;
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, years, months, days, hours, minutes, seconds, fraction, , sign, offsetHours, offsetMinutes] = match;
  const [year, month, day] = [Number(years), Number(months), Number(days)];
  const [hour, minute, second] = [Number(hours), Number(minutes), Number(seconds)];
  const offset = sign === undefined ? 0 : Number(`${sign}1`) * (Number(offsetHours) * 60 + Number(offsetMinutes));
  if (hour > 23 || minute > 59 || second > 60 || Number(offsetHours ?? 0) > 23 || Number(offsetMinutes ?? 0) > 59)
    return undefined;
  if (month < 1 || month > 12 || day < 1 || day > daysOfMonth(year, month)) return undefined;
  if (year <= 1) return null;
  const milliseconds = fraction === undefined ? 0 : Number(fraction.slice(0, 3).padEnd(3, '0'));
  const moment = new Date(0);
  moment.setUTCFullYear(year, month - 1, day);
  moment.setUTCHours(hour, minute - offset, second, milliseconds);
  // An offset may lead out of the years that four digits can name; text order would no longer be time order.
  const result = moment.toISOString();
  return result.length === 24 ? result : undefined;
}

function daysOfMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
