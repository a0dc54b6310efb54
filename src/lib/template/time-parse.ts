import { layoutPattern, months, weekdays } from './times.ts';
import { goTime, utc } from './values.ts';
import type { GoTime } from './values.ts';

/** No time is longer; keeps the pattern made of a layout from meeting long hostile text. */
const maximumTextCharacters = 200;

interface Fields {
  year: number;
  month: number;
  day: number;
  dayOfYear: number;
  hour: number;
  minute: number;
  second: number;
  nanoseconds: number;
  afternoon: boolean | undefined;
  offsetSeconds: number;
}

const elementPatterns: Readonly<Record<string, string>> = {
  2006: '\\d{4}',
  _2006: '_\\d{4}',
  '06': '\\d\\d',
  '01': '\\d\\d',
  '02': '\\d\\d',
  _2: ' ?\\d{1,2}',
  '002': '\\d{3}',
  __2: ' {0,2}\\d{1,3}',
  15: '\\d\\d',
  '03': '\\d\\d',
  '04': '\\d\\d',
  '05': '\\d\\d(?:[.,]\\d+)?',
  5: '\\d{1,2}(?:[.,]\\d+)?',
  January: months.join('|'),
  Jan: months.map((month) => month.slice(0, 3)).join('|'),
  Monday: weekdays.join('|'),
  Mon: weekdays.map((day) => day.slice(0, 3)).join('|'),
  MST: '[A-Z]{3,5}|[+-]\\d\\d(?:\\d\\d)?',
  PM: 'AM|PM',
  pm: 'am|pm',
};

/** A text by a Go layout (time.Parse, in UTC where the text has no offset); `undefined` where it does not fit. */
export function parseTime(layout: string, text: string): GoTime | undefined {
  if (text.length > maximumTextCharacters) return undefined;
  const elements: string[] = [];
  let pattern = '';
  let literalStart = 0;
  for (const match of layout.matchAll(layoutPattern)) {
    pattern += literal(layout.slice(literalStart, match.index)) + `(${elementPattern(match[0])})`;
    elements.push(match[0]);
    literalStart = match.index + match[0].length;
  }
  pattern += literal(layout.slice(literalStart));
  const found = new RegExp(`^${pattern}$`, 'i').exec(text);
  if (found === null) return undefined;
  const fields: Fields = {
    year: 0,
    month: 1,
    day: 1,
    dayOfYear: 0,
    hour: 0,
    minute: 0,
    second: 0,
    nanoseconds: 0,
    afternoon: undefined,
    offsetSeconds: 0,
  };
  elements.forEach((element, index) => readElement(element, found[index + 1] ?? '', fields));
  return assemble(fields);
}

function literal(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, '\\$&').replaceAll(/ +/g, ' +');
}

function elementPattern(element: string): string {
  const fixed = elementPatterns[element];
  if (fixed !== undefined) return fixed;
  if (/^[1-4]$/.test(element)) return '\\d{1,2}';
  if (/^[.,]0/.test(element)) return `[.,]\\d{${element.length - 1}}`;
  if (/^[.,]9/.test(element)) return '(?:[.,]\\d+)?';
  const separator = element.includes(':') ? ':' : '';
  const groups = element.length > 6 ? 2 : element.length > 3 ? 1 : 0;
  const offset = `[+-]\\d\\d(?:${separator}\\d\\d){${groups}}`;
  return element.startsWith('Z') ? `Z|${offset}` : offset;
}

function readElement(element: string, text: string, fields: Fields): void {
  const number = Number.parseInt(text.replace(/^[ _]+/, ''), 10);
  if (/^[.,]/.test(element)) readFraction(text, fields);
  else if (/^[-Z]/.test(element)) fields.offsetSeconds = parseOffset(text);
  else if (element === 'MST') fields.offsetSeconds = /^[+-]/.test(text) ? parseOffset(text) : 0;
  else if (element.endsWith('2006')) fields.year = number;
  else if (element === '06') fields.year = number + (number >= 69 ? 1900 : 2000);
  else if (element.startsWith('Jan')) fields.month = months.findIndex((month) => isPrefix(month, text)) + 1;
  else if (element === '01' || element === '1') fields.month = number;
  else if (element === '002' || element === '__2') fields.dayOfYear = number;
  else if (/^[0_]?2$/.test(element)) fields.day = number;
  else if (element === '15') fields.hour = number;
  else if (/^0?3$/.test(element)) fields.hour = number <= 12 ? number : 99;
  else if (/^0?4$/.test(element)) fields.minute = number;
  else if (/^0?5$/.test(element)) {
    fields.second = number;
    readFraction(text.replace(/^\d+/, ''), fields);
  } else if (/^pm$/i.test(element)) fields.afternoon = /^p/i.test(text);
}

function readFraction(text: string, fields: Fields): void {
  if (text !== '') fields.nanoseconds = Number(text.slice(1, 10).padEnd(9, '0'));
}

function isPrefix(name: string, text: string): boolean {
  return name.slice(0, 3).toLowerCase() === text.slice(0, 3).toLowerCase();
}

function parseOffset(text: string): number {
  const match = /^([+-])(\d\d):?(\d\d)?:?(\d\d)?$/.exec(text);
  if (match === null) return 0;
  const size = Number(match[2]) * 3600 + Number(match[3] ?? 0) * 60 + Number(match[4] ?? 0);
  return match[1] === '-' ? -size : size;
}

function assemble(fields: Fields): GoTime | undefined {
  let { hour } = fields;
  const { month, day, minute, second, afternoon } = fields;
  if (afternoon === true && hour < 12) hour += 12;
  else if (afternoon === false && hour === 12) hour = 0;
  if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) return undefined;
  const date = new Date(0);
  if (fields.dayOfYear > 0) date.setUTCFullYear(fields.year, 0, fields.dayOfYear);
  else date.setUTCFullYear(fields.year, month - 1, day);
  if (fields.dayOfYear === 0 && (date.getUTCDate() !== day || date.getUTCMonth() !== month - 1)) return undefined;
  date.setUTCHours(hour, minute, second);
  const zone = fields.offsetSeconds === 0 ? utc : { offsetSeconds: fields.offsetSeconds };
  return goTime(date.getTime() / 1000 - fields.offsetSeconds, fields.nanoseconds, zone);
}
