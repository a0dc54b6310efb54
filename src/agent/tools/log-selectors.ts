import type { Matcher } from '../../core/alert.ts';
import { parseMatchers } from '../../lib/matchers.ts';

/** Labels that collectors give the namespace in. */
const namespaceLabels: ReadonlySet<string> = new Set([
  'namespace',
  'k8s_namespace_name',
  'kubernetes_namespace',
  'kubernetes_namespace_name',
]);

/**
 * The namespaces that the stream selectors of a LogQL expression name, one for each selector; null for one that names none by `=`,
 * or that cannot be read: it may look into all of them. An expression without a selector looks nowhere that is known.
 */
export function namespacesOf(expression: string): readonly (string | null)[] {
  const selectors = selectorsIn(expression);
  return selectors.length === 0 ? [null] : selectors.map(namespaceIn);
}

function namespaceIn(selector: string): string | null {
  let matchers: readonly Matcher[];
  try {
    matchers = parseMatchers(selector);
  } catch {
    return null;
  }
  return matchers.find(({ name, type }) => type === '=' && namespaceLabels.has(name))?.value ?? null;
}

/** What stands in braces, outside of quotes. An open quote or brace ends with the text. */
function selectorsIn(expression: string): readonly string[] {
  const selectors: string[] = [];
  let quote: string | null = null;
  let start: number | null = null;
  for (let index = 0; index < expression.length; index += 1) {
    const character = expression[index] ?? '';
    if (quote !== null) {
      if (character === '\\' && quote === '"') index += 1;
      else if (character === quote) quote = null;
    } else if (character === '"' || character === '`') quote = character;
    else if (character === '{') start ??= index;
    else if (character === '}' && start !== null) {
      selectors.push(expression.slice(start, index + 1));
      start = null;
    }
  }
  return start === null ? selectors : [...selectors, expression.slice(start)];
}
