import { existsSync, globSync, mkdirSync, readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { createCleanup } from './support/cleanup.ts';
import type { Cleanup } from './support/cleanup.ts';
import { sharedPostgres } from './support/postgres.ts';
import { cleanEnvironment, freePort, repositoryRoot, runProcess, startProcess } from './support/processes.ts';
import { readyUrl } from './support/server.ts';
import { waitFor } from './support/wait.ts';

/** A fenced block of a document. */
export interface DocumentBlock {
  /** Line of the opening fence, from 1. */
  readonly line: number;
  /** First word after the fence. */
  readonly language: string;
  /**
   * Further words: `fails`, `server`, `slow`, `output` (the lines after a command are what it prints), `cluster` (needs a kubeconfig and kubectl),
   * `postgres` (DATABASE_URL leads to an empty database), `alertmanager` (needs one; run by a test of its own).
   */
  readonly marks: readonly string[];
  /** Lines that begin with `$ `, without it, with their continuations. */
  readonly commands: readonly string[];
  /** What stands behind each command, as one text. */
  readonly outputs: readonly string[];
}

const knownMarks = ['fails', 'server', 'slow', 'output', 'cluster', 'postgres', 'alertmanager'];

/** The documents whose commands are run: relative to the repository. */
export function listDocuments(): readonly string[] {
  return ['README.md', ...globSync(['docs/**/*.md', 'examples/*/README.md'], { cwd: repositoryRoot }).sort()];
}

/** Whether commands of a document need neither long nor a cluster. */
export function hasQuickCommands(text: string): boolean {
  return parseBlocks(text).some(
    ({ language, marks }) => language === 'console' && !marks.includes('slow') && !marks.includes('cluster'),
  );
}

/** The fenced blocks of a Markdown text. */
export function parseBlocks(text: string): readonly DocumentBlock[] {
  const blocks: DocumentBlock[] = [];
  let open: { fence: string; line: number; info: string; body: string[] } | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const [, fence = '', info = ''] = /^\s*(`{3,}|~{3,})\s*(.*)$/.exec(line) ?? [];
    if (open === undefined) {
      if (fence !== '') open = { fence, line: index + 1, info: info.trim(), body: [] };
    } else if (info === '' && fence.startsWith(open.fence)) {
      const [language = '', ...marks] = open.info.split(/\s+/);
      blocks.push({ line: open.line, language, marks, ...commandsOf(open.body) });
      open = undefined;
    } else {
      open.body.push(line);
    }
  }
  return blocks;
}

function commandsOf(lines: readonly string[]): Pick<DocumentBlock, 'commands' | 'outputs'> {
  const commands: string[] = [];
  const outputs: string[] = [];
  let continues = false;
  for (const line of lines) {
    const last = commands.length - 1;
    if (continues) commands[last] += `\n${line}`;
    else if (line.trimStart().startsWith('$ ')) {
      commands.push(line.trimStart().slice(2));
      outputs.push('');
    } else {
      if (last >= 0) outputs[last] += `${line}\n`;
      continue;
    }
    continues = line.endsWith('\\');
  }
  return { commands, outputs };
}

/** What is of this run and this machine only, in words that are the same everywhere. */
const ofThisRun: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'ID'],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?: ?UTC|Z)?/g, 'TIME'],
  [/\b(?=[0-9a-f]*\d)[0-9a-f]{8}\b/g, 'ID'],
  [/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT'],
  [/(?<![\w.-])\/\S*(?=\/punching-fist\b)/g, ''],
  [/\b\d+(?:\.\d+)? ?(?:GiB|MiB|KiB|bytes)\b/g, 'SIZE'],
  [/\bschema \d+\b/g, 'schema NUMBER'],
  [/(?<![\w.])\d+(?:\.\d+)? ?(?:ms|s|m|h|d)(?:\d+(?:ms|s|m|h))*\b/g, 'DURATION'],
  [/[ \t]+/g, ' '],
];

/** A text without what differs from run to run. A line of a document that says `...` stands for any lines. */
export function normalised(text: string): string {
  return ofThisRun
    .reduce((done, [pattern, word]) => done.replace(pattern, word), text)
    .replace(/ *\n/g, '\n')
    .trim();
}

/** What a document shows and a command did not print, in words; null where they agree. */
export function outputProblem(shown: string, printed: string): string | null {
  const pieces = normalised(shown).split(/^\.\.\.$/m);
  const pattern = pieces.map((piece) => RegExp.escape(piece.trim())).join('[^]*');
  if (new RegExp(`^${pattern}$`).test(normalised(printed))) return null;
  return `does not print what stands there but\n${printed}`;
}

/** What is wrong with the blocks of a document before anything is run, in words. */
export function blockProblems(file: string, blocks: readonly DocumentBlock[]): readonly string[] {
  return blocks.flatMap(({ line, language, marks, commands, outputs }) => {
    const place = `${file}:${line}`;
    if (language !== 'console')
      return commands.length === 0 ? [] : [`${place} has a command in a block that is not marked console`];
    return [
      ...(commands.length === 0 ? [`${place} is a console block without a line that begins with "$ "`] : []),
      ...marks.filter((mark) => !knownMarks.includes(mark)).map((mark) => `${place} has the unknown mark ${mark}`),
      ...(!marks.includes('output') && outputs.some((text) => text.trim() !== '')
        ? [`${place} shows an output that is not compared: it has no mark output`]
        : []),
      ...(marks.includes('output') && outputs.some((text) => text.trim() === '')
        ? [`${place} shows no output of a command`]
        : []),
      ...(marks.includes('server') && commands.length !== 1 ? [`${place}: a server block has one command`] : []),
    ];
  });
}

/** Links of a Markdown text to files that do not exist. */
export function brokenLinks(file: string, text: string): readonly string[] {
  const targets = [...text.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)].map((match) => match[1] ?? '');
  return targets
    .filter((target) => !/^[a-z]+:/.test(target) && !existsSync(join(repositoryRoot, dirname(file), target)))
    .map((target) => `${file} links to ${target}, which does not exist`);
}

export interface RunOptions {
  /** Also the blocks marked slow. */
  readonly slow: boolean;
  /** For the blocks marked cluster, which are left out without it. */
  readonly cluster?: { readonly kubeconfig: string; readonly kubectlFolder: string };
}

/**
 * Runs the console blocks of a document in order, as a newcomer would type them: in a folder that looks like the
 * repository, with a home of its own and without `node_modules/.bin` in PATH. Servers are stopped at the end. Returns
 * what went wrong, in words.
 */
export async function runDocument(file: string, options: RunOptions): Promise<readonly string[]> {
  const cleanup = createCleanup();
  const problems: string[] = [];
  try {
    const place = await createPlace(cleanup, options.cluster);
    const blocks = parseBlocks(readFileSync(join(repositoryRoot, file), 'utf8'));
    const database = blocks.some(({ marks }) => marks.includes('postgres'))
      ? await (await sharedPostgres()).createDatabase()
      : null;
    for (const block of blocks) {
      if (block.language !== 'console' || (block.marks.includes('slow') && !options.slow)) continue;
      if (block.marks.includes('cluster') && options.cluster === undefined) continue;
      if (block.marks.includes('alertmanager')) continue;
      for (const [index, command] of block.commands.entries()) {
        const here = block.marks.includes('postgres') && database !== null ? withDatabase(place, database) : place;
        const shown = block.marks.includes('output') ? (block.outputs[index] ?? '') : null;
        const problem = await runCommand(cleanup, here, block, { text: place.withPorts(command), shown });
        if (problem !== null) problems.push(`${file}:${block.line}: ${command}\n${problem}`);
      }
      if (problems.length > 0) break;
    }
  } finally {
    await cleanup.run();
  }
  return problems;
}

interface Place {
  readonly folder: string;
  /** A command with ports that are free in place of those of the document, 8080 to 8089. */
  withPorts(command: string): string;
  /** What `export` sets stays for the commands after it. */
  readonly environment: Record<string, string>;
}

/** A folder with links to what the repository has, so that what commands make does not land there. */
async function createPlace(cleanup: Cleanup, cluster: RunOptions['cluster']): Promise<Place> {
  const top = cleanup.temporaryFolder('docs');
  const [folder, home] = [join(top, 'punching-fist'), join(top, 'home')];
  mkdirSync(folder);
  mkdirSync(home);
  for (const entry of readdirSync(repositoryRoot)) {
    if (!['.git', 'data', 'secrets'].includes(entry)) symlinkSync(join(repositoryRoot, entry), join(folder, entry));
  }
  const ports = new Map<string, number>();
  for (let port = 8080; port < 8090; port += 1) ports.set(String(port), await freePort());
  const withPorts = (command: string) => command.replace(/\b808\d\b/g, (port) => String(ports.get(port)));
  const environment = newcomersEnvironment(home, withPorts('8080'));
  if (cluster === undefined) return { folder, withPorts, environment };
  const path = [cluster.kubectlFolder, environment['PATH']].join(delimiter);
  return { folder, withPorts, environment: { ...environment, PATH: path, KUBECONFIG: cluster.kubeconfig } };
}

function withDatabase(place: Place, url: string): Place {
  return { ...place, environment: { ...place.environment, DATABASE_URL: url } };
}

function newcomersEnvironment(home: string, port: string): Record<string, string> {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((entry) => !entry.includes('node_modules'));
  return cleanEnvironment({
    PATH: path.join(delimiter),
    HOME: home,
    XDG_CONFIG_HOME: join(home, '.config'),
    XDG_CACHE_HOME: join(home, '.cache'),
    FIST_SERVER: `http://127.0.0.1:${port}`,
    SERVER_ADDR: `127.0.0.1:${port}`,
    COLUMNS: '80',
  });
}

/** A command, and what the document shows as its output; null = nothing. */
interface ShownCommand {
  readonly text: string;
  readonly shown: string | null;
}

async function runCommand(
  cleanup: Cleanup,
  place: Place,
  block: DocumentBlock,
  { text, shown }: ShownCommand,
): Promise<string | null> {
  const options = { cwd: place.folder, environment: place.environment };
  if (block.marks.includes('server')) return startDocumentServer(cleanup, text, options);
  const isExport = /^export \w+=(?!.*&&)/.test(text);
  const timeoutMs = block.marks.includes('slow') ? 240_000 : 60_000;
  const line = isExport ? `${text} && env -0` : text;
  const { code, signal, stdout, stderr } = await runProcess('bash', ['-c', line], { ...options, timeoutMs });
  const fails = block.marks.includes('fails');
  if (signal === null && (code === 0) !== fails) {
    if (isExport) for (const [name, value] of exported(text, stdout)) place.environment[name] = value;
    return shown === null ? null : outputProblem(shown, stdout);
  }
  const ended = signal === null ? `ended with ${code}` : `was ended by ${signal} after at most ${timeoutMs} ms`;
  return `${ended}${fails ? ', but is marked as failing' : ''}\n${stdout.slice(-2000)}\n${stderr.slice(-2000)}`;
}

/** The variables that a command exports, with their values in what `env -0` printed. */
function exported(command: string, environment: string): readonly (readonly [string, string])[] {
  const names = new Set([...command.matchAll(/(?<=\s)(\w+)=/g)].map((match) => match[1]));
  return environment.split('\0').flatMap((entry) => {
    const at = entry.indexOf('=');
    return names.has(entry.slice(0, at)) ? [[entry.slice(0, at), entry.slice(at + 1)] as const] : [];
  });
}

async function startDocumentServer(
  cleanup: Cleanup,
  command: string,
  options: { readonly cwd: string; readonly environment: Readonly<Record<string, string>> },
): Promise<string | null> {
  const server = startProcess('bash', ['-c', `exec ${command}`], options);
  cleanup.defer(() => server.stop());
  const up = await waitFor('ready', () => readyUrl(server.stderr()) ?? server.exitStatus(), {
    timeoutMs: 30_000,
  }).catch(() => null);
  return typeof up === 'string' ? null : `the server did not get ready\n${server.stdout()}\n${server.stderr()}`;
}
