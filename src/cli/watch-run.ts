import { traceLines } from '../app/agent-trace.ts';
import type { TracedEvent } from '../app/agent-trace.ts';
import { isFinal } from '../core/run.ts';
import type { StepRecord } from '../core/run.ts';
import { secondsText } from '../core/time.ts';
import { plain } from '../lib/printable.ts';
import { shortId } from '../lib/short-id.ts';
import { readAgentEvents } from './agent-events.ts';
import { apiClient } from './client.ts';
import type { ApiClient, ServerFlags } from './client.ts';
import { objectOf, pathOf } from './nouns/index.ts';
import { tell } from './output.ts';
import type { Terminal } from './output.ts';
import type { RunDetail } from './run-text.ts';
import { exitCodeOf } from './signals.ts';
import { summaryText } from './trace.ts';
import { watchChanges } from './watch.ts';

/** `fist watch run/ID`: steps, requests to models, calls and costs as they happen, until the run ends; 1 where it failed. */
export async function watchRun(terminal: Terminal, flags: ServerFlags, object = ''): Promise<number> {
  const named = objectOf(object, ['run']);
  const client = apiClient(flags, terminal);
  // A beginning of an id or `@latest` may name another one later.
  const { id } = (await client.get(pathOf(named))) as { readonly id: string };
  const run = await followRun(terminal, client, id, (line) => terminal.out(`${line}\n`));
  if (run === null) return exitCodeOf.SIGINT;
  terminal.out(`${runText(run.detail, run.events)}\n`);
  tell(terminal, `next: fist describe run/${shortId(id)}`);
  return run.detail.status === 'succeeded' ? 0 : 1;
}

interface Followed {
  readonly detail: RunDetail;
  readonly events: readonly TracedEvent[];
}

/** Tells each line as it happens, and resolves to the run once it has ended; null: Ctrl-C came first. */
export async function followRun(
  terminal: Terminal,
  client: ApiClient,
  id: string,
  tellLine: (line: string) => void,
): Promise<Followed | null> {
  const events: TracedEvent[] = [];
  const steps = new Map<string, string>();
  let ended: RunDetail | null = null;
  const look = async (): Promise<void> => {
    const detail = (await client.call('GET /api/v1/runs/:id', { params: { id } })) as unknown as RunDetail;
    const news = await newEvents(client, detail, events.at(-1)?.sequence ?? 0);
    for (const step of detail.steps) {
      const key = keyOf(step);
      const told = steps.get(key);
      if (told === undefined) tellLine(beginText(step));
      for (const event of news.filter((one) => keyOf(one) === key)) {
        for (const line of traceLines(event, events.at(-1), { charactersOfText: null })) tellLine(line);
        events.push(event);
      }
      if (told !== step.status && step.status !== 'running' && step.status !== 'skipped') tellLine(endText(step));
      steps.set(key, step.status);
    }
    if (isFinal(detail.status)) ended = detail;
  };
  await watchChanges(terminal, client, `/api/v1/stream?run=${encodeURIComponent(id)}`, look, () => ended !== null);
  return ended === null ? null : { detail: ended, events };
}

function newEvents(client: ApiClient, { id, agentEvents }: RunDetail, after: number): Promise<readonly TracedEvent[]> {
  return agentEvents > after ? readAgentEvents(client, id, after) : Promise.resolve([]);
}

const keyOf = ({ path, attempt }: Pick<StepRecord, 'path' | 'attempt'>): string => `${path}#${attempt}`;

function nameOf({ path, name, type, attempt }: StepRecord): string {
  return plain(`step ${path} ${name} (${type})${attempt === 1 ? '' : `, attempt ${attempt}`}`);
}

function beginText(step: StepRecord): string {
  return `${nameOf(step)} ${step.status === 'skipped' ? 'is skipped' : 'begins'}`;
}

function endText(step: StepRecord): string {
  const { status, startedAt, completedAt, errorCode, error } = step;
  const took =
    startedAt === null || completedAt === null
      ? ''
      : ` after ${secondsText(Date.parse(completedAt) - Date.parse(startedAt))}`;
  return plain(`${nameOf(step)} ${status}${took}${errorCode === null ? '' : `: ${errorCode}: ${error ?? ''}`}`);
}

function runText(run: RunDetail, events: readonly TracedEvent[]): string {
  const used = events.length === 0 ? '' : `; ${summaryText(run, events)}`;
  return plain(`run/${shortId(run.id)} ${run.status}${run.errorCode === null ? '' : `: ${run.errorCode}`}${used}`);
}
