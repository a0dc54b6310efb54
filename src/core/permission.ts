/** One rule of a role of Kubernetes (rbac.authorization.k8s.io/v1 PolicyRule): what a part of this program needs. */
export interface Permission {
  /** Empty text = the core group. */
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  /** Only of these; absent = of all. */
  readonly resourceNames?: readonly string[];
}
