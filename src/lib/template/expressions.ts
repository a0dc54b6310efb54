import type { Command, NumberNode, Operand, PathStep, Pipeline } from './ast.ts';
import { enter, fail, nextVisible, peek, peekVisible, unexpected } from './cursor.ts';
import type { Parser } from './cursor.ts';
import { unknownFunction } from './functions/index.ts';
import type { Token } from './lexer.ts';
import { fitsInt64, parseGoFloat, parseGoInteger } from './number.ts';
import { unquoteGo } from './quote.ts';
import { float64 } from './values.ts';

/** Operands that can start only the first command of a pipeline. */
const notExecutable = new Set(['constant', 'dot', 'nil', 'number']);

/** A pipeline up to its closing braces or parenthesis, which is taken. */
export function parsePipeline(parser: Parser, where: string, closing: 'right' | 'close'): Pipeline {
  enter(parser);
  const { offset } = peekVisible(parser);
  const { variables, assigns } = parseDeclarations(parser, where);
  const commands: Command[] = [];
  let token = peekVisible(parser);
  while (token.kind !== closing) {
    const command = parseCommand(parser, where);
    if (commands.length > 0 && notExecutable.has(command.operands[0].kind)) {
      fail(parser, `stage ${commands.length + 1} of the pipeline is neither a function nor a field`, command.offset);
    }
    commands.push(command);
    token = peekVisible(parser);
  }
  if (commands.length === 0) fail(parser, `a value is missing in ${where}`, token);
  parser.index += 1;
  parser.nesting -= 1;
  return { kind: 'pipe', variables, assigns, commands, offset, end: token.offset };
}

/** A function or operand with its arguments, up to the next `|` (which is taken) or the end of the pipeline. */
function parseCommand(parser: Parser, where: string): Command {
  const { offset } = peekVisible(parser);
  const first = parseOperand(parser) ?? unexpected(parser, peek(parser), where);
  const rest: Operand[] = [];
  for (let token = peek(parser); token.kind !== 'right' && token.kind !== 'close'; token = peek(parser)) {
    parser.index += 1;
    if (token.kind === 'pipe') break;
    if (token.kind !== 'space') unexpected(parser, token, 'operand');
    const operand = parseOperand(parser);
    if (operand !== undefined) rest.push(operand);
  }
  return { operands: [first, ...rest], offset };
}

/** `$x :=`, `$x =` and in a range `$index, $element :=`. */
function parseDeclarations(parser: Parser, where: string): { variables: readonly string[]; assigns: boolean } {
  const variables: string[] = [];
  for (;;) {
    const start = parser.index;
    const token = peekVisible(parser);
    if (token.kind !== 'variable') break;
    parser.index += 1;
    const follows = peekVisible(parser);
    if (follows.kind === 'assign' || follows.kind === 'declare') {
      parser.index += 1;
      variables.push(token.text);
      parser.variables.push(token.text);
      return { variables, assigns: follows.kind === 'assign' };
    }
    if (follows.kind !== 'other' || follows.text !== ',') {
      parser.index = start;
      break;
    }
    parser.index += 1;
    variables.push(token.text);
    parser.variables.push(token.text);
    if (where !== 'range' || variables.length > 1) fail(parser, `too many variables in ${where}`, token);
    if (peekVisible(parser).kind !== 'variable') fail(parser, 'range can only initialize variables', peek(parser));
  }
  return { variables, assigns: false };
}

/** An operand with the fields behind it, or `undefined` where none starts here. */
function parseOperand(parser: Parser): Operand | undefined {
  const operand = parseTerm(parser);
  if (operand === undefined) return undefined;
  const path = parsePath(parser);
  if (path.length === 0) return operand;
  if (operand.kind === 'field' || operand.kind === 'variable') return { ...operand, path: [...operand.path, ...path] };
  if (operand.kind === 'constant' || operand.kind === 'number' || operand.kind === 'nil' || operand.kind === 'dot') {
    fail(parser, 'a constant has no fields', operand.offset);
  }
  return { kind: 'chain', operand, path, offset: operand.offset };
}

function parsePath(parser: Parser): readonly PathStep[] {
  const path: PathStep[] = [];
  for (let token = peek(parser); token.kind === 'field' || token.kind === 'index'; token = peek(parser)) {
    parser.index += 1;
    path.push(token.kind === 'field' ? token.text.slice(1) : Number(token.text.slice(1, -1)));
  }
  return path;
}

function parseTerm(parser: Parser): Operand | undefined {
  const token = nextVisible(parser);
  const { kind, text, offset } = token;
  switch (kind) {
    case 'identifier':
      if (!parser.functionNames.has(text)) fail(parser, unknownFunction(text), token);
      return { kind: 'function', name: text, offset };
    case 'field':
      return { kind, path: [text.slice(1)], offset };
    case 'variable':
      if (!parser.variables.includes(text)) fail(parser, `undefined variable ${JSON.stringify(text)}`, token);
      return { kind, name: text, path: [], offset };
    case 'dot':
      return peek(parser).kind === 'index' ? { kind: 'field', path: [], offset } : { kind, offset };
    case 'nil':
      return { kind, offset };
    case 'bool':
      return { kind: 'constant', value: text === 'true', offset };
    case 'raw':
      return { kind: 'constant', value: text.slice(1, -1).replaceAll('\r', ''), offset };
    case 'string': {
      const value = unquoteGo(text.slice(1, -1), '"');
      return value === undefined
        ? fail(parser, `${text} has an invalid escape`, token)
        : { kind: 'constant', value, offset };
    }
    case 'character':
      return parseCharacter(parser, token);
    case 'number':
      return parseNumber(parser, token);
    case 'open':
      return parsePipeline(parser, 'parentheses', 'close');
    default:
      parser.index -= 1;
      return undefined;
  }
}

function parseCharacter(parser: Parser, token: Token): NumberNode {
  const text = unquoteGo(token.text.slice(1, -1), "'");
  const codePoint = text?.codePointAt(0);
  if (text === undefined || codePoint === undefined || String.fromCodePoint(codePoint) !== text) {
    return fail(parser, `${token.text} is not one character; write text in double quotes`, token);
  }
  const value = BigInt(codePoint);
  return { kind: 'number', value, whole: value, text: token.text, offset: token.offset };
}

/** A Go constant: an int unless it is written with a point or exponent; `2.0` also serves where an int is wanted. */
function parseNumber(parser: Parser, token: Token): NumberNode {
  const { text, offset } = token;
  const integer = parseGoInteger(text);
  if (integer !== undefined) {
    if (integer > 2n ** 64n - 1n || integer < -(2n ** 63n)) fail(parser, `${text} overflows an integer`, token);
    // Between 2^63 and 2^64 Go parses a constant that it then cannot use.
    const value = fitsInt64(integer) ? integer : undefined;
    return { kind: 'number', value, whole: value, text, offset };
  }
  const float = parseGoFloat(text);
  if (float === undefined) fail(parser, `${JSON.stringify(text)} is not a number`, token);
  if (!/[.eEpP]/.test(text)) fail(parser, `${JSON.stringify(text)} is not a whole number`, token);
  const whole = Number.isInteger(float) && fitsInt64(BigInt(float)) ? BigInt(float) : undefined;
  return { kind: 'number', value: float64(float), whole, text, offset };
}
