import type { ActionNode, CallNode, ControlNode, Pipeline, Template, TemplateNode, TextNode } from './ast.ts';
import { FunctionError, TemplateError, positionAt } from './error.ts';
import { evaluatePipeline, findVariable } from './evaluate.ts';
import type { Evaluation } from './evaluate.ts';
import { formatValue, sortedKeys } from './print.ts';
import { spend } from './runtime.ts';
import type { Runtime } from './runtime.ts';
import { isTrue, kindOf, typeName, wholeNumber } from './values.ts';
import type { GoList, GoMap } from './values.ts';

/** Receives the output in order: literal text as it stands in the template, and each printed value. */
export interface Output {
  readonly literal: (text: string, node: TextNode) => void;
  readonly value: (text: string, node: ActionNode) => void;
}

interface Execution extends Evaluation {
  readonly output: Output;
  depth: number;
}

type Jump = 'break' | 'continue' | undefined;

/** Executes a template. Throws TemplateError with stage `execute`. */
export function execute(template: Template, data: unknown, runtime: Runtime, output: Output): void {
  // Go has no typed nil at the root: a null document is a missing value.
  const dot = data ?? undefined;
  const execution: Execution = {
    template,
    runtime,
    output,
    variables: [{ name: '$', value: dot }],
    offset: 0,
    depth: 0,
  };
  try {
    walk(execution, template.root, dot);
  } catch (thrown) {
    const reason = reasonOf(thrown);
    if (reason === undefined) throw thrown;
    throw new TemplateError(template.name, positionAt(template.source, execution.offset), 'execute', reason, thrown);
  }
}

/** A stack or string that grew too large is the template's fault too, not a defect of the program. */
function reasonOf(thrown: unknown): string | undefined {
  if (thrown instanceof FunctionError) return thrown.message;
  return thrown instanceof RangeError ? `the template needs too much memory (${thrown.message})` : undefined;
}

function walk(execution: Execution, nodes: readonly TemplateNode[], dot: unknown): Jump {
  for (const node of nodes) {
    const jump = step(execution, node, dot);
    if (jump !== undefined) return jump;
  }
  return undefined;
}

function step(execution: Execution, node: TemplateNode, dot: unknown): Jump {
  if (node.kind === 'text') {
    execution.output.literal(node.text, node);
    return undefined;
  }
  execution.offset = node.offset;
  spend(execution.runtime);
  switch (node.kind) {
    case 'action': {
      const value = evaluatePipeline(execution, node.pipe, dot);
      if (node.pipe.variables.length === 0) {
        execution.output.value(
          value === undefined || value === null ? '' : formatValue(value, execution.runtime),
          node,
        );
      }
      return undefined;
    }
    case 'if':
    case 'with':
      return choose(execution, node, dot);
    case 'range':
      return scoped(execution, () => range(execution, node, dot));
    case 'template':
      callTemplate(execution, node, dot);
      return undefined;
    default:
      return node.kind;
  }
}

/** Variables declared inside are gone afterwards. */
function scoped<Result>(execution: Execution, body: () => Result): Result {
  const visible = execution.variables.length;
  const result = body();
  execution.variables.length = visible;
  return result;
}

function choose(execution: Execution, node: ControlNode, dot: unknown): Jump {
  return scoped(execution, () => {
    const value = evaluatePipeline(execution, node.pipe, dot);
    if (!isTrue(value)) return walk(execution, node.otherwise, dot);
    return walk(execution, node.body, node.kind === 'with' ? value : dot);
  });
}

function range(execution: Execution, node: ControlNode, dot: unknown): Jump {
  const { pipe } = node;
  // A range assigns its variables itself, once per element.
  const value = evaluatePipeline(execution, { ...pipe, variables: [] } satisfies Pipeline, dot);
  if (!pipe.assigns) for (const name of pipe.variables) execution.variables.push({ name, value: undefined });
  const visible = execution.variables.length;
  let count = 0;
  for (const [key, element] of elements(execution, value, pipe)) {
    count += 1;
    countIteration(execution);
    bind(execution, pipe, key, element);
    const jump = walk(execution, node.body, element);
    execution.variables.length = visible;
    if (jump === 'break') break;
  }
  return count === 0 ? walk(execution, node.otherwise, dot) : undefined;
}

function countIteration({ runtime }: Execution): void {
  spend(runtime);
  runtime.iterationsLeft -= 1;
  if (runtime.iterationsLeft < 0) throw new FunctionError(`the loops run more than ${runtime.limits.iterations} times`);
}

/** Keys and elements in Go's order: lists by index, maps by sorted key, whole numbers from 0. */
function* elements(execution: Execution, value: unknown, pipe: Pipeline): Generator<readonly [unknown, unknown]> {
  const kind = kindOf(value);
  if (kind === 'list') {
    let index = 0n;
    for (const element of value as GoList) {
      yield [index, element];
      index += 1n;
    }
  } else if (kind === 'map') {
    const map = value as GoMap;
    for (const key of sortedKeys(map, execution.runtime)) yield [key, map[key]];
  } else if (kind === 'int' || kind === 'int64') {
    if (pipe.variables.length > 1) throw new FunctionError('a range over a number has only one variable');
    for (let index = 0n; index < (wholeNumber(value) ?? 0n); index += 1n) yield [index, index];
  } else if (kind !== 'missing' && kind !== 'nil') {
    throw new FunctionError(`range cannot iterate over a value of type ${typeName(value)}`);
  }
}

/** One variable takes the element, two the key and the element. */
function bind(execution: Execution, pipe: Pipeline, key: unknown, element: unknown): void {
  const values = pipe.variables.length === 1 ? [element] : [key, element];
  pipe.variables.forEach((name, index) => {
    findVariable(execution, name).value = values[index];
  });
}

function callTemplate(execution: Execution, node: CallNode, dot: unknown): void {
  const nodes = execution.template.definitions.get(node.name);
  if (nodes === undefined) throw new FunctionError(`template ${JSON.stringify(node.name)} is not defined`);
  const argument = node.pipe === undefined ? undefined : evaluatePipeline(execution, node.pipe, dot);
  execution.depth += 1;
  const { callDepth } = execution.runtime.limits;
  if (execution.depth > callDepth)
    throw new FunctionError(`templates call each other more than ${callDepth} levels deep`);
  const callers = execution.variables;
  execution.variables = [{ name: '$', value: argument }];
  walk(execution, nodes, argument);
  execution.variables = callers;
  execution.depth -= 1;
}
