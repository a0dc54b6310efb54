import type { Cluster } from '../../src/core/cluster.ts';
import type { AlertSnapshot } from '../../src/core/run.ts';
import { openReads } from '../../src/investigation/reads.ts';
import { nothingKnown } from '../../src/agent/data/lack.ts';
import { openToolbox } from '../../src/agent/open-toolbox.ts';
import type { AllowedByStep, Readers, ToolSources } from '../../src/agent/open-toolbox.ts';
import type { ExecutedCall, ToolDefinition, ToolWorld } from '../../src/agent/tools/define.ts';
import { createFakeClock } from './clock.ts';

export const delimiter = 'D3l1m';

/** The world of tools in which nothing is configured. */
export const emptyWorld: ToolWorld = {
  reads: null,
  alert: null,
  metrics: null,
  logs: null,
  pages: null,
  runbooks: null,
  incidents: null,
  now: '2026-01-01T12:00:00.000Z',
  answerBytes: 8192,
};

/** Nothing is configured. */
export const emptyReaders: Readers = { metrics: null, logs: null, runbooks: null, incidents: null, http: null };

interface Parts {
  readonly alert?: AlertSnapshot;
  readonly linked?: readonly string[];
  readonly allowed?: Partial<AllowedByStep>;
  readonly readers?: Partial<Readers>;
  readonly sources?: Partial<ToolSources>;
  readonly profile?: 'full' | 'compact';
}

/** Calls tools as a model does: through the toolbox, with objects of namespace shop linked to the alert. */
export async function callTools(tools: readonly ToolDefinition[], cluster: Cluster, parts: Parts = {}) {
  const signal = new AbortController().signal;
  const reads = await openReads(cluster, () => '2026-01-01T12:00:00.000Z', signal);
  const toolbox = openToolbox(
    {
      reads,
      linked: parts.linked ?? ['pod/shop/web-1'],
      firstEvidenceNumber: 1,
      delimiter,
      profile: parts.profile ?? 'full',
      earlier: [],
    },
    {
      onlyNamespace: null,
      tools,
      alert: parts.alert ?? null,
      readers: { ...emptyReaders, ...parts.readers },
      allowed: { namespaces: [], isClusterWide: false, hosts: [], mcpTools: new Set(), ...parts.allowed },
      data: nothingKnown,
      secretValues: async () => [],
      clock: createFakeClock(),
      signal,
      ...parts.sources,
    },
  );
  let calls = 0;
  return {
    toolbox,
    reads,
    call: (name: string, input: object): Promise<ExecutedCall> =>
      toolbox.execute({ id: `c${(calls += 1)}`, name, input: JSON.stringify(input) }),
  };
}

/** What the block of an answer holds, without its first and last line. */
export function dataOf({ text }: ExecutedCall): string {
  return text.split('\n').slice(1, -1).join('\n');
}
