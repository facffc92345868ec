/**
 * The service account in kube-system that each controller writes as, where it differs from the controller's own name.
 * The default roles are bound to these.
 *
 * Source: Kubernetes documentation, "Using RBAC Authorization: roles for built-in controllers".
 */
const accounts: Readonly<Record<string, string>> = {
  'cluster-role-aggregation-controller': 'clusterrole-aggregation-controller',
  'clusterrole-aggregation-controller': 'clusterrole-aggregation-controller',
  'certificatesigningrequest-signing-controller': 'certificate-controller',
  'certificatesigningrequest-approving-controller': 'certificate-controller',
  'certificatesigningrequest-cleaner-controller': 'certificate-controller',
  'daemonset-controller': 'daemon-set-controller',
  'endpoints-controller': 'endpoint-controller',
  'endpointslice-mirroring-controller': 'endpointslicemirroring-controller',
  'garbage-collector-controller': 'generic-garbage-collector',
  'horizontal-pod-autoscaler-controller': 'horizontal-pod-autoscaler',
  'node-ipam-controller': 'node-controller',
  'node-lifecycle-controller': 'node-controller',
  'taint-eviction-controller': 'node-controller',
  'persistentvolume-protection-controller': 'pv-protection-controller',
  'persistentvolumeclaim-protection-controller': 'pvc-protection-controller',
  'pod-garbage-collector-controller': 'pod-garbage-collector',
  'replicationcontroller-controller': 'replication-controller',
  'root-ca-certificate-publisher-controller': 'root-ca-cert-publisher',
  'service-cidr-controller': 'service-cidrs-controller',
  'serviceaccount-controller': 'service-account-controller',
};

/** The name of the service account for a controller, as `--controllers` calls it. */
export function serviceAccountOf(controller: string): string {
  return accounts[controller] ?? controller;
}
