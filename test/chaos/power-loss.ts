// A power cut at every moment that matters of a real server's life, and what is found on the disk afterwards.
import type { Random } from '../support/random.ts';
import { createDisk } from './power-loss-disk.ts';
import type { Disk, Loss } from './power-loss-disk.ts';
import { examineImage } from './power-loss-image.ts';
import { readFiles } from './power-loss-record.ts';
import type { Recording } from './power-loss-record.ts';
import { readTrace } from './power-loss-trace.ts';
import { add } from './traffic.ts';

/** A moment of a recording. */
export interface Cut {
  /** `sync`: just before a sync returns. `answer`: just after a client was answered. */
  readonly at: 'sync' | 'answer';
  /** From 0, of this kind. */
  readonly index: number;
  /** Of a sync: of the database itself, which is the end of a checkpoint. */
  readonly ofDatabase: boolean;
}

export interface PowerCuts {
  readonly cuts: number;
  readonly images: number;
  readonly servers: number;
  /** How often pages went from the log into the database. */
  readonly checkpoints: number;
  readonly acknowledged: number;
  /** What was found wrong: acknowledged alerts that are not there, ... */
  readonly lost: readonly string[];
  /** ... databases that are damaged or not accepted. */
  readonly damaged: readonly string[];
}

export interface CutOptions {
  readonly random: Random;
  /** What to make of the disk at a cut; none: the cut is passed over. */
  choose(cut: Cut): readonly Loss[];
  /** Every so many images a server is started over one. Default: never. */
  readonly serverEvery?: number;
}

/** Replays a recording, cuts the power, and looks at what the disk may hold then. */
export async function cutPower(recording: Recording, options: CutOptions): Promise<PowerCuts> {
  const disk = createDisk(recording.root, recording.initial);
  const acknowledged = new Map<string, number>();
  const found = { cuts: 0, images: 0, servers: 0, checkpoints: 0, lost: [] as string[], damaged: [] as string[] };
  const seen = { sync: 0, answer: 0 };
  const answers = new Map<string, number>();
  let databaseChanged = false;

  async function cut(at: Cut['at'], ofDatabase = false): Promise<void> {
    const losses = options.choose({ at, index: seen[at], ofDatabase });
    const where = `${at} ${seen[at]}`;
    seen[at] += 1;
    if (losses.length === 0) return;
    found.cuts += 1;
    for (const loss of losses) {
      const withServer = options.serverEvery !== undefined && found.images % options.serverEvery === 0;
      found.images += 1;
      if (withServer) found.servers += 1;
      const image = disk.afterPowerCut(loss, options.random);
      const problems = await examineImage(recording, image, acknowledged, withServer);
      found.lost.push(...problems.lost.map((problem) => `${where}, ${loss}: ${problem}`));
      found.damaged.push(...problems.damaged.map((problem) => `${where}, ${loss}: ${problem}`));
    }
  }

  for (const [life, trace] of recording.traces.entries()) {
    for await (const event of readTrace(trace, recording.root)) {
      if (event.type === 'sync') await cut('sync', event.path === recording.database);
      disk.apply(event);
      if (event.type === 'write' && event.path === recording.database) databaseChanged = true;
      if (event.type === 'sync' && event.path === recording.database && databaseChanged) {
        databaseChanged = false;
        found.checkpoints += 1;
      }
      if (event.type !== 'answer' || event.status !== 200) continue;
      const key = `${life} ${event.port}`;
      const nth = answers.get(key) ?? 0;
      answers.set(key, nth + 1);
      for (const id of recording.requests.get(key)?.[nth] ?? []) add(acknowledged, id);
      await cut('answer');
    }
  }
  checkRecording(recording, disk, answers);
  return { ...found, acknowledged: [...acknowledged.values()].reduce((sum, count) => sum + count, 0) };
}

/** The replay must end with what is really there, and have seen every answer; else it proves nothing. */
function checkRecording({ root, requests }: Recording, disk: Disk, answers: ReadonlyMap<string, number>): void {
  const real = readFiles(root);
  const replayed = disk.current();
  for (const path of new Set([...real.keys(), ...replayed.keys()])) {
    if (path.endsWith('-shm')) continue;
    const [left, right] = [real.get(path), replayed.get(path)];
    if (left === undefined || right === undefined || !left.equals(right))
      throw new Error(`the trace does not tell all: ${path} has ${left?.length} bytes, replayed ${right?.length}`);
  }
  for (const [key, sent] of requests) {
    if (answers.get(key) !== sent.length)
      throw new Error(
        `the trace shows ${answers.get(key) ?? 0} answers on connection ${key}, the client ${sent.length}`,
      );
  }
}
