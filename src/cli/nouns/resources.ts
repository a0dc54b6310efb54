import type { Column } from '../table.ts';
import { styleOf } from './columns.ts';
import type { Noun } from './noun.ts';

/** What the API says of a Source, Workflow or Sink. */
interface ResourceItem {
  readonly metadata: { readonly namespace: string; readonly name: string };
  readonly spec: {
    readonly type?: string;
    readonly config?: { readonly path?: string };
    readonly steps?: readonly unknown[];
  };
  readonly status: {
    readonly ready: boolean;
    readonly conditions: readonly { readonly type: string; readonly reason: string; readonly message: string }[];
    readonly eventsProcessed?: number;
    readonly refused?: number;
    readonly messagesSent?: number;
  };
}

/** Where a sender finds it: `--path` of `fist send alert`. */
const webhookPath: Column<ResourceItem> = {
  heading: 'PATH',
  text: (item) => item.spec.config?.path ?? '-',
  cut: 12,
};

/** Requests that were not let in, in the last minutes. */
const refused: Column<ResourceItem> = { heading: 'REFUSED', text: (item) => String(item.status.refused ?? '-') };

function resource(singular: string, short: readonly string[]): Noun<ResourceItem> {
  return {
    plural: `${singular}s`,
    singular,
    short,
    filters: ['namespace'],
    key: 'name',
    listing: {
      name: (item) => `${singular}/${item.metadata.namespace}/${item.metadata.name}`,
      empty: `no ${singular}s; they are documents in the folder given by --resources`,
      columns: [
        { heading: 'NAMESPACE', text: (item) => item.metadata.namespace, wide: true },
        { heading: 'NAME', text: (item) => item.metadata.name, cut: 12 },
        { heading: 'TYPE', text: (item) => item.spec.type ?? stepCount(item) },
        ...(singular === 'source' ? [webhookPath] : []),
        {
          heading: 'READY',
          text: (item) => (item.status.ready ? 'True' : 'False'),
          style: (item) => styleOf(item.status.ready ? 'True' : 'False'),
        },
        {
          heading: 'REASON',
          text: (item) => item.status.conditions.map((condition) => condition.reason).join(','),
          cut: 12,
        },
        { heading: 'COUNT', text: (item) => String(item.status.eventsProcessed ?? item.status.messagesSent ?? '-') },
        ...(singular === 'source' ? [refused] : []),
        { heading: 'MESSAGE', text: messagesOf, wide: true, cut: 12 },
      ],
    },
  };
}

function messagesOf({ status }: ResourceItem): string {
  return status.conditions
    .map(({ message }) => message)
    .filter(Boolean)
    .join('; ');
}

function stepCount({ spec }: ResourceItem): string {
  const steps = spec.steps?.length ?? 0;
  return steps === 1 ? '1 step' : `${steps} steps`;
}

export const sources = resource('source', ['src', 'fsrc']);
/** `wf` is Argo's too: with its plugin, `fwf` says which is meant. */
export const workflows = resource('workflow', ['wf', 'fwf']);
export const sinks = resource('sink', ['fsink']);
