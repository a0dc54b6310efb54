import { z } from 'zod';
import { isKubernetesName } from '../../core/cluster.ts';
import { namespaceOf } from '../policy.ts';

// Fields of the input of several tools. Every bound stands in the schema, because servers that sample by a grammar keep those.

const name = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/;

/** The name of an object: it goes into paths of requests and into commands for people. */
export const objectName = z
  .string()
  .max(253)
  .regex(name, 'must be the name of one object: small letters, digits, - and .')
  .refine(isKubernetesName, 'must be the name of one object')
  .describe('Name of the object.');

/** What may stand for a namespace. Whether it may be read is for the policy to say. */
export const namespace = z
  .string()
  .max(63)
  .regex(/^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?|\*|-A|--all-namespaces)?$/, 'must be the name of one namespace')
  .optional()
  .describe('Namespace; only absent for nodes and other kinds without one.');

/** A word of `kubectl`. Whether it names what may be read is for the policy to say. */
export const resource = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[A-Za-z]/, 'must be a kind of objects: pods')
  .describe('Kind, as in kubectl: pods, deployments, events, nodes, configmaps.');

/** What a call reaches for that asks for objects of a kind. */
export function objectReach(input: { readonly resource: string; readonly namespace?: string | undefined }) {
  return { of: 'cluster', resource: input.resource, namespace: namespaceOf(input.namespace) } as const;
}
