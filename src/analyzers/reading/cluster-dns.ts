import type { KubernetesObject } from '../../core/cluster.ts';
import type { AnalyzerIo } from '../define.ts';
import { listAt, numberAt } from './fields.ts';

/** The Services that answer the questions for names in a cluster; empty where none is known or they cannot be read. */
export async function clusterDns(io: AnalyzerIo): Promise<readonly KubernetesObject[]> {
  const services = await io.list('services', 'kube-system');
  return services.kind === 'ok' ? services.value.filter(answersNames) : [];
}

function answersNames({ metadata, spec }: KubernetesObject): boolean {
  const ports = listAt(spec, 'ports');
  return (
    metadata.labels?.['k8s-app'] === 'kube-dns' ||
    (/dns/.test(metadata.name) && (ports.length === 0 || ports.some((one) => numberAt(one, 'port') === 53)))
  );
}
