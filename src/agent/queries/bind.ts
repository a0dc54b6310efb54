import type { Refusal, Scope } from '../policy.ts';
import { logqlSelectors } from './logql.ts';
import { promqlSelectors } from './promql.ts';
import { isNamespaceName, namedNamespaces, namespacesOf } from './selector.ts';
import type { Selector } from './selector.ts';

/** An expression that finds nothing of other namespaces. */
export interface BoundQuery {
  readonly expression: string;
  /** Whether it says more than what was asked. */
  readonly isNarrowed: boolean;
}

/** The namespaces of a scope, or all. */
export type NamespaceScope = Pick<Scope, 'namespaces' | 'isClusterWide'>;

/**
 * Metrics of nodes and volumes, which are in no namespace and may be read by whoever reads anything. Their series may carry the
 * namespace of the exporter.
 */
const ofNoNamespace =
  /^(?:kube_node_|kube_persistentvolume_|machine_|node_(?:boot|context|cpu|disk|filefd|filesystem|forks|intr|load|md|memory|netstat|network|nf_conntrack|pressure|procs|sockstat|softnet|time|timex|uname|vmstat)(?:_|\d|$))[A-Za-z0-9_]*$/;

/**
 * A PromQL expression as it may be asked: a selector that names no namespace gets the matcher of those that may be read, one that
 * names another is refused, and so is what is not understood. What belongs to no namespace is free. Pure.
 */
export function bindPromql(expression: string, scope: NamespaceScope): BoundQuery | Refusal {
  if (scope.isClusterWide) return { expression, isNarrowed: false };
  const selectors = promqlSelectors(expression);
  if ('problem' in selectors) return misunderstood(selectors.problem, `metric{namespace="${exampleOf(scope)}"}`);
  const allowed = namesOf(scope);
  let bound = expression;
  for (const selector of [...selectors].sort((one, other) => other.place - one.place)) {
    const refusal = foreignNamespace(selector, scope);
    if (refusal !== null) return refusal;
    if (isBound(selector, scope) || isOfNoNamespace(selector)) continue;
    if (allowed.length === 0) return notAllowed('metrics of all namespaces at once', allowed);
    bound = withMatcher(bound, selector, matcherOf(allowed));
  }
  return { expression: bound, isNarrowed: bound !== expression };
}

/**
 * Why a LogQL expression may not be asked; null = it may. Each selector has to name its namespaces by `=`, or by `=~` and names
 * alone: which label collectors write them to is not known, so nothing can be added. Pure.
 */
export function logqlRefusal(expression: string, scope: NamespaceScope): Refusal | null {
  if (scope.isClusterWide) return null;
  const selectors = logqlSelectors(expression);
  if ('problem' in selectors) return misunderstood(selectors.problem, `{namespace="${exampleOf(scope)}"}`);
  for (const selector of selectors) {
    const refusal = foreignNamespace(selector, scope);
    if (refusal !== null) return refusal;
    if (!isBound(selector, scope)) return notAllowed('logs of all namespaces at once', namesOf(scope));
  }
  return null;
}

/** Names that can be put into an expression: alerts may say anything of their namespace. */
function namesOf({ namespaces }: NamespaceScope): readonly string[] {
  return [...namespaces].filter(isNamespaceName).sort();
}

function exampleOf(scope: NamespaceScope): string {
  return namesOf(scope)[0] ?? '...';
}

function isBound(selector: Selector, { namespaces }: NamespaceScope): boolean {
  const names = namespacesOf(selector);
  return names !== null && names.every((name) => namespaces.has(name));
}

function isOfNoNamespace({ name }: Selector): boolean {
  return name !== null && ofNoNamespace.test(name);
}

function foreignNamespace(selector: Selector, scope: NamespaceScope): Refusal | null {
  if (isOfNoNamespace(selector)) return null;
  const foreign = namedNamespaces(selector).find((name) => !scope.namespaces.has(name));
  return foreign === undefined ? null : notAllowed(`namespace ${foreign}`, namesOf(scope));
}

function matcherOf(names: readonly string[]): string {
  return names.length === 1 ? `namespace="${names[0]}"` : `namespace=~"${names.join('|')}"`;
}

function withMatcher(text: string, { place, form }: Selector, matcher: string): string {
  const added = { 'before others': `${matcher}, `, alone: matcher, 'without braces': `{${matcher}}` }[form];
  return `${text.slice(0, place)}${added}${text.slice(place)}`;
}

function notAllowed(what: string, allowed: readonly string[]): Refusal {
  const next = allowed.length === 0 ? 'none may be read' : `name one of: ${allowed.join(', ')}`;
  return { reason: 'NamespaceNotAllowed', message: `${what} may not be read here; ${next}` };
}

function misunderstood(problem: string, example: string): Refusal {
  return {
    reason: 'QueryNotUnderstood',
    message: `the expression cannot be limited to the namespaces that may be read, because it is not understood: ${problem}. Write plain selectors, ${example}, without comments`,
  };
}
