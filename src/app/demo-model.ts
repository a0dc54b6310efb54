import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelAccess } from '../agent/models/open.ts';
import { replayModel } from '../agent/models/replay.ts';
import type { Contents } from '../agent/contents.ts';
import type { Evidence } from '../core/run.ts';
import type { TracedEvent } from './agent-trace.ts';
import type { DemoOptions } from './demo.ts';
import { onlyInvestigation, readRecordings } from './replay/recordings.ts';

/** Folder of a story with the answers of its replayed model, as `fist eval --record` writes them. */
const answersFolder = 'answers';

/**
 * The model of a story: what stands in `answers/investigation.1.json` of its folder, in its order. A request that is not the one that
 * an answer was written for is refused, so that nothing is said of evidence that is no longer there. null: the story has none.
 */
export function replayedModel(folder: string): (() => ModelAccess) | null {
  const answers = join(folder, answersFolder);
  if (!existsSync(answers)) return null;
  const recording = readRecordings(answers).read(onlyInvestigation, 1);
  return () => ({
    kind: 'open',
    model: replayModel(recording, 'refused').model,
    maxOutputTokens: recording.max_output_tokens,
    problems: [],
    unfit: [],
  });
}

/** Tells what a model asked for, from the events of its conversation. */
export async function tellModel(
  events: readonly TracedEvent[],
  { story, tell }: Pick<DemoOptions, 'tell'> & { readonly story: string },
): Promise<void> {
  const closed = events.find(({ kind }) => kind === 'closed')?.content as unknown as Contents['closed'] | undefined;
  for (const { kind, content } of events) {
    if (kind === 'opened') {
      const { model, analysis } = content as unknown as Contents['opened'];
      await tell({ event: 'model-asked', story, model, analysis });
    }
    if (kind === 'called') {
      const { call, result } = content as unknown as Contents['called'];
      const { status, evidence } = result;
      const seen = evidence === null ? null : { id: evidence.id, words: wordsOf(evidence, closed?.answer ?? null) };
      await tell({ event: 'tool-called', story, tool: call.name, input: call.input, status, seen });
    }
  }
}

/** What the answer quotes of a piece of evidence where it stands there, else its last line. */
function wordsOf({ id, excerpt }: Evidence, answer: Contents['closed']['answer']): string {
  const cited = answer === null ? [] : [answer.cause, ...answer.findings].flatMap((claim) => claim?.evidence ?? []);
  const quoted = cited.find((citation) => citation.id === id && excerpt.includes(citation.quote));
  return quoted?.quote ?? excerpt.trimEnd().split('\n').at(-1) ?? '';
}
