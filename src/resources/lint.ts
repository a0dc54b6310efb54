import type { CompiledSource } from '../sources/define.ts';
import { nextOfUnknown } from '../lib/similar.ts';
import { webhookAddress } from '../lib/webhook-path.ts';
import { absence, grantNeeded, isOpenTo, placeOf } from '../core/access.ts';
import { checkSink } from './check-sink.ts';
import { checkSource } from './check-source.ts';
import { compileWorkflow } from './compile.ts';
import { grantedBy } from './grants.ts';
import { objectKey, objectTitle } from './object.ts';
import type { Issue, Problem } from './problem.ts';
import { readResources, readText } from './read.ts';
import type { LocatedObject, ReadResources } from './read.ts';
import { claimPaths } from './webhook-paths.ts';
import type { LostPath, PathClaim } from './webhook-paths.ts';

/**
 * Checks a folder or a file of resources without a server: YAML, fields, types, templates, commands and references. In
 * order of file, line and column. References are looked up in what was read. Throws InvalidInput where the path cannot be
 * read.
 */
export function lintPath(path: string): Promise<Problem[]> {
  return Promise.resolve().then(() => lintResources(path, readResources(path)));
}

/** The same for the text of one file, which may be JSON. */
export function lintText(file: string, text: string): Problem[] {
  return lintResources(file, { files: [file], ...readText(file, text) });
}

/** An object that may be referred to. */
type Known = Pick<LocatedObject, 'kind' | 'namespace' | 'name' | 'spec'>;

/** The same for what was read; objects of `elsewhere` may be referred to as well, but for versions that what was read replaces. */
export function lintResources(path: string, read: ReadResources, elsewhere: readonly Known[] = []): Problem[] {
  const { objects } = read;
  const replaced = new Set(objects.map(objectKey));
  const known = [...objects, ...elsewhere.filter((object) => !replaced.has(objectKey(object)))];
  const located = objects.flatMap((object) =>
    [...ownIssues(object), ...referenceIssues(object, known)].map((issue) => object.document.locate(issue)),
  );
  const problems = [...read.problems, ...located, ...pathProblems(objects)];
  if (objects.length === 0 && problems.length === 0) problems.push(nothingFound(path, read.files));
  return problems.sort(byPlace);
}

function nothingFound(path: string, files: readonly string[]): Problem {
  const message = files.length === 0 ? 'no YAML files (*.yaml, *.yml) here' : 'no Source, Workflow or Sink here';
  return {
    file: path,
    line: 1,
    column: 1,
    severity: 'error',
    beyond: 'Yaml',
    message,
    field: '',
    next: 'name a file, or a folder with YAML files',
  };
}

function byPlace(left: Problem, right: Problem): number {
  return left.file === right.file
    ? left.line - right.line || left.column - right.column
    : left.file < right.file
      ? -1
      : 1;
}

function ownIssues({ kind, namespace, name, spec }: LocatedObject): readonly Issue[] {
  if (kind === 'Workflow') return compileWorkflow(namespace, name, spec).issues;
  if (kind === 'Sink') return checkSink(spec).issues;
  const { accepted, issues } = checkSource(spec);
  if (accepted === null) return issues;
  return [...issues, ...authenticationIssues(name, accepted.compiled)];
}

function authenticationIssues(name: string, compiled: CompiledSource): readonly Issue[] {
  if (compiled.path === null || compiled.authentication !== null) return [];
  return [
    {
      path: ['spec', 'config'],
      severity: 'warning',
      message: 'no authentication: accepted on loopback only, or with --allow-insecure-sources',
      next: `add to config: authentication: {type: bearer, secretRef: ${name}-token}`,
    },
  ];
}

/** Names of other objects that a spec holds. */
function referenceIssues(object: LocatedObject, all: readonly Known[]): readonly Issue[] {
  const spec = object.spec as { triggerWorkflow?: unknown; sinks?: unknown };
  if (object.kind === 'Source')
    return dangling(object, 'Workflow', spec.triggerWorkflow, ['spec', 'triggerWorkflow'], all);
  if (object.kind !== 'Workflow' || !Array.isArray(spec.sinks)) return [];
  return spec.sinks.flatMap((name, index) => dangling(object, 'Sink', name, ['spec', 'sinks', index], all));
}

function dangling(
  from: LocatedObject,
  kind: 'Workflow' | 'Sink',
  name: unknown,
  path: Issue['path'],
  all: readonly Known[],
): readonly Issue[] {
  if (typeof name !== 'string') return [];
  const place = placeOf(name, from.namespace);
  const candidates = all.filter((object) => object.kind === kind && isOpenTo(grantOf(object), from.namespace));
  const names = candidates.filter(({ namespace }) => namespace === place.namespace).map((object) => object.name);
  if (names.includes(place.name)) return [];
  const needed = grantNeeded(kind, place, from.namespace);
  const elsewhere = all.find((object) => object.kind === kind && object.name === place.name);
  const there =
    elsewhere === undefined
      ? `declare it, or name one of: ${names.join(', ') || 'none is declared'}`
      : crossing(elsewhere, from.namespace);
  const next = needed ?? nextOfUnknown(name, names, there);
  return [{ path, severity: 'error', beyond: 'Reference', message: absence(kind, place, from.namespace), next }];
}

function grantOf({ namespace, spec }: Known) {
  return { namespace, accessFrom: grantedBy(spec) };
}

/** How one of another namespace comes to be referred to. */
function crossing(object: Known, from: string): string {
  const reference = `${object.namespace}/${object.name}`;
  if (isOpenTo(grantOf(object), from)) return `${objectTitle(object)} is in another namespace: write ${reference}`;
  return `${objectTitle(object)} is in another namespace: write ${reference}, and in its spec accessFrom: {namespaces: [${from}]}`;
}

/** Sources that want one webhook path: one of a namespace has it, by name, and one of all has the short one, by namespace and name. */
function pathProblems(objects: readonly LocatedObject[]): readonly Problem[] {
  const sources = objects
    .filter(({ kind }) => kind === 'Source')
    .sort((left, right) => (objectTitle(left) < objectTitle(right) ? -1 : 1))
    .map((object) => {
      const { path, subpaths } = checkSource(object.spec).accepted?.compiled ?? { path: null, subpaths: [] };
      return { object, path, subpaths };
    });
  const claimed = claimPaths(sources, () => []);
  return sources.flatMap((source) => {
    const { paths, lost } = claimed(source);
    return lost.map((one) => source.object.document.locate(pathIssue(source, paths.length > 0, one)));
  });
}

function pathIssue({ path: declared }: PathClaim, isServed: boolean, { path, owner, instead }: LostPath): Issue {
  const at = ['spec', 'config', 'path'];
  const whose = `belongs to ${objectTitle(owner.object)} (${owner.object.origin})`;
  if (!isServed) {
    const message = `path ${declared} ${whose}`;
    return { path: at, severity: 'error', beyond: 'Path', message, next: 'choose another path' };
  }
  const elsewhere = instead === null ? '' : `its senders have to use ${webhookAddress(instead)}, or `;
  const message = `${webhookAddress(path)} ${whose}`;
  return { path: at, severity: 'warning', message, next: `${elsewhere}choose another path` };
}
