import { printVerb } from './verbs.ts';
import type { Flags } from './verbs.ts';
import { formatValue } from './print.ts';
import { checkCharacters } from './runtime.ts';
import type { Runtime } from './runtime.ts';
import { typeName, wholeNumber } from './values.ts';

interface Printer {
  readonly format: string;
  readonly operands: readonly unknown[];
  readonly runtime: Runtime;
  offset: number;
  operand: number;
  /** The operand numbers `[n]` so far were all valid. */
  isIndexGood: boolean;
  /** `[n]` was used at all, so that left-over operands are no mistake. */
  isReordered: boolean;
  /** The last thing read was `[n]`. */
  isAfterIndex: boolean;
}

/** Go's limit of widths and precisions. */
const maximumWidth = 1e6;

/** Go's fmt.Sprintf, with its marks for wrong verbs and operands (`%!d(string=x)`). */
export function sprintf(format: string, operands: readonly unknown[], runtime: Runtime): string {
  const printer: Printer = {
    format,
    operands,
    runtime,
    offset: 0,
    operand: 0,
    isIndexGood: true,
    isReordered: false,
    isAfterIndex: false,
  };
  let text = '';
  while (printer.offset < format.length) {
    const percent = format.indexOf('%', printer.offset);
    text += format.slice(printer.offset, percent === -1 ? format.length : percent);
    if (percent === -1) break;
    printer.offset = percent + 1;
    text += printDirective(printer);
    checkCharacters(runtime, text.length);
  }
  return printer.isReordered ? text : text + extraOperands(printer);
}

function printDirective(printer: Printer): string {
  printer.isIndexGood = true;
  printer.isAfterIndex = false;
  const flags: Flags = {
    minus: false,
    plus: false,
    sharp: false,
    space: false,
    zero: false,
    width: undefined,
    precision: undefined,
  };
  readFlags(printer, flags);
  let marks = '';
  readIndex(printer);
  marks += readWidth(printer, flags);
  marks += readPrecision(printer, flags);
  if (!printer.isAfterIndex) readIndex(printer);
  const codePoint = printer.format.codePointAt(printer.offset);
  if (codePoint === undefined) return `${marks}%!(NOVERB)`;
  const verb = String.fromCodePoint(codePoint);
  printer.offset += verb.length;
  if (verb === '%') return `${marks}%`;
  if (!printer.isIndexGood) return `${marks}%!${verb}(BADINDEX)`;
  if (printer.operand >= printer.operands.length) return `${marks}%!${verb}(MISSING)`;
  const operand = printer.operands[printer.operand];
  printer.operand += 1;
  // `%+v` asks for field names, which maps have anyway, not for signs.
  if (verb === 'v') flags.plus = false;
  return marks + printVerb(operand, verb, flags, printer.runtime);
}

const flagNames: Readonly<Record<string, 'minus' | 'plus' | 'sharp' | 'space' | 'zero'>> = {
  '-': 'minus',
  '+': 'plus',
  '#': 'sharp',
  ' ': 'space',
  '0': 'zero',
};

function readFlags(printer: Printer, flags: Flags): void {
  for (;;) {
    const name = flagNames[printer.format[printer.offset] ?? ''];
    if (name === undefined) return;
    flags[name] = true;
    printer.offset += 1;
  }
}

function readNumber(printer: Printer): number | undefined {
  const digits = /^[0-9]+/.exec(printer.format.slice(printer.offset, printer.offset + 20))?.[0];
  if (digits === undefined) return undefined;
  printer.offset += digits.length;
  return Number(digits) > maximumWidth ? undefined : Number(digits);
}

/** `[n]`: the operand to use next, counted from 1. */
function readIndex(printer: Printer): void {
  printer.isAfterIndex = false;
  if (printer.format[printer.offset] !== '[') return;
  printer.isReordered = true;
  const closing = printer.format.indexOf(']', printer.offset);
  const digits = closing === -1 ? '' : printer.format.slice(printer.offset + 1, closing);
  printer.offset = closing === -1 ? printer.offset + 1 : closing + 1;
  const index = /^[0-9]+$/.test(digits) ? Number(digits) - 1 : -1;
  if (index >= 0 && index < printer.operands.length) {
    printer.operand = index;
    printer.isAfterIndex = true;
  } else {
    printer.isIndexGood = false;
    printer.isAfterIndex = /^[0-9]+$/.test(digits);
  }
}

/** The operand of a `*`. */
function readStar(printer: Printer): number | undefined {
  printer.offset += 1;
  printer.isAfterIndex = false;
  const value = wholeNumber(printer.operands[printer.operand]);
  if (printer.operand < printer.operands.length) printer.operand += 1;
  return value === undefined || value > maximumWidth || value < -maximumWidth ? undefined : Number(value);
}

function readWidth(printer: Printer, flags: Flags): string {
  if (printer.format[printer.offset] !== '*') {
    const wasAfterIndex = printer.isAfterIndex;
    flags.width = readNumber(printer);
    if (wasAfterIndex && flags.width !== undefined) printer.isIndexGood = false;
    return '';
  }
  const width = readStar(printer);
  if (width === undefined) return '%!(BADWIDTH)';
  flags.width = Math.abs(width);
  if (width < 0) {
    flags.minus = true;
    flags.zero = false;
  }
  return '';
}

function readPrecision(printer: Printer, flags: Flags): string {
  if (printer.format[printer.offset] !== '.') return '';
  printer.offset += 1;
  if (printer.isAfterIndex) printer.isIndexGood = false;
  readIndex(printer);
  if (printer.format[printer.offset] !== '*') {
    flags.precision = readNumber(printer) ?? 0;
    return '';
  }
  const precision = readStar(printer);
  if (precision === undefined) return '%!(BADPREC)';
  if (precision >= 0) flags.precision = precision;
  return '';
}

function extraOperands(printer: Printer): string {
  const extra = printer.operands.slice(printer.operand);
  if (extra.length === 0) return '';
  const shown = extra.map((operand) => {
    const type = typeName(operand);
    return type === '<nil>' ? type : `${type}=${formatValue(operand, printer.runtime)}`;
  });
  return `%!(EXTRA ${shown.join(', ')})`;
}
