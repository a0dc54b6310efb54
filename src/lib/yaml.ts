import { Composer, isScalar, Lexer, LineCounter, Parser, visit } from 'yaml';
import type { CST, Document } from 'yaml';
import type { Pieces } from './turns.ts';

/** Lexemes of one document: some 5,000 lines of a Workflow. One document is composed in one go. */
const mostLexemes = 15_000;
/** Characters of one document: no cluster stores a larger one. */
const mostCharacters = 1024 * 1024;
/** Flow collections within each other; a deeper one is no configuration. */
const mostFlows = 100;
/** Lexemes from one yield to the next. */
const lexemesAtOnce = 2000;

/** A text between two document markers, with what the YAML library made of it. */
export interface YamlPart {
  readonly text: string;
  /** Lines of the file before it. */
  readonly linesBefore: number;
  readonly lines: LineCounter;
  readonly documents: readonly Document.Parsed[];
  /** What is wrong, with offsets in `text`; then there are no documents. */
  readonly errors: readonly { readonly offset: number; readonly message: string }[];
}

/** Parses a file document by document. Time is linear in its length, and no document takes long. Never throws. */
export function* parseYaml(text: string): Pieces<readonly YamlPart[]> {
  const parts: YamlPart[] = [];
  for (const { part, linesBefore } of splitDocuments(text)) {
    parts.push(yield* parsePart(part, linesBefore));
    yield;
  }
  return parts;
}

/**
 * A marker at the beginning of a line ends whatever stands before it (YAML 1.2.2, 9.1.2), so the parts can be read by
 * themselves. Directives and comments belong to what follows.
 */
function* splitDocuments(text: string): Generator<{ readonly part: string; readonly linesBefore: number }> {
  let start = 0;
  let linesBefore = 0;
  for (const { index } of text.matchAll(/^---(?=[ \t\r\n]|$)/gm)) {
    const part = text.slice(start, index);
    if (!/^(?!#|%|\s*$)/m.test(part)) continue;
    yield { part, linesBefore };
    linesBefore += part.split('\n').length - 1;
    start = index;
  }
  yield { part: text.slice(start), linesBefore };
}

function* parsePart(text: string, linesBefore: number): Pieces<YamlPart> {
  const lines = new LineCounter();
  lines.addNewLine(0);
  const failed = (offset: number, message: string): YamlPart => ({
    text,
    linesBefore,
    lines,
    documents: [],
    errors: [{ offset, message }],
  });
  if (text.length > mostCharacters) return failed(0, `The document has more than ${mostCharacters} characters`);
  const parser = new Parser(lines.addNewLine);
  const tokens: CST.Token[] = [];
  let count = 0;
  let offset = 0;
  let flows = 0;
  for (const lexeme of new Lexer().lex(text)) {
    count += 1;
    if (count > mostLexemes) return failed(offset, `The document has more than ${mostLexemes} parts`);
    if (lexeme === '[' || lexeme === '{') flows += 1;
    if (lexeme === ']' || lexeme === '}') flows -= 1;
    if (flows > mostFlows) return failed(offset, `Collections stand more than ${mostFlows} deep in each other`);
    tokens.push(...parser.next(lexeme));
    offset += isMark(lexeme) ? 0 : lexeme.length;
    if (count % lexemesAtOnce === 0) yield;
  }
  tokens.push(...parser.end());
  yield;
  try {
    const documents = [...new Composer({ lineCounter: lines, uniqueKeys: false }).compose(tokens)];
    const errors = documents.flatMap((document) =>
      document.errors.map((error) => ({ offset: error.pos[0], message: error.message })),
    );
    const repeated = errors.length > 0 ? [] : documents.flatMap(repeatedKeys);
    errors.push(...repeated.map((at) => ({ offset: at, message: 'Map keys must be unique' })));
    return { text, linesBefore, lines, documents: errors.length > 0 ? [] : documents, errors };
  } catch (thrown) {
    // Block collections that stand in each other thousands of times exhaust the stack.
    return failed(0, thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/** Marks that the lexer puts between lexemes; they stand for no text. */
function isMark(lexeme: string): boolean {
  return lexeme === '\u0002' || lexeme === '\u0018' || lexeme === '\u001f';
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
