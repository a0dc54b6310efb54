import { noModelDefaults } from '../agent/models/choose.ts';
import type { ModelAccess } from '../agent/models/open.ts';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '../core/errors.ts';
import type { Log } from '../core/ports.ts';
import { keepEverything } from '../core/retention.ts';
import { keepUntilRemoved } from '../lib/temporary.ts';
import { createApp } from './createApp.ts';
import type { App } from './app.ts';
import type { DemoEvent } from './demo-event.ts';
import { replayedModel } from './demo-model.ts';
import { feed } from './demo-story.ts';
import { noReaders } from './readers.ts';

const bundled = fileURLToPath(new URL('../../examples/', import.meta.url));
const secretName = 'alertmanager-token';

export interface DemoOptions {
  /** null = all of them. */
  readonly story: string | null;
  /** Folder of the stories; absent = those that come with the program. */
  readonly examples?: string;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** The next event waits for it. */
  readonly tell: (event: DemoEvent) => Promise<void>;
  /** In place of the stories' own recorded answers: what records them. */
  readonly openModel?: () => ModelAccess;
  /** Called while the last story's server still runs. */
  readonly beforeEnd?: (app: App) => Promise<void>;
}

/** The stories: folders of `examples/` that have a dump and the findings that are expected of it. */
export function listStories(examples = bundled): readonly string[] {
  const complete = ['expected.json', 'dump', 'resources.yaml', 'alerts/firing.json'];
  const stories = readdirSync(examples).filter((name) =>
    complete.every((part) => existsSync(join(examples, name, part))),
  );
  // The four that show most come first.
  const first = ['oom-crash-loop', 'bad-rollout', 'log-injection', 'starved-pool'];
  return [...first.filter((name) => stories.includes(name)), ...stories.filter((name) => !first.includes(name)).sort()];
}

/**
 * Plays the stories: for each, the real server on a free loopback port over the recorded folder, fed with the recorded
 * notifications. Returns whether every story came out as expected. Everything it writes is in a temporary directory.
 */
export async function playDemo(options: DemoOptions): Promise<boolean> {
  const stories = chooseStories(options);
  let allAsExpected = true;
  for (const [index, story] of stories.entries()) {
    options.signal.throwIfAborted();
    const last = index === stories.length - 1;
    const place = { number: index + 1, stories: stories.length };
    const problems = await playStory(story, place, options, last ? options.beforeEnd : undefined);
    await options.tell({ event: 'checked', story, problems });
    if (problems.length > 0) allAsExpected = false;
  }
  return allAsExpected;
}

function chooseStories({ story, examples }: DemoOptions): readonly string[] {
  const stories = listStories(examples);
  if (story === null) return stories;
  if (stories.includes(story)) return [story];
  throw new AppError('InvalidInput', `there is no story ${story}`, {
    field: '--story',
    next: `one of ${stories.join(', ')}`,
  });
}

async function playStory(
  story: string,
  place: { readonly number: number; readonly stories: number },
  options: DemoOptions,
  beforeEnd?: (app: App) => Promise<void>,
): Promise<readonly string[]> {
  const folder = join(options.examples ?? bundled, story);
  const temporary = mkdtempSync(join(tmpdir(), 'fist-demo-'));
  // Also where nobody reads the stories to their end.
  const forget = keepUntilRemoved(temporary);
  const token = writeToken(temporary);
  let delivered = 0;
  try {
    const app = await createApp(
      {
        resources: join(folder, 'resources.yaml'),
        database: join(temporary, 'demo.db'),
        host: '127.0.0.1',
        port: 0,
        operator: null,
        dump: join(folder, 'dump'),
        kubeconfig: null,
        clusterName: null,
        context: null,
        secretsDirectory: join(temporary, 'secrets'),
        publicUrl: null,
        allowExec: false,
        mcpCommands: [],
        allowInsecureSources: false,
        allowMcpStart: false,
        tls: null,
        destinations: { allowPrivate: true },
        models: noModelDefaults,
        modelPrices: null,
        concurrency: 4,
        drainMs: 2000,
        modelBudget: null,
        readers: noReaders,
        telemetry: null,
        retention: keepEverything,
        token: null,
      },
      {
        log: options.log,
        writeStdout: (text) => void (delivered += Buffer.byteLength(text)),
        openModel: options.openModel ?? replayedModel(folder),
      },
    );
    try {
      await options.tell({ event: 'story-started', story, title: readTitle(folder), url: app.url, ...place });
      const teller = { ...options, story, delivered: () => delivered };
      const problems = await feed(app, folder, token, teller);
      await beforeEnd?.(app);
      return problems;
    } finally {
      await app.stop();
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
    forget();
  }
}

function writeToken(temporary: string): string {
  const token = randomBytes(16).toString('hex');
  mkdirSync(join(temporary, 'secrets', secretName), { recursive: true });
  writeFileSync(join(temporary, 'secrets', secretName, 'token'), token, { mode: 0o600 });
  return token;
}

function readTitle(folder: string): string {
  return /^# (.+)$/m.exec(readFileSync(join(folder, 'README.md'), 'utf8'))?.[1] ?? folder;
}
