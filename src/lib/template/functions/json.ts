import { FunctionError } from '../error.ts';
import { sortedKeys } from '../print.ts';
import { checkCharacters, spend } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { timeJson } from '../times.ts';
import { float64, floatNumber, kindOf, nilList, timeValue, wholeNumber } from '../values.ts';
import type { GoList, GoMap } from '../values.ts';
import { toYaml } from '../yaml.ts';
import { fixed, withMust } from './define.ts';
import type { FunctionTable } from './define.ts';
import { ownMap } from './own.ts';

const htmlEscapes: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

function jsonText(text: string, runtime: Runtime): string {
  spend(runtime, text.length >>> 2);
  const escaped = JSON.stringify(text.toWellFormed());
  return escaped.replaceAll(/[<>&\u2028\u2029]/g, (character) => htmlEscapes[character] ?? character);
}

/** A value as Go's encoding/json writes it: keys sorted, `<>&` escaped. `indent` per level; '' is compact. */
export function toJson(value: unknown, indent: string, runtime: Runtime): string {
  return write(value, indent, indent === '' ? '' : '\n', runtime);
}

function write(value: unknown, indent: string, newline: string, runtime: Runtime): string {
  spend(runtime);
  switch (kindOf(value)) {
    case 'string':
      return jsonText(value as string, runtime);
    case 'bool':
      return String(value);
    case 'int':
    case 'int64':
    case 'duration':
    case 'named':
      return String(wholeNumber(value));
    case 'float64':
      return jsonFloat(floatNumber(value) ?? 0);
    case 'time': {
      const time = timeValue(value);
      return time === undefined ? 'null' : `"${timeJson(time)}"`;
    }
    case 'list': {
      if (value === nilList) return 'null';
      const inner = newline + indent;
      return enclose(
        '[',
        ']',
        (value as GoList).map((element) => write(element, indent, inner, runtime)),
        inner,
        newline,
        runtime,
      );
    }
    case 'map': {
      const map = value as GoMap;
      const inner = newline + indent;
      const colon = indent === '' ? ':' : ': ';
      const members = sortedKeys(map, runtime).map(
        (key) => jsonText(key, runtime) + colon + write(map[key], indent, inner, runtime),
      );
      return enclose('{', '}', members, inner, newline, runtime);
    }
    default:
      return 'null';
  }
}

function enclose(
  opening: string,
  closing: string,
  members: readonly string[],
  inner: string,
  newline: string,
  runtime: Runtime,
): string {
  if (members.length === 0) return opening + closing;
  checkCharacters(
    runtime,
    members.reduce((sum, member) => sum + member.length + inner.length + 1, 0),
  );
  return opening + inner + members.join(`,${inner}`) + newline + closing;
}

function jsonFloat(value: number): string {
  if (!Number.isFinite(value)) throw new FunctionError(`JSON has no number ${value}`);
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Every number from JSON text is a float64, as Go's json.Unmarshal makes it. */
function withFloats(value: unknown, runtime: Runtime): unknown {
  spend(runtime);
  if (typeof value === 'number') return float64(value);
  if (Array.isArray(value)) return value.map((element) => withFloats(element, runtime));
  if (typeof value !== 'object' || value === null) return value;
  const map = ownMap();
  for (const [key, element] of Object.entries(value)) map[key] = withFloats(element, runtime);
  return map;
}

/** Throws FunctionError where it is no JSON. */
function mustFromJson(text: string, runtime: Runtime): unknown {
  spend(runtime, text.length);
  let value: unknown;
  try {
    value = JSON.parse(text, (_key, element: unknown) => {
      if (typeof element === 'number' && !Number.isFinite(element)) throw new FunctionError('the number is too large');
      return element;
    });
  } catch (thrown) {
    throw new FunctionError(`the text is no JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
  return withFloats(value, runtime);
}

/** What is no JSON gives nil. */
function fromJson(text: string, runtime: Runtime): unknown {
  try {
    return mustFromJson(text, runtime);
  } catch (thrown) {
    if (thrown instanceof FunctionError && runtime.stepsLeft >= 0) return null;
    throw thrown;
  }
}

/** Without the escapes that make JSON fit for HTML. */
function toRawJson(value: unknown, runtime: Runtime): string {
  const json = toJson(value, '', runtime);
  spend(runtime, json.length >>> 2);
  // A backslash that is itself escaped starts no escape.
  return json.replaceAll(/\\(?:u00(?:3c|3e|26)|[^])/g, (escape) =>
    escape.startsWith('\\u00') ? String.fromCharCode(Number.parseInt(escape.slice(2), 16)) : escape,
  );
}

const compact = fixed(['any'], (value, runtime) => toJson(value, '', runtime));

/** JSON and YAML, as Alertmanager, Sprig and Helm have them. */
export const jsonFunctions: FunctionTable = {
  toJSON: compact,
  fromJson: fixed(['string'], fromJson),
  mustFromJson: fixed(['string'], mustFromJson),
  ...withMust({
    toJson: compact,
    toPrettyJson: fixed(['any'], (value, runtime) => toJson(value, '  ', runtime)),
    toRawJson: fixed(['any'], toRawJson),
  }),
  toYaml: fixed(['any'], toYaml),
};
