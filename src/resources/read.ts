import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { fileProblem } from '../lib/file-problem.ts';
import { nextOfUnknown } from '../lib/similar.ts';
import { finish } from '../lib/turns.ts';
import type { Pieces } from '../lib/turns.ts';
import { objectName } from '../lib/schema.ts';
import { parseDocumentsInPieces } from './documents.ts';
import type { ResourceDocument } from './documents.ts';
import { apiVersion } from './fields.ts';
import { withoutNulls } from './nulls.ts';
import { objectKey, objectTitle } from './object.ts';
import type { ResourceKind, ResourceObject } from './object.ts';
import type { Issue, Problem } from './problem.ts';
import { specIssues } from './spec-issues.ts';
import { resourceSpecs } from './specs.ts';

/** An object with the document that says where its fields are. */
export interface LocatedObject extends ResourceObject {
  readonly document: ResourceDocument;
}

/** A v1 Secret document: values by key. Never mirrored, never logged. */
export interface SecretDocument {
  readonly namespace: string;
  readonly name: string;
  readonly values: Readonly<Record<string, string>>;
  readonly file: string;
}

/** All that a folder or file says. */
export interface ReadResources {
  readonly objects: readonly LocatedObject[];
  readonly secrets: readonly SecretDocument[];
  readonly problems: readonly Problem[];
  /** Files that were read. */
  readonly files: readonly string[];
}

const kinds: readonly string[] = ['Source', 'Workflow', 'Sink'] satisfies ResourceKind[];
const defaultNamespace = 'default';
const maxFileBytes = 5 * 1024 * 1024;

const metadata = z
  .object({ name: objectName, namespace: objectName.optional(), creationTimestamp: z.string().nullish() })
  .meta({ description: 'Name and namespace of the object.' });

const envelope = z.strictObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata,
  spec: z.record(z.string(), z.unknown()),
  status: z.unknown().optional(),
});

/**
 * The YAML files of a folder (`*.yaml`, `*.yml`, in order of their names, no sub-folders, as with kubectl), or one file.
 * Throws InvalidInput where the path cannot be read.
 */
export function listFiles(path: string): readonly string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    return readdirSync(path)
      .filter((name) => /\.ya?ml$/i.test(name) && !name.startsWith('.'))
      .sort()
      .map((name) => join(path, name))
      .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true);
  } catch (cause) {
    throw new AppError('InvalidInput', `cannot read ${path}: ${fileProblem(cause)}`, {
      cause,
      next: 'name a YAML file, or a folder with YAML files',
    });
  }
}

/**
 * Reads a folder or a file; objects that name no namespace are of `namespace`. What is wrong in it stands in `problems`. Throws InvalidInput
 * where it cannot be read.
 */
export function readResources(path: string, namespace = defaultNamespace): ReadResources {
  return finish(readResourcesInPieces(path, namespace));
}

/** As {@link readResources}; no piece takes long. */
export function* readResourcesInPieces(path: string, namespace = defaultNamespace): Pieces<ReadResources> {
  const files = listFiles(path);
  const parts: FileContent[] = [];
  for (const file of files) parts.push(yield* readFile(file, namespace));
  const objects = parts.flatMap((part) => part.objects);
  const doubles = duplicateProblems(objects);
  return {
    files,
    objects: objects.filter((object) => !doubles.has(object)),
    secrets: parts.flatMap((part) => part.secrets),
    problems: [...parts.flatMap((part) => part.problems), ...doubles.values()],
  };
}

type FileContent = Omit<ReadResources, 'files'>;

function* readFile(file: string, namespace: string): Pieces<FileContent> {
  let text: string;
  try {
    if (statSync(file).size > maxFileBytes) throw new Error(`is larger than ${maxFileBytes / 1024 / 1024} MiB`);
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const message = `cannot read the file: ${fileProblem(cause)}`;
    return {
      objects: [],
      secrets: [],
      problems: [{ file, line: 1, column: 1, severity: 'error', beyond: 'Yaml', message, field: '' }],
    };
  }
  return yield* readTextInPieces(file, text, namespace);
}

/** Reads the text of one file. */
export function readText(file: string, text: string, namespace = defaultNamespace): FileContent {
  return finish(readTextInPieces(file, text, namespace));
}

function* readTextInPieces(file: string, text: string, namespace: string): Pieces<FileContent> {
  const { documents, problems: syntax } = yield* parseDocumentsInPieces(file, text);
  const objects: LocatedObject[] = [];
  const secrets: SecretDocument[] = [];
  const problems: Problem[] = [...syntax];
  for (const document of documents) {
    yield;
    const { value } = document;
    if (value['kind'] === 'Secret') {
      const { secret, issues } = readSecret(file, value);
      if (secret !== null) secrets.push(secret);
      problems.push(...issues.map((issue) => document.locate(issue)));
      continue;
    }
    const issues = envelopeIssues(value);
    problems.push(...issues.map((issue) => document.locate(issue)));
    if (issues.length === 0) objects.push(locatedObject(document, namespace));
  }
  return { objects, secrets, problems };
}

function envelopeIssues(value: Readonly<Record<string, unknown>>): readonly Issue[] {
  const { kind, apiVersion: version } = value;
  if (typeof kind !== 'string') {
    return [{ path: ['kind'], severity: 'error', message: `kind is required: ${kinds.join(', ')} or Secret` }];
  }
  if (!kinds.includes(kind)) return [foreignKind(kind, version)];
  if (version !== apiVersion) {
    const message = `apiVersion must be ${apiVersion}, not ${typeof version === 'string' ? version : 'empty'}`;
    return [{ path: ['apiVersion'], severity: 'error', message, next: `set apiVersion: ${apiVersion}` }];
  }
  // The spec is checked by its own schema.
  return specIssues(envelope, value, []);
}

/** Folders may hold other objects of a cluster: they are left alone, unless the kind looks like a slip of one of ours. */
function foreignKind(kind: string, version: unknown): Issue {
  const ours = typeof version === 'string' && version.startsWith('punching');
  if (!ours) return { path: ['kind'], severity: 'warning', message: `kind ${kind} is not ours and is left alone` };
  const next = nextOfUnknown(kind, kinds, `kinds are ${kinds.join(', ')}`);
  return { path: ['kind'], severity: 'error', message: `unknown kind ${kind}`, next };
}

function locatedObject(document: ResourceDocument, namespace: string): LocatedObject {
  const { kind, metadata, spec } = envelope.parse(document.value);
  return {
    kind: kind as ResourceKind,
    namespace: metadata.namespace ?? namespace,
    name: metadata.name,
    spec: withoutNulls(resourceSpecs[kind as ResourceKind], spec),
    origin: `${document.file}:${document.line}`,
    createdAt: metadata.creationTimestamp ?? null,
    document,
  };
}

const secretSchema = z.object({
  apiVersion: z.literal('v1'),
  metadata,
  data: z.record(z.string(), z.base64()).default({}),
  stringData: z.record(z.string(), z.string()).default({}),
});

function readSecret(
  file: string,
  value: unknown,
): { readonly secret: SecretDocument | null; readonly issues: readonly Issue[] } {
  const parsed = secretSchema.safeParse(value);
  if (!parsed.success) return { secret: null, issues: withoutValues(specIssues(secretSchema, value, [])) };
  const { metadata, data, stringData } = parsed.data;
  const decoded = Object.entries(data).map(
    ([key, text]) => [key, Buffer.from(text, 'base64').toString('utf8')] as const,
  );
  const values = Object.fromEntries([...decoded, ...Object.entries(stringData)]);
  return {
    secret: { namespace: metadata.namespace ?? defaultNamespace, name: metadata.name, values, file },
    issues: [],
  };
}

/** A message about a Secret must not quote what stands in it. */
function withoutValues(issues: readonly Issue[]): readonly Issue[] {
  return issues.map((issue) => {
    const [top, key] = issue.path;
    if (top !== 'data' && top !== 'stringData') return issue;
    const field = key === undefined ? top : `${top}.${key}`;
    return {
      path: issue.path,
      severity: 'error',
      message: `${field} must be ${top === 'data' ? 'base64 text' : 'text'}`,
    };
  });
}

/** Two objects with one name: the first one counts. */
function duplicateProblems(objects: readonly LocatedObject[]): ReadonlyMap<LocatedObject, Problem> {
  const first = new Map<string, LocatedObject>();
  const doubles = new Map<LocatedObject, Problem>();
  for (const object of objects) {
    const earlier = first.get(objectKey(object));
    if (earlier === undefined) {
      first.set(objectKey(object), object);
      continue;
    }
    const message = `${objectTitle(object)} is declared at ${earlier.origin} already`;
    doubles.set(
      object,
      object.document.locate({
        path: ['metadata', 'name'],
        severity: 'error',
        beyond: 'Duplicate',
        message,
        next: 'give one of them another name',
      }),
    );
  }
  return doubles;
}
