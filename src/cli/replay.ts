import { replayConversation } from '../app/replay/replay-run.ts';
import type { Replay, StoredConversation } from '../app/replay/replay-run.ts';
import type { AgentEvent, FollowUp } from '../core/agent-event.ts';
import { AppError } from '../core/errors.ts';
import type { RunFollowUp } from '../core/run.ts';
import { printable } from '../lib/printable.ts';
import { cutText } from '../lib/cut.ts';
import { shortId } from '../lib/short-id.ts';
import { plural } from '../lib/words.ts';
import { readAgentEvents } from './agent-events.ts';
import { apiClient } from './client.ts';
import type { ApiClient, ServerFlags } from './client.ts';
import { objectOf, pathOf } from './nouns/index.ts';
import { objectText, outputFormat } from './output.ts';
import type { Terminal } from './output.ts';
import { reportOfRun, reportText } from './run-text.ts';
import type { RunDetail } from './run-text.ts';

interface ReplayFlags extends ServerFlags {
  readonly output: string;
}

/** `fist replay run/ID`: 0 where today's code makes the same report of it, 1 where it does not. */
export async function replay(terminal: Terminal, flags: ReplayFlags, object = ''): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json']);
  const named = objectOf(object, ['run']);
  const client = apiClient(flags, terminal);
  const run = (await client.get(pathOf(named))) as RunDetail;
  const replayed = await replayConversation(await readStored(client, run)).catch((thrown: unknown) => {
    if (!(thrown instanceof AppError) || thrown.code !== 'Conflict') throw thrown;
    throw new AppError('Conflict', `run/${shortId(run.id)}: ${thrown.message}`, {
      next: `fist describe run/${run.id}`,
    });
  });
  if (format === 'json') terminal.out(await objectText('json', replayed));
  else terminal.out(textOf(run, replayed, terminal));
  return replayed.differences.length === 0 ? 0 : 1;
}

/** The newest conversation of the run. */
async function readStored(client: ApiClient, run: RunDetail): Promise<StoredConversation> {
  const all = await eventsOf(client, run.id);
  const path = all.at(-1)?.path;
  return {
    events: all.filter((event) => event.path === path),
    followUp: run.input.followUp === undefined ? null : await readFollowUp(client, run.input.followUp),
    alert: run.input.alert ?? run.input.asked ?? null,
    report: reportOfRun(run),
  };
}

async function readFollowUp(client: ApiClient, asked: RunFollowUp): Promise<FollowUp> {
  const parts: (readonly AgentEvent[])[] = [];
  for (let part: RunFollowUp | undefined = asked; part !== undefined;) {
    const { runId, path }: RunFollowUp = part;
    parts.unshift((await eventsOf(client, runId)).filter((event) => event.path === path));
    const run = (await client.call('GET /api/v1/runs/:id', { params: { id: runId } })) as unknown as RunDetail;
    part = run.input.followUp;
  }
  return { events: parts.flat(), question: asked.question };
}

async function eventsOf(client: ApiClient, runId: string): Promise<readonly AgentEvent[]> {
  return (await readAgentEvents(client, runId)).map((event) => ({ ...event, runId }));
}

/** Of one side of a difference. */
const mostCharacters = 300;

function textOf(run: RunDetail, { report, differences, unknownCalls, events }: Replay, terminal: Terminal): string {
  const answers = events.filter(({ kind }) => kind === 'answered').length;
  const head = `REPLAY of run/${shortId(run.id)}: ${plural(answers, 'answer')} of ${report.model ?? 'a model'} as they were, with the code of today.`;
  const unknown =
    unknownCalls === 0 ? [] : [`${plural(unknownCalls, 'call')} of tools that nobody made then, so without an answer.`];
  const verdict =
    differences.length === 0
      ? ['The report is the same.']
      : [
          `The report differs in ${plural(differences.length, 'field')}:`,
          ...differences.flatMap(({ field, before, after }) => [
            `  ${field}`,
            `    then   ${cutText(before, mostCharacters)}`,
            `    today  ${cutText(after, mostCharacters)}`,
          ]),
        ];
  const view = { ...terminal, evidence: false, nowMs: Date.now() };
  return printable(`${[head, ...unknown, ...verdict].join('\n')}\n\n`) + reportText(report, view);
}
