import type { Capabilities, DataKind, NamespaceData } from '../../core/namespace-data.ts';
import type { Gap } from '../../core/finding.ts';
import { timeText } from '../../core/time.ts';
import { isNamespaceName } from '../queries/selector.ts';

/** What is known of where there are data. */
export interface DataKnowledge {
  readonly said: Capabilities;
  /** By earlier runs, not too long ago. */
  readonly learned: readonly NamespaceData[];
  /** Address of what is asked for a kind; absent = nobody is. */
  readonly servers: Readonly<Partial<Record<DataKind, string>>>;
}

export const nothingKnown: DataKnowledge = { said: {}, learned: [], servers: {} };

/** What a tool reads of a namespace. */
export interface ToolData {
  readonly kind: DataKind;
  /** Whether what runs learn of the server of this kind is about it; else only people say. */
  readonly isLearned: boolean;
}

/** That there are no data of a kind. */
export interface Lack {
  /** For a model and for people, the same as long as it is known in the same way. */
  readonly reason: string;
  readonly gap: Gap;
}

/**
 * Why a tool has no data of any of these namespaces; null = it may have some. What people say is true; else what was learned. Where
 * nothing is known of one of them there may be. Pure.
 */
export function lackOf(
  { kind, isLearned }: ToolData,
  namespaces: readonly string[],
  { said, learned, servers }: DataKnowledge,
): Lack | null {
  const server = servers[kind];
  const known = namespaces.map((namespace) => {
    const word = Object.hasOwn(said, namespace) ? said[namespace]?.[kind] : undefined;
    if (word !== undefined) return { found: word, row: null };
    const row = learned.find((one) => one.kind === kind && one.namespace === namespace && one.server === server);
    return isLearned && row !== undefined ? { found: row.found, row } : null;
  });
  if (known.length === 0 || known.some((one) => one === null || one.found)) return null;
  // Alerts may say anything of their namespace.
  const names = namespaces.filter(isNamespaceName).sort();
  const what = `${kind} of ${names.length === 1 ? `namespace ${names[0]}` : `namespaces ${names.join(', ')}`}`;
  const rows = known.flatMap((one) => one?.row ?? []);
  const oldest = rows.map(({ at }) => at).sort()[0];
  const by = oldest === undefined ? 'spec.capabilities says so' : 'earlier runs found none';
  const remedy = `once there are, spec.capabilities of the Workflow: {${names[0] ?? 'NAMESPACE'}: {${kind}: true}}`;
  return {
    reason: `there are no ${what}: ${by}`,
    gap: {
      what: `the ${what}`,
      kind: 'not_captured',
      reason: `${oldest === undefined ? by : `${server ?? ''} had none at ${timeText(oldest)}`}, so the model had no tool for them`,
      remedy: oldest === undefined ? remedy : `none: it is asked again a day later; or ${remedy}`,
      resource: kind,
      namespace: names.length === 1 ? (names[0] ?? null) : null,
    },
  };
}
