import type { RunSummary } from '../../core/lists.ts';
import { dollarsText } from '../../lib/dollars.ts';
import { shortId } from '../../lib/short-id.ts';
import { age } from '../output.ts';
import { idColumn, styleOf } from './columns.ts';
import type { Noun } from './noun.ts';

/** As the API lists it: with what a person said of its report. */
interface RunItem extends RunSummary {
  readonly verdict?: 'confirmed' | 'refuted' | null;
}

export const runs: Noun<RunItem> = {
  plural: 'runs',
  singular: 'run',
  short: [],
  filters: ['since', 'until', 'status', 'workflow', 'alert', 'error', 'namespace'],
  key: 'id',
  listing: {
    name: (item) => `run/${item.id}`,
    empty: 'no runs; a run starts when an alert comes in',
    columns: [
      idColumn(),
      { heading: 'WORKFLOW', text: (item) => item.name, cut: 12 },
      {
        heading: 'STATUS',
        text: (item) => (item.waitingFor === null ? item.status : `${item.status} (waits for ${item.waitingFor})`),
        style: (item) => styleOf(item.status),
      },
      { heading: 'STEPS', text: (item) => `${item.stepsCompleted}/${item.totalSteps}` },
      { heading: 'ALERT', text: (item) => item.input.alert?.name ?? startedBy(item), cut: 12 },
      { heading: 'TOKENS', text: (item) => (item.modelTokens === 0 ? '' : String(item.modelTokens)), wide: true },
      { heading: 'COST', text: costText, wide: true },
      { heading: 'VERDICT', text: (item) => item.verdict ?? '', wide: true },
      { heading: 'TRIGGER', text: (item) => item.triggerSource, wide: true },
      { heading: 'AGE', text: (item) => age(item.createdAt, Date.now()), ticks: true },
      {
        heading: 'ERROR',
        text: (item) => (item.errorCode === null ? '' : `${item.errorCode}: ${item.error ?? ''}`),
        cut: 12,
      },
    ],
  },
};

/** Empty where no model was asked, or its price is not known. */
function costText({ modelCostMicros }: RunSummary): string {
  return modelCostMicros === 0 ? '' : dollarsText(modelCostMicros);
}

/** A run without an alert: what began it, `schedule/nightly`, or the run that it was asked about. */
function startedBy({ input: { source, followUp } }: RunSummary): string {
  if (followUp !== undefined) return `run/${shortId(followUp.runId)}`;
  return `${source.type}/${source.name}`;
}
