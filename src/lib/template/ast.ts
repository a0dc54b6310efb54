/**
 * The syntax tree of a template. Every node has `offset`, its first character in the source; `positionAt` makes a line and
 * column of it. The tree is plain data, so that lint can walk it without executing anything.
 */
interface At {
  readonly offset: number;
}

/** Literal text between actions, after trimming. */
export interface TextNode extends At {
  readonly kind: 'text';
  readonly text: string;
}

/** `{{ pipeline }}`: prints its value unless it only declares or assigns variables. */
export interface ActionNode extends At {
  readonly kind: 'action';
  readonly pipe: Pipeline;
}

/** `if`, `with` and `range`, with their branches. */
export interface ControlNode extends At {
  readonly kind: 'if' | 'with' | 'range';
  readonly pipe: Pipeline;
  readonly body: readonly TemplateNode[];
  readonly otherwise: readonly TemplateNode[];
}

/** `{{ template "name" pipeline }}`; `block` is a definition and such a call. */
export interface CallNode extends At {
  readonly kind: 'template';
  readonly name: string;
  readonly pipe: Pipeline | undefined;
}

/** `{{ break }}` and `{{ continue }}`. */
export interface JumpNode extends At {
  readonly kind: 'break' | 'continue';
}

export type TemplateNode = TextNode | ActionNode | ControlNode | CallNode | JumpNode;

/** A step of a field chain: a name, or the number in `[n]`. */
export type PathStep = string | number;

export interface Pipeline extends At {
  readonly kind: 'pipe';
  /** Names of the declared or assigned variables with their `$`; two only in `range`. */
  readonly variables: readonly string[];
  /** `=` where true, `:=` otherwise. */
  readonly assigns: boolean;
  readonly commands: readonly Command[];
  /** Where the pipeline ends in the source. */
  readonly end: number;
}

/** A function or operand with its arguments. */
export interface Command extends At {
  readonly operands: readonly [Operand, ...Operand[]];
}

export interface FieldNode extends At {
  readonly kind: 'field';
  readonly path: readonly PathStep[];
}

export interface VariableNode extends At {
  readonly kind: 'variable';
  /** With its `$`. */
  readonly name: string;
  readonly path: readonly PathStep[];
}

/** A field of something in parentheses: `(index .alerts 0).labels`. */
export interface ChainNode extends At {
  readonly kind: 'chain';
  readonly operand: Operand;
  readonly path: readonly PathStep[];
}

export interface FunctionNode extends At {
  readonly kind: 'function';
  readonly name: string;
}

/** `true`, `"text"` and the like; numbers have their own node. */
export interface ConstantNode extends At {
  readonly kind: 'constant';
  readonly value: string | boolean;
}

export interface NumberNode extends At {
  readonly kind: 'number';
  /** The value where any type fits: a Go int (bigint) or float64; undefined where an int would overflow. */
  readonly value: unknown;
  /** The value where a whole number is wanted: `2.0` is one. */
  readonly whole: bigint | undefined;
  readonly text: string;
}

export interface DotNode extends At {
  readonly kind: 'dot';
}

export interface NilNode extends At {
  readonly kind: 'nil';
}

export type Operand =
  | FieldNode
  | VariableNode
  | ChainNode
  | FunctionNode
  | ConstantNode
  | NumberNode
  | DotNode
  | NilNode
  | Pipeline;

/** A parsed template. Immutable, and shared by the cache. */
export interface Template {
  readonly name: string;
  readonly source: string;
  readonly root: readonly TemplateNode[];
  /** What `define` and `block` declare. Unlike Go's, the root is not among them. */
  readonly definitions: ReadonlyMap<string, readonly TemplateNode[]>;
}
