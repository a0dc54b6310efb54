import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { SecretReference } from '../core/catalog.ts';
import type { Secrets } from '../core/ports.ts';
import type { SecretDocument } from './read.ts';

const maxSecretBytes = 1024 * 1024;
const safeName = /^[A-Za-z0-9]([-._A-Za-z0-9]{0,251}[A-Za-z0-9])?$/;
const safeKey = /^[-._A-Za-z0-9]{1,253}$/;

/**
 * Secrets of `serve`: a Secret document wins over a file `<directory>/[<namespace>/]<name>/<key>`. Files are read when
 * they are asked for, so that a rotated one counts at once; one line feed at their end does not belong to the value.
 * `documents` is asked each time: a reload replaces them.
 */
export function createSecrets(documents: () => readonly SecretDocument[], directory: string | null): Secrets {
  return {
    get(namespace, reference) {
      const document = documents().find((secret) => secret.namespace === namespace && secret.name === reference.name);
      if (document !== undefined && Object.hasOwn(document.values, reference.key))
        return document.values[reference.key] ?? null;
      return directory === null ? null : fromFiles(directory, namespace, reference);
    },
  };
}

function fromFiles(directory: string, namespace: string, { name, key }: SecretReference): string | null {
  if (!safeName.test(name) || !safeName.test(namespace) || !safeKey.test(key) || /^\.+$/.test(key)) return null;
  return readSecretFile(join(directory, namespace, name, key)) ?? readSecretFile(join(directory, name, key));
}

function readSecretFile(path: string): string | null {
  try {
    const { size } = statSync(path);
    return size > maxSecretBytes ? null : readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch {
    // Absent, a folder, or not readable: the secret is missing, and the caller says which one.
    return null;
  }
}
