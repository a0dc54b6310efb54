// What a server really writes, in order: its system calls, recorded by strace (strace.io).
import { spawnSync } from 'node:child_process';
import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { RunningProcess } from '../support/processes.ts';
import { waitFor } from '../support/wait.ts';

/** One change to the files below a folder, or one answer to an HTTP client, in the order in which the server made them. */
export type TraceEvent =
  /** Opened to be created where it is not there yet. */
  | { readonly type: 'create'; readonly path: string; readonly truncates: boolean }
  | { readonly type: 'make-folder'; readonly path: string }
  /** `offset` null: at the end of what is there. */
  | { readonly type: 'write'; readonly path: string; readonly offset: number | null; readonly data: Buffer }
  | { readonly type: 'truncate'; readonly path: string; readonly size: number }
  | { readonly type: 'rename'; readonly from: string; readonly to: string }
  | { readonly type: 'remove'; readonly path: string }
  /** fsync or fdatasync of a file or a folder has returned. */
  | { readonly type: 'sync'; readonly path: string }
  /** The first bytes of an HTTP answer are handed to the network, for the client at `port`. */
  | { readonly type: 'answer'; readonly port: number; readonly status: number };

const tracer = 'strace';
const fileCalls =
  'open openat creat mkdir mkdirat rename renameat renameat2 unlink unlinkat rmdir pwrite64 ftruncate truncate fsync fdatasync';
/** Not made today; recorded so that a use of them is an error here and not a hole in the test. */
const unusedCalls = 'pwritev pwritev2 fallocate sync_file_range copy_file_range link linkat sendfile';
/** Answers to clients, and small files. */
const streamCalls = 'write writev sendto sendmsg';

/**
 * The words before a program that make strace write its calls to `file`. The program stays the direct child (`-D`), so
 * that signals reach it. Paths and data are in hexadecimal; a name with `?` may be missing on a machine.
 */
export function straceWords(file: string): readonly string[] {
  const calls = `${fileCalls} ${unusedCalls} ${streamCalls}`.split(' ').map((name) => `?${name}`);
  const format = ['-D', '-f', '-q', '--seccomp-bpf', '-yy', '-xx', '-s', '16777216'];
  return [tracer, ...format, '-e', `trace=${calls.join(',')}`, '-o', file];
}

/** Why nothing can be traced here, or null. On Linux a test must fail with it: not recording proves nothing. */
export function explainNoTrace(): string | null {
  const args = ['-f', '-q', '--seccomp-bpf', '-o', '/dev/null', 'true'];
  const { status, stderr, error } = spawnSync(tracer, args, { encoding: 'utf8' });
  if (status === 0) return null;
  const why = error === undefined ? `strace ended with ${status}: ${stderr.trim()}` : error.message;
  return `the writes of a process cannot be recorded: ${why}. Install strace 5.3 or newer (scripts/real-parts.sh), and allow ptrace (in a container --cap-add SYS_PTRACE)`;
}

/** Resolves when strace has written all that the ended process did. */
export async function whenTraced(process: RunningProcess, file: string): Promise<void> {
  await process.exited;
  const end = new RegExp(`^${process.pid} .*\\+\\+\\+ (exited with|killed by)`, 'm');
  await waitFor('the end of the trace', () => end.test(lastBytes(file, 4096)), { explain: () => process.stderr() });
}

function lastBytes(path: string, count: number): string {
  const { size } = statSync(path);
  const bytes = Buffer.alloc(Math.min(size, count));
  const file = openSync(path, 'r');
  try {
    readSync(file, bytes, 0, bytes.length, size - bytes.length);
  } finally {
    closeSync(file);
  }
  return bytes.toString('latin1');
}

/**
 * Reads a trace of {@link straceWords}: what happened below `root` and on HTTP connections. A call counts where it
 * began, a sync where it returned. Throws for a call below `root` that is not known here.
 */
export async function* readTrace(file: string, root: string): AsyncGenerator<TraceEvent> {
  const rootText = encode(root);
  const begun = new Map<string, string>();
  for await (const line of createInterface({ input: createReadStream(file, { highWaterMark: 1 << 20 }) })) {
    const space = line.indexOf(' ');
    const thread = line.slice(0, space);
    const text = line.slice(space).trimStart();
    if (text.endsWith('<unfinished ...>')) {
      begun.set(thread, text.slice(0, -'<unfinished ...>'.length));
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>/.exec(text);
    const whole = resumed === null ? text : `${begun.get(thread) ?? ''}${text.slice(resumed[0].length)}`;
    if (resumed !== null) begun.delete(thread);
    if (!whole.includes(rootText) && !whole.includes('<TCP:[')) continue;
    const event = readCall(whole, root);
    if (event === null) continue;
    if ([...begun.values()].some((call) => call.includes(rootText)))
      throw new Error(`two threads change files at once, which this test cannot order: ${shorten(whole)}`);
    yield event;
  }
}

/** One finished call, `name(arguments) = result`. */
function readCall(text: string, root: string): TraceEvent | null {
  const match = /^(\w+)\((.*)\)\s+= (-?\d+|\?)/s.exec(text);
  const [, name = '', args = '', result = '?'] = match ?? [];
  if (match === null || result === '?' || result.startsWith('-')) return null;
  if (args.includes('<TCP:[')) return readAnswer(args);
  const descriptor = /^\d+<((?:\\x[0-9a-f]{2})+)>(\(deleted\))?/.exec(args);
  if (descriptor?.[2] !== undefined) return null;
  const strings = [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex = '']) => hex);
  if (descriptor === null) {
    const paths = strings.map((hex) => decode(hex).toString());
    return paths.some((path) => isBelow(path, root)) ? readPathCall(name, args, paths) : null;
  }
  const path = decode(descriptor[1] ?? '').toString();
  return isBelow(path, root) ? readFileCall(name, args, path, strings, Number(result)) : null;
}

function readPathCall(name: string, args: string, [path = '', to = '']: readonly string[]): TraceEvent | null {
  const flags = args.slice(args.lastIndexOf('"'));
  if (name === 'openat' || name === 'open' || name === 'creat') {
    if (name !== 'creat' && !flags.includes('O_CREAT') && !flags.includes('O_TRUNC')) return null;
    return { type: 'create', path, truncates: name === 'creat' || flags.includes('O_TRUNC') };
  }
  if (name.startsWith('mkdir')) return { type: 'make-folder', path };
  if (name.startsWith('rename')) return { type: 'rename', from: path, to };
  if (name.startsWith('unlink')) return { type: 'remove', path };
  throw new Error(`the test does not know the call ${name}(${shorten(args)})`);
}

function readFileCall(
  name: string,
  args: string,
  path: string,
  strings: readonly string[],
  result: number,
): TraceEvent {
  if (name === 'fsync' || name === 'fdatasync') return { type: 'sync', path };
  if (name === 'ftruncate') return { type: 'truncate', path, size: lastNumber(args) };
  if (name === 'pwrite64' || name === 'write') {
    const data = decode(strings[0] ?? '').subarray(0, result);
    if (data.length !== result) throw new Error(`the trace holds ${data.length} of ${result} bytes: ${shorten(args)}`);
    return { type: 'write', path, offset: name === 'write' ? null : lastNumber(args), data };
  }
  throw new Error(`the test does not know the call ${name}(${shorten(args)})`);
}

function readAnswer(args: string): TraceEvent | null {
  const [, port = '', hex = ''] = /<TCP:\[[^\]]*->[^\]]*:(\d+)\]>[^"]*"((?:\\x[0-9a-f]{2}){12})/.exec(args) ?? [];
  const status = /^HTTP\/1\.1 (\d{3})/.exec(decode(hex).toString('latin1'))?.[1];
  return status === undefined ? null : { type: 'answer', port: Number(port), status: Number(status) };
}

function lastNumber(args: string): number {
  return Number(/(\d+)$/.exec(args)?.[1]);
}

function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(`${root}/`);
}

function encode(text: string): string {
  return [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}

function decode(hex: string): Buffer {
  return Buffer.from(hex.replaceAll('\\x', ''), 'hex');
}

function shorten(text: string): string {
  return text.length > 400 ? `${text.slice(0, 200)} ... ${text.slice(-200)}` : text;
}
