import { expect, test } from 'vitest';
import { ModelFailure } from './model.ts';
import type { ModelRequest, PatientModel } from './model.ts';
import { recordModel, recordingSchema, replayModel } from './replay.ts';

const price = { input: 3, cacheRead: 0.3, cacheWrite: 3.75, output: 15 };

const request = (text: string, delimiter = 'd1'): ModelRequest => ({
  messages: [{ role: 'user', text: `<<data ${delimiter} from the alert>>\n${text}\n<<end ${delimiter}>>` }],
  tools: [],
  schema: null,
  maxOutputTokens: 100,
  timeoutMs: 1000,
  signal: new AbortController().signal,
});

/** Fails once, then answers with what it was asked; a second conversation fails for good. */
function model(): PatientModel {
  let asked = 0;
  return {
    name: 'test/one',
    contextTokens: 8000,
    price,
    async ask({ messages }, onFailure) {
      asked += 1;
      const overloaded = new ModelFailure('Overloaded', 'too many');
      const isLast = asked > 1;
      if (!(await onFailure(overloaded, { model: 'test/one', isLast })) || isLast) throw overloaded;
      const text = JSON.stringify(messages).length.toString();
      const usage = { inputTokens: 10, cacheReadTokens: 1, cacheWriteTokens: 2, outputTokens: 3 };
      const message = { role: 'assistant', text, calls: [{ id: 'c1', name: 'look', input: '{}' }], raw: null } as const;
      return { answer: { message, finish: 'tool-calls', usage }, model: 'test/two', price };
    },
  };
}

/** What came of two requests, with the failures that were heard of. */
async function conversation(asked: PatientModel, texts: readonly string[], delimiter: string) {
  const heard: string[] = [];
  const results: unknown[] = [];
  for (const text of texts)
    results.push(
      await asked
        .ask(request(text, delimiter), async ({ reason, message }, { isLast }) => {
          heard.push(`${reason} ${message} ${isLast}`);
          return true;
        })
        .catch((error: unknown) => (error instanceof ModelFailure ? error.reason : error)),
    );
  return { heard, results };
}

test('what was recorded is answered again, failures too, from the file and without the model', async () => {
  let nowMs = 0;
  const recorded = recordModel(model(), 100, () => (nowMs += 50));
  const first = await conversation(recorded.model, ['one', 'two'], 'd1');
  const file = recordingSchema.parse(JSON.parse(JSON.stringify(recorded.recording())));
  expect(file.exchanges.map(({ duration_ms: ms }) => ms)).toEqual([50, 50]);
  const replayed = replayModel(file);
  expect(await conversation(replayed.model, ['one', 'two'], 'd2')).toEqual(first);
  expect(first.heard).toEqual(['Overloaded too many false', 'Overloaded too many true']);
  expect(replayed.differing()).toBe(0);
  expect(replayed.model).toMatchObject({ name: 'test/one', contextTokens: 8000, price });
  expect(JSON.stringify(file)).not.toContain('<<data');
});

test('another request gets the answer of then, and is counted; behind the last one there is none', async () => {
  const recorded = recordModel(model(), 100, () => 0);
  const before = await conversation(recorded.model, ['one'], 'd1');
  const replayed = replayModel(recorded.recording());
  const after = await conversation(replayed.model, ['another', 'more'], 'd1');
  expect(after.results).toEqual([...before.results, 'Unreachable']);
  expect(after.heard.at(-1)).toBe('Unreachable the recording ends after 1 answers true');
  expect(replayed.differing()).toBe(1);
});

test('another request is refused where it is to be, with the reason; a notice of the recording stands in front', async () => {
  const recorded = recordModel(model(), 100, () => 0);
  await conversation(recorded.model, ['one'], 'd1');
  const notice = 'SAMPLE: nobody was asked.';
  const replayed = replayModel({ ...recorded.recording(), notice }, 'refused');
  const { heard, results } = await conversation(replayed.model, ['another'], 'd1');
  expect(results).toEqual(['BadRequest']);
  expect(heard).toEqual([
    'BadRequest request 1 is not the one that the recorded answer was given to: a tool answered something else than then, or other words were asked true',
  ]);
  expect(replayed.model.notice).toBe(notice);
  expect(replayModel(recorded.recording()).model.notice).toBeUndefined();
});
