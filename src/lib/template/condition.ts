import type { Template } from './ast.ts';
import { positionAt } from './error.ts';
import { parseTemplate, renderTemplateParts } from './index.ts';
import type { RenderOptions, TemplatePart } from './index.ts';

const falseTexts = new Set(['', 'false', '0', 'no']);

/** Whether a rendered text counts as true: not empty, `false`, `0` or `no`, in any case and with any space around. */
export function isTruthyText(text: string): boolean {
  return !falseTexts.has(text.trim().toLowerCase());
}

/**
 * A condition of a step or sink: a template whose text is truthy, or two sides with `==` or `!=` between them. The operator is
 * looked for in the template's own text outside all actions and blocks, never in a value. Both sides are rendered and trimmed;
 * a side without actions may stand in quotes. A condition without any action, `alert.severity == critical`, reads a dotted
 * left side as a path, as the earlier program did. Throws TemplateError.
 */
export function evaluateCondition(text: string, data: unknown, options: RenderOptions = {}): boolean {
  const template = parseCondition(text, options.name);
  const parts = renderTemplateParts(template, data, options);
  const operator = findOperator(template);
  if (operator === undefined) return isTruthyText(joinParts(parts));
  const at = parts.findIndex(
    (part) => part.kind === 'literal' && part.line === operator.line && part.column === operator.column,
  );
  const part = parts[at];
  if (part?.kind !== 'literal') return isTruthyText(joinParts(parts));
  const left = [...parts.slice(0, at), { ...part, text: part.text.slice(0, operator.index) }];
  const right = [{ ...part, text: part.text.slice(operator.index + 2) }, ...parts.slice(at + 1)];
  return (sideText(left) === sideText(right)) === (operator.symbol === '==');
}

const barePath = /^\s*\.?([A-Za-z_][\w-]*(?:(?:\.[\w-]+)|(?:\[\d+\](?=\.)))+)\s*(?=[=!]=)/;

/** The template of a condition, for lint. A bare `path == value` becomes `{{ .path }} == value`. */
export function parseCondition(text: string, name?: string): Template {
  const path = text.includes('{{') ? null : barePath.exec(text);
  if (path === null) return parseTemplate(text, name);
  return parseTemplate(`{{ .${path[1]} }}${text.slice(path[0].length)}`, name);
}

interface Operator {
  readonly symbol: string;
  /** Place of the text that holds it, and offset in that text. */
  readonly line: number;
  readonly column: number;
  readonly index: number;
}

function findOperator(template: Template): Operator | undefined {
  for (const node of template.root) {
    const match = node.kind === 'text' ? /[=!]=/.exec(node.text) : null;
    if (match !== null) return { symbol: match[0], index: match.index, ...positionAt(template.source, node.offset) };
  }
  return undefined;
}

function joinParts(parts: readonly TemplatePart[]): string {
  return parts.map((part) => part.text).join('');
}

function sideText(parts: readonly TemplatePart[]): string {
  const text = joinParts(parts).trim();
  const isLiteral = parts.every((part) => part.kind === 'literal');
  return isLiteral ? text.replace(/^(["'])([^]*)\1$/, '$2') : text;
}
