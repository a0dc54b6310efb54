import { formatValue, sortedKeys } from './print.ts';
import { checkCharacters, spend } from './runtime.ts';
import type { Runtime } from './runtime.ts';
import { timeJson } from './times.ts';
import { kindOf, nilList, timeValue, wholeNumber } from './values.ts';
import type { GoList, GoMap } from './values.ts';

/**
 * A value as Helm's toYaml writes it, without the last newline: keys sorted, lists not indented below their key, text of
 * several lines as a literal block. Unlike Go's library it never folds long lines, which reads back the same.
 */
export function toYaml(value: unknown, runtime: Runtime): string {
  return block(value, '', runtime);
}

/** A value that starts on its own line; `indent` stands before each line but the first. */
function block(value: unknown, indent: string, runtime: Runtime): string {
  spend(runtime);
  const kind = kindOf(value);
  if (kind === 'list' && (value as GoList).length > 0) {
    return lines(
      (value as GoList).map((element) => `- ${block(element, `${indent}  `, runtime)}`),
      indent,
      runtime,
    );
  }
  if (kind === 'map' && Object.keys(value as GoMap).length > 0) {
    const map = value as GoMap;
    const members = sortedKeys(map, runtime).map((key) => `${keyText(key)}:${memberText(map[key], indent, runtime)}`);
    return lines(members, indent, runtime);
  }
  return scalar(value, indent, runtime);
}

function lines(members: readonly string[], indent: string, runtime: Runtime): string {
  checkCharacters(
    runtime,
    members.reduce((sum, member) => sum + member.length + indent.length, 0),
  );
  return members.join(`\n${indent}`);
}

function memberText(value: unknown, indent: string, runtime: Runtime): string {
  const kind = kindOf(value);
  if (kind === 'list' && (value as GoList).length > 0) return `\n${indent}${block(value, indent, runtime)}`;
  if (kind === 'map' && Object.keys(value as GoMap).length > 0) {
    return `\n${indent}  ${block(value, `${indent}  `, runtime)}`;
  }
  return ` ${scalar(value, indent === '' ? '  ' : `${indent}  `, runtime)}`;
}

function scalar(value: unknown, indent: string, runtime: Runtime): string {
  switch (kindOf(value)) {
    case 'string':
      return text(value as string, indent === '' ? '  ' : indent, runtime);
    case 'list':
      return value === nilList ? 'null' : '[]';
    case 'map':
      return '{}';
    case 'missing':
    case 'nil':
      return 'null';
    case 'time': {
      const time = timeValue(value);
      return time === undefined ? 'null' : `"${timeJson(time)}"`;
    }
    case 'duration':
    case 'named':
      return String(wholeNumber(value));
    default:
      return formatValue(value, runtime)
        .replace(/^\+?(-?)Inf$/, '$1.inf')
        .replace(/^NaN$/, '.nan');
  }
}

function keyText(key: string): string {
  return key.includes('\n') || key.length > 128 ? quoted(key) : inline(key);
}

/** Text of several lines as a literal block where it reads back the same, else on one line. */
function text(value: string, indent: string, runtime: Runtime): string {
  spend(runtime, value.length >>> 1);
  // Text that ends in several newlines would lose one with the last newline of the document.
  const isBlock =
    /^[^\s][^]*\n/.test(value) && !value.endsWith('\n\n') && onlyPlainCharacters(value.replaceAll('\n', ''));
  if (!isBlock) return inline(value);
  checkCharacters(runtime, value.length + value.split('\n').length * indent.length);
  const isEnded = value.endsWith('\n');
  const body = (isEnded ? value.slice(0, -1) : value).split('\n').map((line) => (line === '' ? '' : indent + line));
  return `|${isEnded ? '' : '-'}\n${body.join('\n')}`;
}

/** What YAML 1.1 or 1.2 would read as something other than text. */
const otherTypes =
  /^(?:~|null|true|false|yes|no|on|off|y|n|[-+]?(?:\.inf|[0-9][0-9_]*(?:\.[0-9_]*)?(?:e[-+]?[0-9]+)?|\.[0-9][0-9_]*(?:e[-+]?[0-9]+)?|0x[0-9a-f_]+|0o?[0-7_]+|0b[01_]+|[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?)|\.nan|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*|<<|=)$/i;

const plain = /^(?![-?:,[\]{}#&*!|>'"%@`\s])(?!-{3}|\.{3})(?:[^:#]|:(?=\S)|(?<=\S)#)*(?<!\s)$/;
/** A dash, question mark or colon may start plain text where something follows it directly. */
const plainAfterIndicator = /^[-?:](?=[^\s,[\]{}])(?!-{2})(?:[^:#]|:(?=\S)|(?<=\S)#)*(?<!\s)$/;

function inline(value: string): string {
  if (!onlyPlainCharacters(value) || otherTypes.test(value)) return quoted(value);
  if (value !== '' && (plain.test(value) || plainAfterIndicator.test(value))) return value;
  return value === '' ? '""' : `'${value.replaceAll("'", "''")}'`;
}

function onlyPlainCharacters(value: string): boolean {
  return /^[\x20-\x7e\u00a0-\u1fff\u2010-\u2027\u202f-\ud7ff\ue000-\ufefe\uff00-\ufffd]*$/.test(value);
}

/** In double quotes, which can hold everything. */
function quoted(value: string): string {
  const escaped = JSON.stringify(value.toWellFormed());
  return escaped.replaceAll(
    /[\x7f-\xa0\u1680\u2000-\u200f\u2028\u2029\u205f-\u206f\u3000\ufeff\uffff]|[\ud800-\udbff][\udc00-\udfff]/g,
    (character) => {
      const codePoint = character.codePointAt(0) ?? 0;
      return codePoint > 0xffff
        ? `\\U${codePoint.toString(16).toUpperCase().padStart(8, '0')}`
        : `\\u${codePoint.toString(16).padStart(4, '0')}`;
    },
  );
}
