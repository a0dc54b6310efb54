import { crdObjects } from './crds.ts';
import type { StructuralNode } from './structural.ts';
import type { ResourceKind } from '../../src/resources/object.ts';

/** A rule of a CRD, for people. */
export interface RuleInfo {
  /** `spec.config.format`. */
  readonly field: string;
  /** Of the resource or the step; empty = all. */
  readonly type: string;
  readonly message: string;
}

/** A step within a step has the rules of a step. */
const branches = /(?<=^spec\.steps\[\])(?:\.(?:then|else|agent))+(?=\.|$)/;

/** The rules of a kind, each once, in the order of the fields; without those that say what a type cannot do without. */
export function rulesOf(kind: ResourceKind): readonly RuleInfo[] {
  const schema = crdObjects().find(({ spec }) => spec.names.kind === kind)?.spec.versions[0]?.schema.openAPIV3Schema;
  const found = new Map<string, RuleInfo>();
  const visit = (node: StructuralNode, path: string): void => {
    for (const { rule, message, fieldPath = '' } of node['x-kubernetes-validations'] ?? []) {
      const type = /^(?:self|\(has\(self)\.type\b.*?!= '([^']+)' \|\| /.exec(rule)?.[1] ?? '';
      const info = { field: `${path}${fieldPath}`.replace(branches, ''), type, message };
      found.set(JSON.stringify(info), info);
    }
    for (const [name, child] of Object.entries(node.properties ?? {})) visit(child, `${path}.${name}`);
    if (node.items !== undefined) visit(node.items, `${path}[]`);
    if (node.additionalProperties !== undefined) visit(node.additionalProperties, `${path}.*`);
  };
  visit(schema?.properties?.['spec'] ?? {}, 'spec');
  return [...found.values()].filter(({ message }) => !/ is required when type is /.test(message));
}
