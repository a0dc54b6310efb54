import { compareUtf8 } from '../../hash.ts';
import { FunctionError } from '../error.ts';
import { spend } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { floatNumber, isTrue, kindOf, timeValue, typeName, wholeNumber } from '../values.ts';
import type { GoList, GoMap, Kind } from '../values.ts';
import { fixed, variadic } from './define.ts';
import type { FunctionTable } from './define.ts';

type Family = 'bool' | 'string' | 'integer' | 'float' | 'none';

const families: Partial<Record<Kind, Family>> = {
  bool: 'bool',
  string: 'string',
  int: 'integer',
  int64: 'integer',
  duration: 'integer',
  named: 'integer',
  float64: 'float',
};

function familyOf(value: unknown): Family {
  return families[kindOf(value)] ?? 'none';
}

function isNil(value: unknown): boolean {
  return value === undefined || value === null;
}

function equal(left: unknown, right: unknown): boolean {
  const family = familyOf(left);
  if (family !== familyOf(right)) {
    if (isNil(left) || isNil(right)) return false;
    throw new FunctionError(`a value of type ${typeName(left)} cannot be compared with one of type ${typeName(right)}`);
  }
  if (family === 'integer') return wholeNumber(left) === wholeNumber(right);
  if (family === 'float') return floatNumber(left) === floatNumber(right);
  if (family !== 'none') return left === right;
  return equalComposite(left, right);
}

function equalComposite(left: unknown, right: unknown): boolean {
  if (isNil(left) || isNil(right)) {
    return isNil(left) === isNil(right);
  }
  const [leftTime, rightTime] = [timeValue(left), timeValue(right)];
  if (leftTime === undefined || rightTime === undefined) {
    throw new FunctionError(`values of type ${typeName(left)} cannot be compared`);
  }
  return leftTime.seconds === rightTime.seconds && leftTime.nanoseconds === rightTime.nanoseconds;
}

/** Negative, zero or positive. Whole numbers and floats do not mix, as in Go. */
function order(left: unknown, right: unknown): number {
  const family = familyOf(left);
  const other = familyOf(right);
  if (family === 'none' || other === 'none') {
    throw new FunctionError(`a value of type ${typeName(family === 'none' ? left : right)} has no order`);
  }
  if (family !== other) {
    throw new FunctionError(`a value of type ${typeName(left)} cannot be compared with one of type ${typeName(right)}`);
  }
  if (family === 'string') return compareUtf8(left as string, right as string);
  if (family === 'bool') throw new FunctionError('values of type bool have no order');
  if (family === 'float') return compareNumbers(floatNumber(left) ?? 0, floatNumber(right) ?? 0);
  return compareNumbers(wholeNumber(left) ?? 0n, wholeNumber(right) ?? 0n);
}

/** NaN: neither less, nor equal, nor greater. */
function compareNumbers<Value extends number | bigint>(left: Value, right: Value): number {
  if (left < right) return -1;
  if (left > right) return 1;
  return left === right ? 0 : Number.NaN;
}

/** Go's reflect.DeepEqual, where an int equals an int64 but never a float64. */
export function deepEqual(left: unknown, right: unknown, runtime: Runtime): boolean {
  spend(runtime);
  const kind = kindOf(left);
  if (kind === 'list' && Array.isArray(right)) {
    const list = left as GoList;
    return list.length === right.length && list.every((element, index) => deepEqual(element, right[index], runtime));
  }
  if (kind === 'map' && kindOf(right) === 'map') {
    const keys = Object.keys(left as GoMap);
    const other = right as GoMap;
    if (keys.length !== Object.keys(other).length) return false;
    return keys.every((key) => Object.hasOwn(other, key) && deepEqual((left as GoMap)[key], other[key], runtime));
  }
  if (kind === 'list' || kind === 'map') return false;
  if (isNil(left) || isNil(right)) return isNil(left) && isNil(right);
  const sameKind = familyOf(left) === familyOf(right);
  return sameKind &&
    (familyOf(left) !== 'none' || kind === kindOf(right)) &&
    kindOf(right) !== 'list' &&
    kindOf(right) !== 'map'
    ? equal(left, right)
    : false;
}

/** Whether two values are equal, by the rules of `eq`; a list or map has only nil to compare with. */
function equalsAny(first: unknown, others: readonly unknown[]): boolean {
  if (others.length === 0) throw new FunctionError('eq needs something to compare with');
  return others.some((other) => equal(first, other));
}

/** Go's `eq ne lt le gt ge not`; `and` and `or` are the executor's, because they stop early. */
export const compareFunctions: FunctionTable = {
  eq: variadic(['any'], 'any', equalsAny),
  ne: fixed(['any', 'any'], (left, right) => !equal(left, right)),
  lt: fixed(['any', 'any'], (left, right) => order(left, right) < 0),
  le: fixed(['any', 'any'], (left, right) => order(left, right) <= 0),
  gt: fixed(['any', 'any'], (left, right) => !(order(left, right) <= 0)),
  ge: fixed(['any', 'any'], (left, right) => !(order(left, right) < 0)),
  not: fixed(['any'], (value) => !isTrue(value)),
};
