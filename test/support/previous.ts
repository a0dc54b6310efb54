import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import type { Cleanup } from './cleanup.ts';
import { repositoryRoot } from './processes.ts';

const folder = `${repositoryRoot}test/fixtures/previous/`;
const chart = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';

/** The packaged chart of the version before this one. */
export const previousChart = join(folder, chart);
export const previousVersion = /-(\d+\.\d+\.\d+)\.tgz$/.exec(chart)?.[1] ?? '';

/** The defaults of that chart, as YAML. */
export function readPreviousValues(): string {
  return execFileSync('tar', ['-xzOf', previousChart, 'punching-fist/values.yaml'], { encoding: 'utf8' });
}

/** Unpacks what is kept of that version: of `program`, `examples`. Returns the folder. */
function unpack(cleanup: Cleanup, name: string): string {
  const place = cleanup.temporaryFolder('previous');
  const archive = zstdDecompressSync(readFileSync(join(folder, `${name}-${previousVersion}.tar.zst`)));
  execFileSync('tar', ['-x', '-C', place], { input: archive });
  return place;
}

/** Unpacks its program, to run with the packages of this checkout. Returns its `src/main.ts`. */
export function unpackPreviousProgram(cleanup: Cleanup): string {
  const place = unpack(cleanup, 'program');
  symlinkSync(`${repositoryRoot}node_modules`, join(place, 'node_modules'));
  return join(place, 'src/main.ts');
}

/** Unpacks its examples. Returns their folder. */
export function unpackPreviousExamples(cleanup: Cleanup): string {
  return join(unpack(cleanup, 'examples'), 'examples');
}
