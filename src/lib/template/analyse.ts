import type { ControlNode, Operand, PathStep, Pipeline, Template, TemplateNode } from './ast.ts';
import { positionAt } from './error.ts';
import type { Position } from './error.ts';

/** One action of a template, for lint. */
export interface TemplateAction extends Position {
  readonly kind: 'print' | 'assign' | 'template' | ControlNode['kind'];
  /** The pipeline as it is written. */
  readonly source: string;
  /** Field chains from the template's root, `['steps', 'get-logs', 'result']`; `[n]` is a number. Others are left out. */
  readonly fields: readonly (readonly PathStep[])[];
  /** Names of the functions it calls. */
  readonly functions: readonly string[];
}

interface Scope {
  readonly template: Template;
  /** Whether `.` is the template's root here (not inside `with`, `range` or `define`), and whether `$` is. */
  readonly dotIsRoot: boolean;
  readonly dollarIsRoot: boolean;
}

/** Every action of a template in source order, those of all branches and definitions included. */
export function templateActions(template: Template): TemplateAction[] {
  const scope: Scope = { template, dotIsRoot: true, dollarIsRoot: true };
  const actions = collect(scope, template.root);
  for (const nodes of template.definitions.values()) {
    actions.push(...collect({ template, dotIsRoot: false, dollarIsRoot: false }, nodes));
  }
  return actions.sort((left, right) => left.line - right.line || left.column - right.column);
}

function collect(scope: Scope, nodes: readonly TemplateNode[]): TemplateAction[] {
  return nodes.flatMap((node) => {
    switch (node.kind) {
      case 'action':
        return [describe(scope, node.pipe.variables.length > 0 ? 'assign' : 'print', node.offset, node.pipe)];
      case 'template':
        return [describe(scope, 'template', node.offset, node.pipe)];
      case 'if':
      case 'with':
      case 'range': {
        const inside = node.kind === 'if' ? scope : { ...scope, dotIsRoot: false };
        return [
          describe(scope, node.kind, node.offset, node.pipe),
          ...collect(inside, node.body),
          ...collect(scope, node.otherwise),
        ];
      }
      default:
        return [];
    }
  });
}

function describe(
  scope: Scope,
  kind: TemplateAction['kind'],
  offset: number,
  pipe: Pipeline | undefined,
): TemplateAction {
  const { source } = scope.template;
  const fields: (readonly PathStep[])[] = [];
  const functions: string[] = [];
  if (pipe !== undefined) visitPipeline(pipe, (operand) => note(scope, operand, fields, functions));
  const written = pipe === undefined ? '' : source.slice(pipe.offset, pipe.end).trim();
  return { kind, source: written, fields, functions: [...new Set(functions)], ...positionAt(source, offset) };
}

function note(scope: Scope, operand: Operand, fields: (readonly PathStep[])[], functions: string[]): void {
  if (operand.kind === 'function') functions.push(operand.name);
  else if (operand.kind === 'field' && scope.dotIsRoot) fields.push(operand.path);
  else if (operand.kind === 'variable' && operand.name === '$' && scope.dollarIsRoot && operand.path.length > 0) {
    fields.push(operand.path);
  } else if (operand.kind === 'chain' && scope.dotIsRoot && isRootInParentheses(operand.operand))
    fields.push(operand.path);
}

/** `(.).name`, and `(.steps).get-logs` as far as it goes. */
function isRootInParentheses(operand: Operand): boolean {
  if (operand.kind !== 'pipe' || operand.commands.length !== 1) return false;
  return operand.commands[0]?.operands.length === 1 && operand.commands[0].operands[0].kind === 'dot';
}

function visitPipeline(pipe: Pipeline, visit: (operand: Operand) => void): void {
  for (const command of pipe.commands) for (const operand of command.operands) visitOperand(operand, visit);
}

function visitOperand(operand: Operand, visit: (operand: Operand) => void): void {
  visit(operand);
  if (operand.kind === 'pipe') visitPipeline(operand, visit);
  if (operand.kind === 'chain') visitOperand(operand.operand, visit);
}
