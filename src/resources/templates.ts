import { lintCommand } from '../lib/shell.ts';
import { nextOfUnknown } from '../lib/similar.ts';
import { templateActions } from '../lib/template/analyse.ts';
import { TemplateError } from '../lib/template/error.ts';
import { parseTemplate } from '../lib/template/index.ts';
import type { TemplateKind } from '../workflows/steps/define.ts';
import type { Issue } from './problem.ts';
import { foreignRoot } from './roots.ts';

/** What a template of a Workflow may speak about. */
export interface TemplateScope {
  /** Names of the steps that have run by then. */
  readonly steps: ReadonlySet<string>;
  /** Names of the steps that come later. */
  readonly laterSteps: ReadonlySet<string>;
  /** Names under `.env`. */
  readonly environment: ReadonlySet<string>;
}

/** Of a template in a Source: the names that it may begin with, of which the first has the item. */
export interface SourceScope {
  readonly roots: readonly string[];
}

type AnyScope = TemplateScope | SourceScope | 'Sink';

/** What is wrong with the text of a template, condition or command at `path`; `scope` says which names there are. */
export function textIssues(text: string, kind: TemplateKind, path: Issue['path'], scope: AnyScope): readonly Issue[] {
  try {
    // A condition `A == B` is one template too: what stands between the sides is text.
    const template = parseTemplate(text);
    const unsafe = kind === 'command' ? commandIssues(text, path) : [];
    const references = templateActions(template).flatMap(({ fields, line, column }) =>
      fields.flatMap((field) => referenceIssues(field, offsetOf(text, line, column), path, scope)),
    );
    return [...unsafe, ...references];
  } catch (thrown) {
    if (!(thrown instanceof TemplateError)) throw thrown;
    const offset = offsetOf(text, thrown.line, thrown.column);
    return [{ path, offset, severity: 'error', beyond: 'Template', message: `template: ${thrown.reason}` }];
  }
}

/** A root that does not exist prints nothing, always. */
function unknownRoot(
  field: readonly (string | number)[],
  offset: number,
  path: Issue['path'],
  { roots }: SourceScope,
): readonly Issue[] {
  const [root] = field;
  if (typeof root !== 'string' || roots.includes(root)) return [];
  const name = field.join('.');
  const next = `did you mean .${roots[0]}.${name}? there are ${roots.map((each) => `.${each}`).join(', ')}`;
  return [{ path, offset, severity: 'warning', message: `.${name} is always empty here`, next }];
}

function commandIssues(text: string, path: Issue['path']): readonly Issue[] {
  return lintCommand(text).map(({ line, column, message, next }) => ({
    path,
    offset: offsetOf(text, line, column),
    severity: 'error',
    beyond: 'Command',
    message,
    next,
  }));
}

function referenceIssues(
  field: readonly (string | number)[],
  offset: number,
  at: Issue['path'],
  scope: AnyScope,
): readonly Issue[] {
  const [root, name] = field;
  if (scope !== 'Sink' && 'roots' in scope) return unknownRoot(field, offset, at, scope);
  const foreign = foreignRoot(field, scope === 'Sink' ? 'Sink' : 'Workflow');
  if (foreign !== null) return [{ path: at, offset, severity: 'warning', ...foreign }];
  if (scope === 'Sink' || typeof name !== 'string') return [];
  if (root === 'steps' && !scope.steps.has(name)) {
    const names = [...scope.steps];
    const message = scope.laterSteps.has(name)
      ? `step ${name} has not run yet when this is rendered`
      : `there is no step ${name}`;
    const next = nextOfUnknown(name, names, `steps that have run by then: ${names.join(', ') || 'none'}`, '.steps.');
    return [{ path: at, offset, severity: 'error', tolerated: true, beyond: 'Reference', message, next }];
  }
  if (root === 'env' && !scope.environment.has(name)) {
    const message = `.env.${name} is not in spec.runtime.environment, so it is empty`;
    return [{ path: at, offset, severity: 'warning', message }];
  }
  return [];
}

function offsetOf(text: string, line: number, column: number): number {
  let offset = 0;
  for (let passed = 1; passed < line; passed += 1) {
    const lineFeed = text.indexOf('\n', offset);
    if (lineFeed === -1) break;
    offset = lineFeed + 1;
  }
  return offset + column - 1;
}
