import { dataKinds, freshData } from '../core/namespace-data.ts';
import type { DataKind, KnownData, KnownNamespaceData, NamespaceData } from '../core/namespace-data.ts';
import type { PlanRuntime } from '../core/plan.ts';
import type { Clock } from '../core/ports.ts';
import type { LearnedReader } from '../core/learned-store.ts';
import { serverUrl } from '../readers/http-json.ts';
import { asksModel } from '../resources/agent-conditions.ts';
import type { ReaderOptions } from './readers.ts';

interface KnownDataOptions {
  readonly learned: Pick<LearnedReader, 'namespaceData'>;
  readonly clock: Clock;
  /** What Workflows read that name nothing. */
  readonly readers: Pick<ReaderOptions, 'prometheus' | 'loki'>;
}

/** Tells where there are data, of what the agent steps of a Workflow read. */
export function createKnownData({ learned, clock, readers }: KnownDataOptions): KnownData {
  return {
    async of({ runtime, steps }) {
      if (!steps.some(asksModel)) return [];
      const servers = serversOf(runtime, readers);
      const rows = freshData(await learned.namespaceData(Object.values(servers)), clock.now());
      return knownNow(runtime.capabilities ?? {}, rows, servers);
    },
  };
}

/** What people say, and what was learned of the rest; by namespace. Pure. */
export function knownNow(
  said: NonNullable<PlanRuntime['capabilities']>,
  rows: readonly NamespaceData[],
  servers: Readonly<Partial<Record<DataKind, string>>>,
): readonly KnownNamespaceData[] {
  const bySpec = Object.entries(said).flatMap(([namespace, kinds]) =>
    dataKinds.flatMap((kind): readonly KnownNamespaceData[] => {
      const found = kinds[kind];
      return found === undefined ? [] : [{ namespace, kind, found, by: 'spec', server: null, at: null }];
    }),
  );
  const isSaid = ({ namespace, kind }: NamespaceData): boolean =>
    Object.hasOwn(said, namespace) && said[namespace]?.[kind] !== undefined;
  const learned = rows
    .filter((row) => row.server === servers[row.kind] && !isSaid(row))
    .map(({ namespace, kind, found, server, at }): KnownNamespaceData => ({
      namespace,
      kind,
      found,
      by: 'learned',
      server,
      at,
    }));
  return [...bySpec, ...learned].sort((one, other) => {
    const [left, right] = [one, other].map(({ namespace, kind }) => `${namespace}/${dataKinds.indexOf(kind)}`);
    return (left ?? '') < (right ?? '') ? -1 : 1;
  });
}

function serversOf(
  { prometheus, loki }: PlanRuntime,
  own: KnownDataOptions['readers'],
): Readonly<Partial<Record<DataKind, string>>> {
  const metrics = addressOf(prometheus?.url ?? own.prometheus?.url);
  const logs = addressOf(loki?.url ?? own.loki?.url);
  return { ...(metrics === null ? {} : { metrics }), ...(logs === null ? {} : { logs }) };
}

/** As rows have it; null = there is none, or it is no address, which the step says. */
function addressOf(url: string | undefined): string | null {
  try {
    return url === undefined ? null : serverUrl(url, 'spec');
  } catch {
    return null;
  }
}
