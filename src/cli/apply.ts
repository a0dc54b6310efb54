import { applyObjects, inOrder, knownObjects, untilReady } from '../app/objects/apply.ts';
import type { ObjectName } from '../app/objects/apply.ts';
import { namespaceOfContext, withInstallWorld } from '../app/install/connect.ts';
import type { ContextFlags } from '../app/install/connect.ts';
import { objectKindOf } from '../app/objects/kinds.ts';
import { AppError } from '../core/errors.ts';
import { parseDuration } from '../lib/duration.ts';
import { plain } from '../lib/printable.ts';
import { lintResources } from '../resources/lint.ts';
import { readResources, readText } from '../resources/read.ts';
import type { ReadResources } from '../resources/read.ts';
import { answerIsNo } from './failure.ts';
import { notThere, placesOf } from './from-cluster.ts';
import { readInput } from './input.ts';
import { problemLines } from './lint.ts';
import { objectsOf } from './nouns/index.ts';
import { tell } from './output.ts';
import type { Terminal } from './output.ts';

interface FileFlags extends ContextFlags {
  readonly file?: readonly string[];
  readonly namespace?: string;
  readonly dryRun?: boolean;
}

interface ApplyFlags extends FileFlags {
  readonly file: readonly string[];
  readonly forceConflicts?: boolean;
  readonly wait?: boolean;
  readonly timeout: string;
}

/** `fist apply -f PATH`: what lint and the API server find nothing wrong with is made or changed. Exit 1 where lint says no, or an object cannot be used, or a part of it. */
export async function apply(terminal: Terminal, flags: ApplyFlags): Promise<number> {
  const { dryRun = false, forceConflicts: force = false, wait = false } = flags;
  const timeoutMs = parseDuration(flags.timeout);
  const read = readAll(flags.file, await namespaceOf(flags));
  return withInstallWorld(flags, async (world) => {
    const { writer } = world;
    const problems = lintResources(flags.file.join(' '), read, await knownObjects(writer));
    for (const problem of problems) terminal.err(problemLines(problem));
    if (problems.some(({ severity }) => severity === 'error')) {
      tell(terminal, 'nothing was sent to the cluster');
      return answerIsNo;
    }
    for (const { namespace, name } of read.secrets)
      tell(terminal, `left out: Secret ${namespace}/${name}; kubectl apply makes it`);
    const applied = await applyObjects(writer, read.objects, { dryRun, force });
    for (const one of applied) terminal.out(`${shown(one)} ${one.outcome}${dryRun ? ' (dry run)' : ''}\n`);
    if (!wait || dryRun) return 0;
    let code = 0;
    for await (const { object, isReady, reason, message, lacking } of untilReady(world, applied, timeoutMs)) {
      const but = lacking === null ? '' : `, but ${plain(lacking)}`;
      terminal.out(`${shown(object)} ${isReady ? `ready${but}` : `not ready: ${reason ?? ''}, ${plain(message)}`}\n`);
      if (!isReady || lacking !== null) code = answerIsNo;
    }
    return code;
  });
}

/** `fist delete KIND/NAME...` or `-f PATH`. Exit 1 where one was not there. */
export async function deleteObjects(terminal: Terminal, flags: FileFlags, ...words: string[]): Promise<number> {
  const { file = [], dryRun = false } = flags;
  if (file.length === 0 && words.length === 0)
    throw new AppError('InvalidInput', 'nothing was named', { next: 'fist delete KIND/NAME, or -f FILE' });
  const namespace = await namespaceOf(flags);
  const read = readAll(file, namespace);
  const [problem] = read.problems.filter(({ severity }) => severity === 'error');
  if (problem !== undefined)
    throw new AppError('InvalidInput', `${problem.file}:${problem.line}: ${problem.message}`, {
      next: `fist lint ${file.join(' ')}`,
    });
  const named = words.length === 0 ? [] : await placesOf(flags, objectsOf(words, namespace));
  const objects = inOrder<ObjectName>([...named, ...read.objects]).toReversed();
  return withInstallWorld(flags, async ({ writer }) => {
    const absent: ObjectName[] = [];
    for (const object of objects) {
      const outcome = await writer.delete(objectKindOf(object.kind), object, { dryRun });
      if (outcome === 'absent') absent.push(object);
      else terminal.out(`${shown(object)} deleted${dryRun ? ' (dry run)' : ''}\n`);
    }
    const [first] = absent;
    if (first !== undefined) throw notThere(first.kind, first.namespace, first.name);
    return 0;
  });
}

/** Of objects that name none: as given, else that of the context, as with kubectl. */
async function namespaceOf(flags: FileFlags): Promise<string> {
  return flags.namespace ?? namespaceOfContext(flags);
}

/** `source/shop/am`. */
function shown({ kind, namespace, name }: ObjectName): string {
  return `${kind.toLowerCase()}/${namespace}/${name}`;
}

function readAll(files: readonly string[], namespace: string): ReadResources {
  const parts = files.map((file) =>
    file === '-'
      ? { files: [file], ...readText('standard input', readInput(file), namespace) }
      : readResources(file, namespace),
  );
  return {
    files: parts.flatMap((part) => part.files),
    objects: parts.flatMap((part) => part.objects),
    secrets: parts.flatMap((part) => part.secrets),
    problems: parts.flatMap((part) => part.problems),
  };
}
