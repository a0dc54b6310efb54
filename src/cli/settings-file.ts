import { readFileSync } from 'node:fs';
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { AppError } from '../core/errors.ts';
import { fileProblem } from '../lib/file-problem.ts';
import { nextOfUnknown } from '../lib/similar.ts';
import { settings, variableOf } from './settings.ts';
import type { Made } from './settings.ts';

/** The settings of a file, by name. Throws InvalidInput with the line for what is none. */
export function readSettingsFile(path: string, from: 'folder' | 'home'): readonly (readonly [string, Made])[] {
  const lines = new LineCounter();
  const text = textOf(path);
  const document = parseDocument(text, { lineCounter: lines });
  const lineAt = (offset = 0) => lines.linePos(offset).line;
  const [error] = document.errors;
  if (error !== undefined)
    throw wrong(`${path}:${lineAt(error.pos[0])}`, `is no YAML: ${error.message.split('\n')[0] ?? ''}`);
  if (document.contents === null) return [];
  if (!isMap(document.contents)) throw wrong(`${path}:1`, 'has no settings as `name: value`');
  return document.contents.items.map(({ key, value }) => {
    const name = isScalar(key) ? String(key.value) : '';
    const place = `${path}:${lineAt(isScalar(key) ? key.range?.[0] : 0)}`;
    checkName(name, place, from);
    const given = isScalar(value) ? value.value : undefined;
    if (typeof given !== 'string' && typeof given !== 'number' && typeof given !== 'boolean')
      throw wrong(place, `${name} is not one value`);
    return [name, { value: String(given), origin: place, from }];
  });
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new AppError('InvalidInput', `cannot read ${path}: ${fileProblem(cause)}`, { cause });
  }
}

function checkName(name: string, place: string, from: 'folder' | 'home'): void {
  const setting = Object.hasOwn(settings, name) ? settings[name] : undefined;
  if (setting === undefined) {
    throw wrong(place, `there is no setting ${JSON.stringify(name.slice(0, 100))}`, name);
  }
  if (from === 'folder' && setting.ownFileOnly === true)
    throw new AppError(
      'InvalidInput',
      `${place}: ${name} can start programs or work, so it is not taken from this folder`,
      {
        field: name,
        next: `--${name}, ${variableOf(name)}, or your own file (fist config view --show-origin)`,
      },
    );
}

function wrong(place: string, what: string, name = ''): AppError {
  const known = Object.keys(settings);
  return new AppError('InvalidInput', `${place}: ${what}`, {
    next: nextOfUnknown(name, known, `settings are ${known.join(', ')}`),
  });
}
