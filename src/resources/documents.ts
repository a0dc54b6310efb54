import { isMap, isScalar, isSeq, LineCounter, parseAllDocuments, visit } from 'yaml';
import type { Document, ParsedNode } from 'yaml';
import { offsetInSource } from './position.ts';
import { fieldName } from './problem.ts';
import type { Issue, Problem } from './problem.ts';

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

/** Reads all YAML documents of a text. Never throws. */
export function parseDocuments(file: string, text: string): ParsedFile {
  const lines = new LineCounter();
  const problems: Problem[] = [];
  const documents: ResourceDocument[] = [];
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  for (const document of Array.isArray(parsed) ? parsed : []) {
    for (const error of document.errors) {
      problems.push(syntaxProblem(file, lines, error.pos[0], error.message));
    }
    if (document.errors.length > 0 || isEmpty(document)) continue;
    try {
      const repeated = repeatedKeys(document);
      problems.push(...repeated.map((offset) => syntaxProblem(file, lines, offset, 'Map keys must be unique')));
      if (repeated.length > 0) continue;
      documents.push(...objectsOf(file, text, lines, document));
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      problems.push(syntaxProblem(file, lines, document.range[0], message));
    }
  }
  return { documents, problems };
}

/** Where keys stand that their map has already. The library's own check compares each key with all others. */
function repeatedKeys(document: Document.Parsed): readonly number[] {
  const offsets: number[] = [];
  visit(document, {
    Map(_key, map) {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) offsets.push(key.range?.[0] ?? document.range[0]);
        seen.add(key.value);
      }
    },
  });
  return offsets;
}

function isEmpty(document: Document.Parsed): boolean {
  const { contents } = document;
  return contents === null || (isScalar(contents) && contents.value === null);
}

function objectsOf(file: string, text: string, lines: LineCounter, document: Document.Parsed): ResourceDocument[] {
  const value: unknown = document.toJS({ maxAliasCount });
  const root = { file, text, lines, node: document.contents as ParsedNode };
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
  readonly text: string;
  readonly lines: LineCounter;
  readonly node: ParsedNode;
}

function resourceDocument(root: Root, value: unknown, prefix: readonly (string | number)[]): ResourceDocument {
  const { file, lines } = root;
  const begin = nodeAt(root.node, prefix).start;
  return {
    file,
    line: lines.linePos(begin).line,
    value: isRecord(value) ? value : {},
    locate(issue) {
      const found = nodeAt(root.node, [...prefix, ...issue.path], issue.atKey === true);
      const offset =
        issue.offset !== undefined && found.exact && isScalar(found.node)
          ? offsetInSource(root.text, found.node, issue.offset)
          : found.start;
      const { line, col } = lines.linePos(offset);
      const { severity, message, next } = issue;
      return {
        file,
        line,
        column: col,
        severity,
        message,
        field: fieldName(issue.path),
        ...(next === undefined ? {} : { next }),
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

function syntaxProblem(file: string, lines: LineCounter, offset: number, message: string): Problem {
  const { line, col } = lines.linePos(offset);
  return {
    file,
    line,
    column: col,
    severity: 'error',
    message: `YAML: ${message}`,
    field: '',
    next: 'nothing of this document is used until it parses',
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
