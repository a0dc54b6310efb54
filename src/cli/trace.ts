import { traceLines } from '../app/agent-trace.ts';
import type { TracedEvent } from '../app/agent-trace.ts';
import { objectOf } from '../core/json.ts';
import type { RunRecord } from '../core/run.ts';
import { dollarsText } from '../lib/dollars.ts';
import { shortId } from '../lib/short-id.ts';
import { plural } from '../lib/words.ts';
import { readAgentEvents } from './agent-events.ts';
import { apiClient } from './client.ts';
import type { ServerFlags } from './client.ts';
import { objectOf as namedBy, pathOf } from './nouns/index.ts';
import { objectText, outputFormat, tell } from './output.ts';
import type { Terminal } from './output.ts';

interface TraceFlags extends ServerFlags {
  readonly output: string;
  readonly full?: boolean;
}

/** Of each text; an answer of a tool has some ten thousand. */
const shortCharacters = 1500;

/** `fist trace run/ID`: the whole conversation with a model. */
export async function trace(terminal: Terminal, flags: TraceFlags, object = ''): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json', 'yaml']);
  const named = namedBy(object, ['run']);
  const client = apiClient(flags, terminal);
  const run = (await client.get(pathOf(named))) as RunRecord;
  const events = await readAgentEvents(client, run.id);
  if (format !== 'text') {
    terminal.out(await objectText(format, { runId: run.id, events }));
    return 0;
  }
  if (events.length === 0) {
    tell(terminal, `no model was asked in run/${shortId(run.id)}; next: fist describe run/${shortId(run.id)}`);
    return 0;
  }
  const view = { charactersOfText: flags.full === true ? Infinity : shortCharacters };
  for (const [index, event] of events.entries())
    terminal.out(`${traceLines(event, events[index - 1], view).join('\n')}\n`);
  terminal.out(`\n${summaryText(run, events)}\n`);
  return 0;
}

/** What all of it was and cost, in a line. */
export function summaryText(
  { modelTokens, modelCostMicros }: Pick<RunRecord, 'modelTokens' | 'modelCostMicros'>,
  events: readonly Pick<TracedEvent, 'kind' | 'content'>[],
): string {
  const count = (kind: TracedEvent['kind']) => events.filter((event) => event.kind === kind).length;
  // A model may cost nothing, and its price be known all the same.
  const bounds = objectOf(objectOf(events.find(({ kind }) => kind === 'opened')?.content)['bounds']);
  const isPriceKnown = modelCostMicros > 0 || (bounds['price'] ?? null) !== null;
  const cost = isPriceKnown ? dollarsText(modelCostMicros) : 'no price known';
  return [
    plural(count('asked'), 'request'),
    plural(count('called'), 'tool call'),
    plural(modelTokens, 'token'),
    cost,
  ].join(', ');
}
