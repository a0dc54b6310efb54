import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { ModelReport } from '../../src/agent/model-report.ts';
import type { ToolCall } from '../../src/agent/message.ts';
import type { PatientModel, Price } from '../../src/agent/models/model.ts';
import { recordModel } from '../../src/agent/models/replay.ts';
import type { Recording } from '../../src/agent/models/replay.ts';
import { playDemo } from '../../src/app/demo.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { createLog } from '../../src/lib/log.ts';

// The recorded answers of the stories that have a model: written by hand, put in order here, with a hash of what each was asked.

/** `scripts/stories/STORY/answers.yaml`. */
interface WrittenAnswers {
  readonly model: string;
  readonly notice: string;
  readonly turns: readonly { readonly text: string; readonly call: Readonly<Record<string, JsonObject>> }[];
  /** Said where it asks for nothing more. */
  readonly conclusion: string;
  readonly answer: ModelReport;
}

const nothing: Price = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0 };
const noTokens = { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0 };

/** The recordings of all stories, by path from the root of the repository. */
export async function storyAnswers(root: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  const stories = join(root, 'scripts/stories');
  for (const story of readdirSync(stories).sort()) {
    const source = join(stories, story, 'answers.yaml');
    if (!existsSync(source)) continue;
    const written = parse(readFileSync(source, 'utf8')) as WrittenAnswers;
    const recording = await record(story, written);
    files.set(`examples/${story}/answers/investigation.1.json`, `${JSON.stringify(recording, null, 2)}\n`);
  }
  return files;
}

/** Plays the story with the written answers, so that each is kept with what it was asked. */
async function record(story: string, written: WrittenAnswers): Promise<Recording> {
  const maxOutputTokens = 8192;
  const { model, recording } = recordModel(writtenModel(written), maxOutputTokens, () => 0);
  await playDemo({
    story,
    log: await createLog({ level: 'silent' }),
    signal: new AbortController().signal,
    tell: async () => undefined,
    openModel: () => ({ kind: 'open', model, maxOutputTokens, problems: [], unfit: [] }),
  });
  return { ...recording(), notice: written.notice };
}

/** Says what is written, whatever it is asked. */
function writtenModel({ model: name, turns, conclusion, answer }: WrittenAnswers): PatientModel {
  let turn = 0;
  return {
    name,
    contextTokens: 128_000,
    price: nothing,
    async ask({ schema }) {
      const next = schema === null ? turns[turn++] : undefined;
      const text = schema === null ? (next?.text ?? conclusion) : JSON.stringify(answer);
      const calls = next === undefined ? [] : callsOf(next.call, turn);
      const finish = calls.length === 0 ? 'stop' : 'tool-calls';
      const message = { role: 'assistant', text, calls, raw: null } as const;
      return { answer: { message, finish, usage: noTokens }, model: name, price: nothing };
    },
  };
}

function callsOf(call: Readonly<Record<string, JsonObject>>, turn: number): readonly ToolCall[] {
  return Object.entries(call).map(([name, input]) => ({ id: `call_${turn}`, name, input: JSON.stringify(input) }));
}
