import { readFileSync, statSync } from 'node:fs';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SecretReference } from '../core/catalog.ts';
import type { Secrets } from '../core/ports.ts';
import { exhaustion } from '../lib/exhaustion.ts';
import type { SecretDocument } from './read.ts';

const maxSecretBytes = 1024 * 1024;
const safeName = /^[A-Za-z0-9]([-._A-Za-z0-9]{0,251}[A-Za-z0-9])?$/;
const safeKey = /^[-._A-Za-z0-9]{1,253}$/;

/**
 * Secrets of `serve`: a Secret document wins over a file `<directory>/[<namespace>/]<name>/<key>`. Files are read when
 * they are asked for, so that a rotated one counts at once. One line feed at the end, as an editor or `echo | base64` leaves it, does not belong to
 * a value: no header can have one. `documents` is asked each time: a reload replaces them. Each value that is given out is noted first.
 */
export function createSecrets(
  documents: () => readonly Omit<SecretDocument, 'file'>[],
  directory: string | null,
  note: (value: string) => void = () => undefined,
): Secrets {
  function find(namespace: string, reference: SecretReference): string | null {
    const document = documents().find((secret) => secret.namespace === namespace && secret.name === reference.name);
    if (document !== undefined && Object.hasOwn(document.values, reference.key))
      return withoutLineFeed(document.values[reference.key] ?? '');
    return directory === null ? null : fromFiles(directory, namespace, reference);
  }
  return {
    get(namespace, reference) {
      const value = find(namespace, reference);
      if (value !== null) note(value);
      return value;
    },
    whyMissing: (namespace, { name, key }) =>
      `there is no Secret ${namespace}/${name} with key ${key}, as a document or as a file ${name}/${key} below --secrets-dir`,
  };
}

function fromFiles(directory: string, namespace: string, { name, key }: SecretReference): string | null {
  if (!safeName.test(name) || !safeName.test(namespace) || !safeKey.test(key) || /^\.+$/.test(key)) return null;
  return readSecretFile(join(directory, namespace, name, key)) ?? readSecretFile(join(directory, name, key));
}

function readSecretFile(path: string): string | null {
  try {
    const { size } = statSync(path);
    return size > maxSecretBytes ? null : withoutLineFeed(readFileSync(path, 'utf8'));
  } catch (error) {
    const exhausted = exhaustion(error, 'a Secret could not be read');
    if (exhausted !== null) throw exhausted;
    // Absent, a folder, or not readable: the secret is missing, and the caller says which one.
    return null;
  }
}

function withoutLineFeed(text: string): string {
  return text.replace(/\r?\n$/, '');
}

/** Files that are looked at, and how deep: `[<namespace>/]<name>/<key>`. */
const mostFiles = 1000;
const deepest = 3;

/**
 * The values of all Secrets that `serve` knows, for taking them out of what a step printed. Read anew each time, so that
 * a rotated one counts at once; what cannot be read is left out.
 */
export async function secretValues(
  documents: readonly Omit<SecretDocument, 'file'>[],
  directory: string | null,
): Promise<readonly string[]> {
  const files = directory === null ? [] : await filesBelow(directory, deepest);
  const contents = await Promise.all(
    files
      .slice(0, mostFiles)
      .map(async (file) => {
        const { size } = await stat(file);
        return size > maxSecretBytes ? '' : readFile(file, 'utf8');
      })
      .map((reading) => reading.catch(() => '')),
  );
  return [...documents.flatMap((secret) => Object.values(secret.values)), ...contents];
}

async function filesBelow(folder: string, depth: number): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    // `..data` of a mounted Secret: its files stand beside it as links.
    if (found.length >= mostFiles || entry.name.startsWith('..')) continue;
    const path = join(folder, entry.name);
    const kind = entry.isSymbolicLink() ? await stat(path).catch(() => entry) : entry;
    if (kind.isFile()) found.push(path);
    else if (kind.isDirectory() && depth > 1) found.push(...(await filesBelow(path, depth - 1)));
  }
  return found;
}
