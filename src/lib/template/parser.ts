import type { ControlNode, Template, TemplateNode } from './ast.ts';
import { enter, fail, next, nextVisible, peek, peekVisible, unexpected } from './cursor.ts';
import type { Parser } from './cursor.ts';
import { parsePipeline } from './expressions.ts';
import { tokenize } from './lexer.ts';
import type { Token, TokenKind } from './lexer.ts';
import { unquoteGo } from './quote.ts';

const maximumSourceCharacters = 256 * 1024;
/** Parses after the rules of Go's text/template/parse. Throws TemplateError. */
export function parse(source: string, name: string, functionNames: ReadonlySet<string>): Template {
  const parser: Parser = {
    name,
    source,
    tokens: source.length > maximumSourceCharacters ? [] : tokenize(source),
    functionNames,
    definitions: new Map(),
    variables: ['$'],
    index: 0,
    loops: 0,
    nesting: 0,
  };
  if (source.length > maximumSourceCharacters) {
    fail(parser, `the template has ${source.length} characters; at most ${maximumSourceCharacters} are allowed`, 0);
  }
  const root: TemplateNode[] = [];
  while (peekVisible(parser).kind !== 'end') {
    if (peekDefine(parser)) parseDefinition(parser);
    else {
      const node = parseNode(parser);
      if (isClosing(node)) fail(parser, `unexpected {{${node.keyword}}}`, node.offset);
      root.push(node);
    }
  }
  return { name, source, root, definitions: parser.definitions };
}

/** `{{end}}` and `{{else}}`, which end a list of nodes. */
interface Closing {
  readonly keyword: 'end' | 'else';
  readonly offset: number;
}

function isClosing(node: TemplateNode | Closing): node is Closing {
  return 'keyword' in node;
}

function expect(parser: Parser, kind: TokenKind, where: string): Token {
  const token = nextVisible(parser);
  return token.kind === kind ? token : unexpected(parser, token, where);
}

function peekDefine(parser: Parser): boolean {
  const start = parser.index;
  const isDefine = next(parser).kind === 'left' && isKeyword(nextVisible(parser), 'define');
  if (!isDefine) parser.index = start;
  return isDefine;
}

function isKeyword(token: Token, word: string): boolean {
  return token.kind === 'keyword' && token.text === word;
}

function parseDefinition(parser: Parser): void {
  const name = parseName(parser, 'define');
  expect(parser, 'right', 'define');
  parseSeparately(parser, name, 'define');
}

/** The body of a define or block: sees no variables and no loops from outside. */
function parseSeparately(parser: Parser, name: string, where: string): void {
  const { variables, loops, index } = parser;
  parser.variables = ['$'];
  parser.loops = 0;
  const { nodes, closing } = parseNodes(parser);
  if (closing.keyword !== 'end') fail(parser, `unexpected {{else}} in ${where}`, closing.offset);
  parser.variables = variables;
  parser.loops = loops;
  define(parser, name, nodes, parser.tokens[index]?.offset ?? 0);
}

/** A second definition may only replace, or be, one without content. */
function define(parser: Parser, name: string, nodes: readonly TemplateNode[], offset: number): void {
  const existing = parser.definitions.get(name);
  if (existing === undefined || isBlank(existing)) parser.definitions.set(name, nodes);
  else if (!isBlank(nodes)) fail(parser, `template ${JSON.stringify(name)} is defined twice`, offset);
}

function isBlank(nodes: readonly TemplateNode[]): boolean {
  return nodes.every((node) => node.kind === 'text' && node.text.trim() === '');
}

function parseName(parser: Parser, where: string): string {
  const token = nextVisible(parser);
  if (token.kind === 'raw') return token.text.slice(1, -1);
  if (token.kind !== 'string') return unexpected(parser, token, where);
  return unquoteGo(token.text.slice(1, -1), '"') ?? fail(parser, `${token.text} has an invalid escape`, token);
}

/** Nodes up to an `{{end}}` or `{{else}}`, which is taken. */
function parseNodes(parser: Parser): { readonly nodes: readonly TemplateNode[]; readonly closing: Closing } {
  const nodes: TemplateNode[] = [];
  enter(parser);
  while (peekVisible(parser).kind !== 'end') {
    const node = parseNode(parser);
    if (isClosing(node)) {
      parser.nesting -= 1;
      return { nodes, closing: node };
    }
    nodes.push(node);
  }
  return unexpected(parser, peek(parser), 'template');
}

function parseNode(parser: Parser): TemplateNode | Closing {
  const token = nextVisible(parser);
  if (token.kind === 'text') return { kind: 'text', text: token.text, offset: token.offset };
  if (token.kind !== 'left') return unexpected(parser, token, 'template');
  return parseAction(parser, token.offset);
}

function parseAction(parser: Parser, offset: number): TemplateNode | Closing {
  const token = peekVisible(parser);
  if (token.kind === 'keyword' && token.text !== 'define') {
    parser.index += 1;
    return parseKeyword(parser, token, offset);
  }
  return { kind: 'action', pipe: parsePipeline(parser, 'command', 'right'), offset };
}

function parseKeyword(parser: Parser, token: Token, offset: number): TemplateNode | Closing {
  switch (token.text) {
    case 'if':
    case 'with':
    case 'range':
      return parseControl(parser, token.text, offset);
    case 'template':
      return parseCall(parser, offset);
    case 'block':
      return parseBlock(parser, offset);
    case 'break':
    case 'continue':
      expect(parser, 'right', `{{${token.text}}}`);
      if (parser.loops === 0) fail(parser, `{{${token.text}}} outside {{range}}`, token);
      return { kind: token.text, offset };
    case 'else': {
      const follows = peekVisible(parser);
      if (!isKeyword(follows, 'if') && !isKeyword(follows, 'with')) expect(parser, 'right', 'else');
      return { keyword: 'else', offset };
    }
    default:
      expect(parser, 'right', 'end');
      return { keyword: 'end', offset };
  }
}

function parseControl(parser: Parser, kind: ControlNode['kind'], offset: number): ControlNode {
  const visible = parser.variables.length;
  const pipe = parsePipeline(parser, kind, 'right');
  if (kind === 'range') parser.loops += 1;
  const { nodes: body, closing } = parseNodes(parser);
  if (kind === 'range') parser.loops -= 1;
  const otherwise = closing.keyword === 'else' ? parseElse(parser, kind) : [];
  parser.variables.length = visible;
  return { kind, pipe, body, otherwise, offset };
}

/** `else if` in an if and `else with` in a with are one nested block that shares the `{{end}}`. */
function parseElse(parser: Parser, kind: ControlNode['kind']): readonly TemplateNode[] {
  const token = peek(parser);
  if (kind !== 'range' && isKeyword(token, kind)) {
    parser.index += 1;
    enter(parser);
    const nested = parseControl(parser, kind, token.offset);
    parser.nesting -= 1;
    return [nested];
  }
  const { nodes, closing } = parseNodes(parser);
  if (closing.keyword === 'else') fail(parser, 'expected {{end}}, found a second {{else}}', closing.offset);
  return nodes;
}

function parseCall(parser: Parser, offset: number): TemplateNode {
  const name = parseName(parser, 'template');
  if (peekVisible(parser).kind === 'right') {
    parser.index += 1;
    return { kind: 'template', name, pipe: undefined, offset };
  }
  return { kind: 'template', name, pipe: parsePipeline(parser, 'template', 'right'), offset };
}

function parseBlock(parser: Parser, offset: number): TemplateNode {
  const name = parseName(parser, 'block');
  const pipe = parsePipeline(parser, 'block', 'right');
  parseSeparately(parser, name, 'block');
  return { kind: 'template', name, pipe, offset };
}
