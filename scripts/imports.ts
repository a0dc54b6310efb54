import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

/** What each folder of `src` may import besides itself and npm packages (docs/decisions/0001-layout.md). */
export const importTable: Readonly<Record<string, readonly string[]>> = {
  'main.ts': ['cli'],
  core: [],
  lib: ['core'],
  sources: ['core', 'lib'],
  report: ['core', 'lib'],
  sinks: ['core', 'lib', 'report'],
  analyzers: ['core', 'lib'],
  investigation: ['core', 'lib', 'analyzers', 'report'],
  agent: ['core', 'lib', 'report', 'analyzers', 'investigation'],
  intake: ['core', 'lib'],
  telemetry: ['core', 'lib', 'agent'],
  workflows: ['core', 'lib', 'investigation', 'agent'],
  store: ['core', 'lib'],
  kube: ['core', 'lib'],
  readers: ['core', 'lib'],
  runners: ['core', 'lib', 'kube'],
  resources: ['core', 'lib', 'sources', 'workflows', 'agent', 'sinks'],
  controllers: ['core', 'lib', 'kube', 'resources'],
  server: ['core', 'lib', 'investigation', 'report', 'resources', 'sources'],
  app: ['*'],
  cli: ['core', 'lib', 'report', 'resources', 'app'],
};

/** What each room of `kube` may import of the others. */
export const kubeRooms: Readonly<Record<string, readonly string[]>> = {
  kinds: [],
  connection: ['kinds'],
  watch: ['kinds', 'connection'],
  live: ['kinds', 'connection', 'watch'],
  lease: ['kinds', 'connection'],
  accounts: ['kinds', 'connection'],
  events: ['kinds', 'connection', 'watch', 'live'],
  jobs: ['kinds', 'connection', 'watch', 'live'],
  dump: ['kinds', 'connection', 'live'],
};

/** Folders of which only types may be imported: they are gone when the program runs. */
const typesOnly: Readonly<Record<string, readonly string[]>> = { cli: ['server'] };

/** `core` is pure: the only package it may import. */
const corePackages = ['zod'];

/** One import that the table does not allow. */
export interface ImportProblem {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** Checks one file's text; `file` is relative to `src`, with `/`. */
export function checkImportsOfFile(file: string, text: string): readonly ImportProblem[] {
  const own = file.split('/')[0] ?? '';
  const allowed = importTable[own];
  if (allowed === undefined) return [{ file, line: 1, message: `${own} is not a folder of the layout` }];
  const problems: ImportProblem[] = [];
  for (const { specifier, line, isType } of importsOf(text)) {
    const message = specifier.startsWith('.')
      ? checkRelative(file, own, [...allowed, ...(isType ? (typesOnly[own] ?? []) : [])], specifier)
      : checkPackage(own, specifier);
    if (message !== undefined) problems.push({ file, line, message });
  }
  return problems;
}

/** Checks every program file below `root`/src; tests beside code may also import what they test with. */
export function checkImports(root: string): readonly ImportProblem[] {
  const source = join(root, 'src');
  return globSync('**/*.ts', { cwd: source })
    .map((file) => file.split(sep).join('/'))
    .filter((file) => !file.endsWith('.test.ts'))
    .flatMap((file) => checkImportsOfFile(file, readFileSync(join(source, file), 'utf8')));
}

function importsOf(text: string): readonly { specifier: string; line: number; isType: boolean }[] {
  const pattern =
    /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s*['"]([^'"]+)['"]/g;
  return [...text.matchAll(pattern)].map((match) => ({
    specifier: match[1] ?? match[2] ?? match[3] ?? '',
    line: text.slice(0, match.index + match[0].length).split('\n').length,
    isType: /^\s*import\s+type\b/.test(match[0]),
  }));
}

function checkRelative(file: string, own: string, allowed: readonly string[], specifier: string): string | undefined {
  const target = relative('.', join(dirname(file), specifier))
    .split(sep)
    .join('/');
  if (target.startsWith('../')) return own === 'cli' || own === 'app' ? undefined : `${specifier} lies outside src`;
  const [folder = '', room = ''] = target.split('/');
  if (folder === 'kube' && own === 'kube') return checkRoom(file.split('/')[1] ?? '', room, specifier);
  if (folder === own || allowed.includes('*') || allowed.includes(folder)) return undefined;
  return `${own} may not import ${folder} (${specifier}); it may import ${allowed.join(', ') || 'nothing'}`;
}

function checkRoom(own: string, room: string, specifier: string): string | undefined {
  const allowed = kubeRooms[own];
  if (allowed === undefined) return `${own} is not a room of kube`;
  if (room === own || allowed.includes(room)) return undefined;
  return `kube/${own} may not import kube/${room} (${specifier}); it may import ${allowed.join(', ') || 'nothing'}`;
}

function checkPackage(own: string, specifier: string): string | undefined {
  if (own !== 'core' || corePackages.includes(specifier)) return undefined;
  return `core is pure and may not import ${specifier}`;
}
