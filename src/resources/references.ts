import type { Operand, PathStep, Pipeline, Template, TemplateNode } from '../lib/template/ast.ts';

/** A field chain from the root of the data: `.steps.check.result`. */
export interface RootReference {
  readonly path: readonly PathStep[];
  /** Of its first character in the template. */
  readonly offset: number;
}

/**
 * What a template reads from its root, in order of the text. Chains below `with` and `range` count only from `$`, because
 * the dot is something else there.
 */
export function rootReferences(template: Template): readonly RootReference[] {
  const found: RootReference[] = [];
  walkNodes(template.root, true, found);
  for (const [name, nodes] of template.definitions) if (name !== template.name) walkNodes(nodes, false, found);
  return found;
}

function walkNodes(nodes: readonly TemplateNode[], dotIsRoot: boolean, found: RootReference[]): void {
  for (const node of nodes) {
    if (node.kind === 'action') walkPipeline(node.pipe, dotIsRoot, found);
    else if (node.kind === 'template' && node.pipe !== undefined) walkPipeline(node.pipe, dotIsRoot, found);
    else if (node.kind === 'if' || node.kind === 'with' || node.kind === 'range') {
      walkPipeline(node.pipe, dotIsRoot, found);
      walkNodes(node.body, dotIsRoot && node.kind === 'if', found);
      walkNodes(node.otherwise, dotIsRoot, found);
    }
  }
}

function walkPipeline(pipe: Pipeline, dotIsRoot: boolean, found: RootReference[]): void {
  for (const command of pipe.commands) for (const operand of command.operands) walkOperand(operand, dotIsRoot, found);
}

function walkOperand(operand: Operand, dotIsRoot: boolean, found: RootReference[]): void {
  if (operand.kind === 'field' && dotIsRoot) found.push({ path: operand.path, offset: operand.offset });
  else if (operand.kind === 'variable' && operand.name === '$')
    found.push({ path: operand.path, offset: operand.offset });
  else if (operand.kind === 'chain') walkOperand(operand.operand, dotIsRoot, found);
  else if (operand.kind === 'pipe') walkPipeline(operand, dotIsRoot, found);
}
