import { AppError } from '../core/errors.ts';
import { mostSimilar } from '../lib/similar.ts';
import { wrap } from '../lib/wrap.ts';
import { apiVersion } from './fields.ts';
import { fieldTree } from './field-tree.ts';
import type { FieldInfo } from './field-tree.ts';
import type { ResourceKind } from './object.ts';

const kinds: Readonly<Record<string, ResourceKind>> = { source: 'Source', workflow: 'Workflow', sink: 'Sink' };

/** What a field is: its kind and its description, with the fields below it. Throws as {@link explainField}. */
export function findField(field: string): { readonly kind: ResourceKind; readonly info: FieldInfo } {
  const [first = '', ...rest] = field
    .replaceAll(/\[\d*\]/g, '')
    .split('.')
    .filter(Boolean);
  const noun = first.toLowerCase().replace(/s$/, '');
  const kind = Object.hasOwn(kinds, noun) ? kinds[noun] : undefined;
  if (kind === undefined) {
    throw new AppError('InvalidInput', first === '' ? 'name a field' : `there is no kind ${first}`, {
      next: 'fist explain workflow.spec.steps (kinds: source, workflow, sink)',
    });
  }
  let info = fieldTree(kind);
  for (const name of rest) info = child(kind, info, name);
  return { kind, info };
}

/**
 * Explains `workflow`, `workflow.spec.steps` or `workflow.spec.steps.goal` from the schemas of this program. Throws
 * InvalidInput for a field that does not exist, with the fields that do.
 */
export function explainField(field: string, width: number): string {
  const { kind, info } = findField(field);
  return page(kind, info, width);
}

function child(kind: ResourceKind, parent: FieldInfo, name: string): FieldInfo {
  const found = parent.fields.find((field) => field.name === name);
  if (found !== undefined) return found;
  const names = parent.fields.map((field) => field.name);
  const where = `${kind.toLowerCase()}${parent.path === '' ? '' : `.${parent.path}`}`;
  const similar = mostSimilar(name, names);
  const next =
    similar === undefined
      ? `fields there: ${names.join(', ')}`
      : `fist explain ${where.replaceAll('[]', '')}.${similar}`;
  throw new AppError('InvalidInput', `${where} has no field ${name}`, names.length === 0 ? {} : { next });
}

function page(kind: ResourceKind, info: FieldInfo, width: number): string {
  const lines = [`KIND:     ${kind}`, `VERSION:  ${apiVersion}`];
  if (info.path !== '') lines.push(`FIELD:    ${info.path} <${info.type}>`);
  lines.push('', 'DESCRIPTION:', ...wrap(info.description === '' ? 'none' : info.description, width, '  '));
  const facts = factsOf(info);
  if (facts.length > 0)
    lines.push('', ...facts.flatMap(([name, text]) => wrap(text, width, `${name}:`.padEnd(10), ' '.repeat(10))));
  if (info.fields.length > 0) {
    lines.push('', 'FIELDS:');
    for (const field of info.fields) {
      const known = field.default === undefined ? '' : ` (default ${JSON.stringify(field.default)})`;
      const mark = field.required ? ' -required-' : known;
      lines.push(`  ${field.name} <${field.type}>${mark}`, ...wrap(field.description, width, '    '));
    }
  }
  return `${lines.join('\n')}\n`;
}

/** What is known of a field beside its description. */
export function factsOf(info: FieldInfo): readonly (readonly [string, string])[] {
  const facts: [string, string][] = [];
  if (info.required && info.path !== '') facts.push(['REQUIRED', 'yes']);
  if (info.values.length > 0) facts.push(['VALUES', info.values.join(', ')]);
  if (info.default !== undefined) facts.push(['DEFAULT', JSON.stringify(info.default)]);
  if (info.usedBy.length > 0) {
    const types = info.usedBy.map((type) => (info.requiredBy.includes(type) ? `${type} (required)` : type));
    facts.push(['TYPES', types.join(', ')]);
  }
  return facts;
}
