import { FunctionError } from './error.ts';
import { formatFloat } from './floats.ts';
import { formatValue, joined, sortedKeys } from './print.ts';
import { isPrintable, quoteGo } from './quote.ts';
import { checkCharacters, spend } from './runtime.ts';
import type { Runtime } from './runtime.ts';
import { floatNumber, kindOf, typeName, wholeNumber } from './values.ts';
import type { GoList, GoMap } from './values.ts';

/** The flags of one printf directive. */
export interface Flags {
  minus: boolean;
  plus: boolean;
  sharp: boolean;
  space: boolean;
  zero: boolean;
  width: number | undefined;
  precision: number | undefined;
}

/** One operand under one verb; a verb that does not fit the operand gives Go's `%!verb(type=value)`. */
export function printVerb(operand: unknown, verb: string, flags: Flags, runtime: Runtime): string {
  if (verb === 'T') return pad(typeName(operand), flags, runtime);
  switch (kindOf(operand)) {
    case 'missing':
    case 'nil':
      return verb === 'v' ? pad('<nil>', flags, runtime) : `%!${verb}(<nil>)`;
    case 'bool':
      return verb === 't' || verb === 'v' ? pad(String(operand), flags, runtime) : wrongVerb(operand, verb, runtime);
    case 'string':
      return printText(operand as string, verb, flags, runtime);
    case 'float64':
      return printFloat(operand, verb, flags, runtime);
    case 'int':
    case 'int64':
      return printInteger(operand, verb, flags, runtime);
    case 'time':
    case 'duration':
    case 'named':
      if (verb === 'd' && kindOf(operand) !== 'time') return printInteger(operand, verb, flags, runtime);
      return printText(formatValue(operand, runtime), verb, flags, runtime);
    case 'list':
      if (verb === 'v' && flags.sharp) return goSyntax(operand, runtime);
      return joined('[', operand as GoList, (element) => printElement(element, verb, flags, runtime), runtime);
    default: {
      if (verb === 'v' && flags.sharp) return goSyntax(operand, runtime);
      const map = operand as GoMap;
      const printMember = (key: string): string =>
        `${printVerb(key, verb, flags, runtime)}:${printElement(map[key], verb, flags, runtime)}`;
      return joined('map[', sortedKeys(map, runtime), printMember, runtime);
    }
  }
}

function printElement(element: unknown, verb: string, flags: Flags, runtime: Runtime): string {
  return element === null || element === undefined ? '<nil>' : printVerb(element, verb, flags, runtime);
}

function wrongVerb(operand: unknown, verb: string, runtime: Runtime): string {
  return `%!${verb}(${typeName(operand)}=${formatValue(operand, runtime)})`;
}

/** Pads to the width, counted in characters; with zeros only on the left. */
function pad(text: string, flags: Flags, runtime: Runtime): string {
  const { width } = flags;
  if (width === undefined) return text;
  checkCharacters(runtime, width);
  spend(runtime, (width + text.length) >>> 4);
  const missing = width - Array.from(text).length;
  if (missing <= 0) return text;
  if (flags.minus) return text + ' '.repeat(missing);
  return (flags.zero ? '0' : ' ').repeat(missing) + text;
}

function printText(text: string, verb: string, flags: Flags, runtime: Runtime): string {
  const { precision } = flags;
  if (text.length > 64) spend(runtime, verb === 's' || verb === 'v' ? text.length >>> 3 : text.length);
  const cut =
    precision === undefined || precision >= text.length ? text : Array.from(text).slice(0, precision).join('');
  if (verb === 'v' && flags.sharp) return pad(quoteGo(cut), flags, runtime);
  if (verb === 's' || verb === 'v') return pad(cut, flags, runtime);
  if (verb === 'q') {
    if (flags.sharp && /^[^`\n\r\u007f\ufeff]*$/.test(cut) && !/[^\P{Cc}\t]/u.test(cut))
      return pad(`\`${cut}\``, flags, runtime);
    return pad(quoteGo(cut, flags.plus), flags, runtime);
  }
  if (verb === 'x' || verb === 'X') {
    const bytes = Buffer.from(text, 'utf8').subarray(0, precision).toString('hex');
    const spaced = flags.space ? bytes.replace(/..(?=.)/g, flags.sharp ? '$& 0x' : '$& ') : bytes;
    const prefixed = flags.sharp && spaced !== '' ? `0x${spaced}` : spaced;
    return pad(verb === 'X' ? prefixed.toUpperCase() : prefixed, flags, runtime);
  }
  return wrongVerb(text, verb, runtime);
}

const bases: Readonly<Record<string, number>> = { d: 10, v: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };

function printInteger(operand: unknown, verb: string, flags: Flags, runtime: Runtime): string {
  const value = wholeNumber(operand) ?? 0n;
  const base = bases[verb];
  if (base !== undefined) return formatInteger(value, base, verb, flags, runtime);
  const isCodePoint = value >= 0n && value <= 0x10ffffn && !(value >= 0xd800n && value <= 0xdfffn);
  const character = isCodePoint ? String.fromCodePoint(Number(value)) : '\ufffd';
  if (verb === 'c') return pad(character, flags, runtime);
  if (verb === 'q') return pad(quoteGo(character, flags.plus, "'"), flags, runtime);
  if (verb === 'U') {
    const digits = value
      .toString(16)
      .toUpperCase()
      .padStart(Math.max(flags.precision ?? 0, 4), '0');
    const shown = flags.sharp && isPrintable(character) ? ` '${character}'` : '';
    return pad(`U+${digits}${shown}`, { ...flags, zero: false }, runtime);
  }
  return wrongVerb(operand, verb, runtime);
}

const prefixes: Readonly<Record<string, string>> = { b: '0b', x: '0x', X: '0X' };

function formatInteger(value: bigint, base: number, verb: string, flags: Flags, runtime: Runtime): string {
  const isNegative = value < 0n;
  const sign = isNegative ? '-' : flags.plus ? '+' : flags.space ? ' ' : '';
  if (flags.precision === 0 && value === 0n) return pad('', { ...flags, zero: false }, runtime);
  let minimumDigits = flags.precision ?? 0;
  if (flags.precision === undefined && flags.zero && !flags.minus) minimumDigits = (flags.width ?? 0) - sign.length;
  checkCharacters(runtime, minimumDigits);
  let digits = (isNegative ? -value : value).toString(base).padStart(minimumDigits, '0');
  if (verb === 'X') digits = digits.toUpperCase();
  if (verb === 'o' && flags.sharp && !digits.startsWith('0')) digits = `0${digits}`;
  if (flags.sharp) digits = (prefixes[verb] ?? '') + digits;
  if (verb === 'O') digits = `0o${digits}`;
  return pad(sign + digits, { ...flags, zero: false }, runtime);
}

/** The digits of a float64 end after 1,074; more of them take arithmetic on ever longer numbers. */
const mostExactDigits = 10_000;

function printFloat(operand: unknown, verb: string, flags: Flags, runtime: Runtime): string {
  const value = floatNumber(operand) ?? 0;
  const form = verb === 'v' ? 'g' : verb.toLowerCase();
  if (form !== 'e' && form !== 'f' && form !== 'g') return wrongVerb(operand, verb, runtime);
  const precision = flags.precision ?? (form === 'g' ? -1 : 6);
  checkCharacters(runtime, precision);
  if (precision > mostExactDigits) throw new FunctionError(`a number has at most ${mostExactDigits} exact digits`);
  if (precision > 32) spend(runtime, precision);
  let number = formatFloat(value, form, precision);
  if (verb === 'E' || verb === 'G') number = number.toUpperCase();
  let sign = number.startsWith('-') || number.startsWith('+') ? number.charAt(0) : '';
  const magnitude = number.slice(sign.length);
  if (sign === '' && flags.plus) sign = '+';
  else if ((sign === '' || (sign === '+' && !flags.plus)) && flags.space) sign = ' ';
  else if (sign === '+' && !flags.plus && Number.isFinite(value)) sign = '';
  if (!Number.isFinite(value)) return pad(sign + magnitude, { ...flags, zero: false }, runtime);
  if (flags.zero && !flags.minus && flags.width !== undefined) {
    return sign + pad(magnitude, { ...flags, width: flags.width - sign.length }, runtime);
  }
  return pad(sign + magnitude, flags, runtime);
}

/** `%#v`: the value as Go source. */
function goSyntax(value: unknown, runtime: Runtime): string {
  const kind = kindOf(value);
  spend(runtime, kind === 'string' ? (value as string).length : 1);
  if (kind === 'string') return quoteGo(value as string);
  if (kind === 'missing' || kind === 'nil') return 'interface {}(nil)';
  const list = kind === 'list' ? (value as GoList).map((element) => goSyntax(element, runtime)) : undefined;
  const map = kind === 'map' ? (value as GoMap) : undefined;
  const members =
    list ?? (map && sortedKeys(map, runtime).map((key) => `${quoteGo(key)}:${goSyntax(map[key], runtime)}`));
  if (members === undefined) return formatValue(value, runtime);
  const text = `${typeName(value)}{${members.join(', ')}}`;
  checkCharacters(runtime, text.length);
  return text;
}
