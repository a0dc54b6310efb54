import type { Command, NumberNode, Operand, PathStep, Pipeline, Template } from './ast.ts';
import { FunctionError } from './error.ts';
import { asTime } from './functions/dates.ts';
import type { ParameterType, TemplateFunction } from './functions/define.ts';
import { functions } from './functions/index.ts';
import { methodOf } from './methods.ts';
import { checkCharacters, spend } from './runtime.ts';
import type { Runtime } from './runtime.ts';
import { isTrue, kindOf, member, typeName, wholeNumber } from './values.ts';
import type { GoList, GoMap } from './values.ts';
import { plural } from '../words.ts';

export interface Variable {
  readonly name: string;
  value: unknown;
}

/** The state that evaluating an expression needs; `offset` is the node at work, for errors. */
export interface Evaluation {
  readonly template: Template;
  readonly runtime: Runtime;
  variables: Variable[];
  offset: number;
}

/** No value was piped in; `undefined` may well have been. */
const nothing: unique symbol = Symbol('nothing');

/** The value of a pipeline; also declares or assigns its variables. A nil becomes a missing value, as in Go. */
export function evaluatePipeline(evaluation: Evaluation, pipe: Pipeline, dot: unknown): unknown {
  let value: unknown = nothing;
  for (const command of pipe.commands) {
    value = evaluateCommand(evaluation, command, dot, value);
    if (value === null) value = undefined;
  }
  for (const name of pipe.variables) {
    if (!pipe.assigns) evaluation.variables.push({ name, value });
    else findVariable(evaluation, name).value = value;
  }
  return value;
}

/** The innermost variable of a name. */
export function findVariable(evaluation: Evaluation, name: string): Variable {
  const { variables } = evaluation;
  for (let index = variables.length - 1; index >= 0; index -= 1) {
    const candidate = variables[index];
    if (candidate?.name === name) return candidate;
  }
  throw new FunctionError(`undefined variable ${name}`);
}

function evaluateCommand(evaluation: Evaluation, command: Command, dot: unknown, piped: unknown): unknown {
  const [first] = command.operands;
  spend(evaluation.runtime);
  evaluation.offset = first.offset;
  if (first.kind === 'function') return callFunction(evaluation, first.name, command.operands, dot, piped);
  const hasArguments = command.operands.length > 1 || piped !== nothing;
  if (first.kind === 'nil') throw new FunctionError('nil is not a command');
  return hasArguments ? callMethod(evaluation, command, dot, piped) : evaluateOperand(evaluation, first, dot);
}

/** `.alert.startsAt.Format "15:04"`: the last step of a chain is a method that takes the arguments. */
function callMethod(evaluation: Evaluation, command: Command, dot: unknown, piped: unknown): unknown {
  const [first] = command.operands;
  const name = 'path' in first ? first.path.at(-1) : undefined;
  if (!('path' in first) || typeof name !== 'string') throw new FunctionError('only a function takes arguments');
  const receiver = evaluateOperand(evaluation, { ...first, path: first.path.slice(0, -1) }, dot);
  // A field that is absent stays absent, as without arguments.
  if (receiver === undefined) return undefined;
  const method = methodOf(receiver, name);
  evaluation.offset = first.offset;
  if (method === undefined) {
    const what = receiver === null ? 'nil' : `a value of type ${typeName(receiver)}`;
    throw new FunctionError(`${what} has no method ${name}, and only a function or method takes arguments`);
  }
  return call(evaluation, name, method, [receiver], command.operands, dot, piped);
}

/** The value of an operand that has no arguments. */
function evaluateOperand(evaluation: Evaluation, operand: Operand, dot: unknown): unknown {
  switch (operand.kind) {
    case 'field':
      return follow(evaluation, dot, operand.path, operand.offset);
    case 'variable':
      return follow(evaluation, findVariable(evaluation, operand.name).value, operand.path, operand.offset);
    case 'chain':
      return follow(evaluation, evaluateOperand(evaluation, operand.operand, dot), operand.path, operand.offset);
    case 'pipe':
      return evaluatePipeline(evaluation, operand, dot);
    case 'function':
      evaluation.offset = operand.offset;
      return callFunction(evaluation, operand.name, [operand], dot, nothing);
    case 'constant':
      return operand.value;
    case 'number':
      return numberValue(operand);
    case 'dot':
      return dot;
    default:
      return null;
  }
}

function numberValue(node: NumberNode): unknown {
  if (node.value === undefined) throw new FunctionError(`${node.text} overflows an int`);
  return node.value;
}

/** Goes down a field chain. From a missing value everything is missing; from a nil it is an error, as in Go. */
function follow(evaluation: Evaluation, start: unknown, path: readonly PathStep[], offset: number): unknown {
  let value = start;
  for (const name of path) {
    if (value === undefined) return undefined;
    if (typeof name === 'string' && kindOf(value) === 'map') value = member(value as GoMap, name);
    else if (typeof name === 'number' && kindOf(value) === 'list') value = (value as GoList)[name];
    else {
      evaluation.offset = offset;
      value = callPlainMethod(evaluation, value, name);
    }
  }
  return value;
}

/** A method without arguments, in a field chain: `.UTC`, `.Unix`. */
function callPlainMethod(evaluation: Evaluation, value: unknown, name: PathStep): unknown {
  const method = typeof name === 'string' ? methodOf(value, name) : undefined;
  if (method !== undefined) return call(evaluation, String(name), method, [value], [], undefined, nothing);
  const what = typeof name === 'number' ? `index [${name}]` : `field ${name}`;
  throw new FunctionError(value === null ? `nil has no ${what}` : `a value of type ${typeName(value)} has no ${what}`);
}

function callFunction(
  evaluation: Evaluation,
  name: string,
  operands: readonly Operand[],
  dot: unknown,
  piped: unknown,
): unknown {
  if (name === 'and' || name === 'or') return decide(evaluation, name, operands, dot, piped);
  const definition = functions.get(name);
  if (definition === undefined) throw new FunctionError(`function ${JSON.stringify(name)} is not defined`);
  return call(evaluation, name, definition, [], operands, dot, piped);
}

/** Calls a function, or a method on its `receiver`, with the operands behind the first. */
function call(
  evaluation: Evaluation,
  name: string,
  definition: TemplateFunction,
  receiver: readonly unknown[],
  operands: readonly Operand[],
  dot: unknown,
  piped: unknown,
): unknown {
  const { offset } = evaluation;
  const count = Math.max(operands.length - 1, 0) + (piped === nothing ? 0 : 1);
  checkCount(name, definition, count, receiver.length);
  const values = receiver.map((value) => convert(value, parameterType(definition, 0)));
  for (let index = 1; index < operands.length; index += 1) {
    const operand = operands[index];
    const type = parameterType(definition, values.length);
    if (operand !== undefined) values.push(argument(evaluation, operand, dot, type));
  }
  evaluation.offset = offset;
  if (piped !== nothing) values.push(convert(piped, parameterType(definition, values.length)));
  let work = 2;
  for (const value of values) work += weight(value);
  spend(evaluation.runtime, work);
  const result = definition.call(values, evaluation.runtime);
  if (typeof result === 'string') {
    checkCharacters(evaluation.runtime, result.length);
    if (result.length > 64) spend(evaluation.runtime, result.length >>> 6);
  }
  return result;
}

/** Large arguments cost steps, or a loop over them could run for minutes. A function that does more than copy charges that itself. */
function weight(value: unknown): number {
  if (typeof value === 'string') return value.length >>> 6;
  return Array.isArray(value) ? value.length >>> 3 : 0;
}

function checkCount(name: string, definition: TemplateFunction, count: number, receivers: number): void {
  const wanted = definition.parameters.length - receivers;
  if (definition.rest === undefined ? count === wanted : count >= wanted) return;
  const least = definition.rest === undefined ? '' : 'at least ';
  throw new FunctionError(`${name} takes ${least}${plural(wanted, 'argument')}, not ${count}`);
}

function parameterType(definition: TemplateFunction, index: number): ParameterType {
  return definition.parameters[index] ?? definition.rest ?? 'any';
}

/** `and` and `or` evaluate only as far as needed and give the deciding value. */
function decide(
  evaluation: Evaluation,
  name: 'and' | 'or',
  operands: readonly Operand[],
  dot: unknown,
  piped: unknown,
): unknown {
  let value: unknown = nothing;
  for (const operand of operands.slice(1)) {
    evaluation.offset = operand.offset;
    value = evaluateOperand(evaluation, operand, dot);
    if (isTrue(value) === (name === 'or')) return value;
  }
  if (piped !== nothing) return piped;
  if (value === nothing) throw new FunctionError(`${name} takes at least 1 argument, not 0`);
  return value;
}

function argument(evaluation: Evaluation, operand: Operand, dot: unknown, type: ParameterType): unknown {
  evaluation.offset = operand.offset;
  // A constant 2.0 serves where an int is wanted; a computed float does not.
  if (operand.kind === 'number' && type === 'int' && operand.whole !== undefined) return Number(operand.whole);
  if (operand.kind === 'nil' && type !== 'any' && type !== 'list' && type !== 'map') {
    throw new FunctionError(`nil cannot be a ${type}`);
  }
  const value = evaluateOperand(evaluation, operand, dot);
  evaluation.offset = operand.offset;
  return convert(value, type);
}

/** Checks a value against a parameter's type; see ParameterTypes for what each accepts. */
function convert(value: unknown, type: ParameterType): unknown {
  if (type === 'any') return value;
  const isNil = value === undefined || value === null;
  switch (type) {
    case 'string':
    case 'format':
      if (typeof value === 'string') return value;
      if (value === undefined || (isNil && type === 'string')) return '';
      break;
    case 'bool':
      if (typeof value === 'boolean') return value;
      break;
    case 'int': {
      const whole = wholeNumber(value);
      if (whole !== undefined && Number.isSafeInteger(Number(whole))) return Number(whole);
      break;
    }
    case 'list':
    case 'map':
      if (isNil) return undefined;
      if (kindOf(value) === type) return value;
      break;
    case 'time': {
      const time = asTime(value);
      if (time !== undefined) return time;
      if (typeof value === 'string') throw new FunctionError(`${JSON.stringify(value)} is not a time (RFC 3339)`);
    }
  }
  throw new FunctionError(
    `expected a ${type === 'format' ? 'string' : type}, got ${isNil ? 'nothing' : `a value of type ${typeName(value)}`}`,
  );
}
