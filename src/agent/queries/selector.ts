import type { Matcher, MatcherType } from '../../core/alert.ts';

/** A selector of series or streams, as it stands in an expression. */
export interface Selector {
  /** Name of the metric; null where it is given by no plain text. */
  readonly name: string | null;
  readonly matchers: readonly Matcher[];
  /** Where a matcher can be put in. */
  readonly place: number;
  /** How: behind a brace that others follow, between empty braces, or where there are none. */
  readonly form: 'before others' | 'alone' | 'without braces';
}

/** Labels that collectors give the namespace in. */
export const namespaceLabels: ReadonlySet<string> = new Set([
  'namespace',
  'exported_namespace',
  'kubernetes_namespace',
  'kubernetes_namespace_name',
  'k8s_namespace_name',
  'k8s.namespace.name',
]);

/** Which namespaces a selector can find anything of: `named` = these alone, each named in full; null = that is not known. */
export function namespacesOf({ matchers }: Pick<Selector, 'matchers'>): readonly string[] | null {
  const [first] = matchers.flatMap(({ name, type, value }) => {
    const names = namespaceLabels.has(name) ? namesIn(type, value) : null;
    return names === null ? [] : [names];
  });
  return first ?? null;
}

/** All namespaces that a selector names in full, whichever label it says it of. */
export function namedNamespaces({ matchers }: Pick<Selector, 'matchers'>): readonly string[] {
  return matchers.flatMap(({ name, type, value }) => (namespaceLabels.has(name) ? (namesIn(type, value) ?? []) : []));
}

/** `shop`, or `shop|web` as an expression; null for whatever else, `shop.*`, and for what a missing label fits. */
function namesIn(type: MatcherType, value: string): readonly string[] | null {
  if (type === '=') return value === '' ? null : [value];
  if (type !== '=~') return null;
  const names = value.split('|');
  return names.every(isNamespaceName) ? names : null;
}

/** Whether this is a name that a namespace can have, so that it means itself in a regular expression, too. */
export function isNamespaceName(text: string): boolean {
  return text.length <= 63 && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(text);
}
