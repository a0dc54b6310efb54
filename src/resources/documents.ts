import { isMap, isScalar, isSeq } from 'yaml';
import type { Document, ParsedNode } from 'yaml';
import { finish } from '../lib/turns.ts';
import type { Pieces } from '../lib/turns.ts';
import { offsetInSource } from './position.ts';
import { fieldName } from './problem.ts';
import type { Issue, Problem } from './problem.ts';
import { parseYaml } from '../lib/yaml.ts';
import type { YamlPart } from '../lib/yaml.ts';

/** One object of a YAML file: a document, or an item of a `kind: List`. */
export interface ResourceDocument {
  readonly file: string;
  /** Line where the object begins, from 1. */
  readonly line: number;
  readonly value: Readonly<Record<string, unknown>>;
  /** Gives an issue its place in the file. A field that is not there stands at its nearest parent. */
  locate(issue: Issue): Problem;
}

export interface ParsedFile {
  readonly documents: readonly ResourceDocument[];
  /** Syntax errors. A document with one is not in `documents`. */
  readonly problems: readonly Problem[];
}

/** More nodes than that through aliases is an attack, not a configuration. */
const maxAliasCount = 100;

/** Of one document; who has more has them when these are mended. */
const mostProblems = 100;

/** Reads all YAML documents of a text. Never throws. */
export function parseDocuments(file: string, text: string): ParsedFile {
  return finish(parseDocumentsInPieces(file, text));
}

/** As {@link parseDocuments}; no piece takes long. */
export function* parseDocumentsInPieces(file: string, text: string): Pieces<ParsedFile> {
  const problems: Problem[] = [];
  const documents: ResourceDocument[] = [];
  for (const part of yield* parseYaml(text)) {
    for (const { offset, message } of part.errors.slice(0, mostProblems))
      problems.push(syntaxProblem(file, part, offset, message));
    for (const document of part.documents) {
      if (isEmpty(document)) continue;
      try {
        documents.push(...objectsOf(file, part, document));
      } catch (thrown) {
        const message = thrown instanceof Error ? thrown.message : String(thrown);
        problems.push(syntaxProblem(file, part, document.range[0], message));
      }
      yield;
    }
  }
  return { documents, problems };
}

function isEmpty(document: Document.Parsed): boolean {
  const { contents } = document;
  return contents === null || (isScalar(contents) && contents.value === null);
}

function objectsOf(file: string, part: YamlPart, document: Document.Parsed): ResourceDocument[] {
  const value: unknown = document.toJS({ maxAliasCount });
  const root = { file, part, node: document.contents as ParsedNode };
  if (
    isRecord(value) &&
    typeof value['kind'] === 'string' &&
    value['kind'].endsWith('List') &&
    Array.isArray(value['items'])
  ) {
    return value['items'].map((item, index) => resourceDocument(root, item, ['items', index]));
  }
  return [resourceDocument(root, value, [])];
}

interface Root {
  readonly file: string;
  readonly part: YamlPart;
  readonly node: ParsedNode;
}

function resourceDocument(root: Root, value: unknown, prefix: readonly (string | number)[]): ResourceDocument {
  const { file, part } = root;
  const begin = nodeAt(root.node, prefix).start;
  return {
    file,
    line: placeOf(part, begin).line,
    value: isRecord(value) ? value : {},
    locate(issue) {
      const found = nodeAt(root.node, [...prefix, ...issue.path], issue.atKey === true);
      const offset =
        issue.offset !== undefined && found.exact && isScalar(found.node)
          ? offsetInSource(part.text, found.node, issue.offset)
          : found.start;
      const { severity, message, next, beyond } = issue;
      return {
        file,
        ...placeOf(part, offset),
        severity,
        message,
        field: fieldName(issue.path),
        ...(next === undefined ? {} : { next }),
        ...(beyond === undefined ? {} : { beyond }),
      };
    },
  };
}

/** The node at a path, or the key of the nearest parent that is there. */
function nodeAt(
  root: ParsedNode,
  path: readonly (string | number)[],
  atKey = false,
): { readonly node: unknown; readonly start: number; readonly exact: boolean } {
  let node: unknown = root;
  let start = root.range[0];
  for (const [depth, part] of path.entries()) {
    const last = depth === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
      if (pair === undefined) return { node, start, exact: false };
      node = pair.value;
      start = (last && !atKey ? startOf(pair.value) : undefined) ?? startOf(pair.key) ?? start;
    } else if (isSeq(node) && typeof part === 'number' && node.items[part] !== undefined) {
      node = node.items[part];
      start = startOf(node) ?? start;
    } else return { node, start, exact: false };
  }
  return { node, start, exact: true };
}

function startOf(node: unknown): number | undefined {
  return isMap(node) || isSeq(node) || isScalar(node) ? node.range?.[0] : undefined;
}

function placeOf({ lines, linesBefore }: YamlPart, offset: number): { readonly line: number; readonly column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: linesBefore + line, column: col };
}

function syntaxProblem(file: string, part: YamlPart, offset: number, message: string): Problem {
  return {
    file,
    ...placeOf(part, offset),
    severity: 'error',
    beyond: 'Yaml',
    message: `YAML: ${message}`,
    field: '',
    next: 'nothing of this document is used until it parses',
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
