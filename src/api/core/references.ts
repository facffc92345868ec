import type { Infer } from '#apimachinery/schema.ts';
import { quantity, string, struct } from '#apimachinery/schema.ts';

export const LocalObjectReference = struct('io.k8s.api.core.v1.LocalObjectReference', {
  name: string(1, { default: '', published: true }),
}, { atomic: true });
export interface LocalObjectReference extends Infer<typeof LocalObjectReference> {}

export const ObjectFieldSelector = struct('io.k8s.api.core.v1.ObjectFieldSelector', {
  apiVersion: string(1, { default: 'v1' }),
  fieldPath: string(2, { required: true }),
}, { atomic: true });
export interface ObjectFieldSelector extends Infer<typeof ObjectFieldSelector> {}

export const ResourceFieldSelector = struct('io.k8s.api.core.v1.ResourceFieldSelector', {
  containerName: string(1),
  resource: string(2, { required: true }),
  /** Always written: zero stands for the natural unit. */
  divisor: quantity(3, { default: '0' }),
}, { atomic: true });
export interface ResourceFieldSelector extends Infer<typeof ResourceFieldSelector> {}

export const TypedLocalObjectReference = struct('io.k8s.api.core.v1.TypedLocalObjectReference', {
  apiGroup: string(1, { always: true, pointer: true }),
  kind: string(2, { required: true }),
  name: string(3, { required: true }),
}, { atomic: true });
export interface TypedLocalObjectReference extends Infer<typeof TypedLocalObjectReference> {}

export const TypedObjectReference = struct('io.k8s.api.core.v1.TypedObjectReference', {
  apiGroup: string(1, { always: true, pointer: true }),
  kind: string(2, { required: true }),
  name: string(3, { required: true }),
  namespace: string(4, { pointer: true }),
});
export interface TypedObjectReference extends Infer<typeof TypedObjectReference> {}

export const SecretReference = struct('io.k8s.api.core.v1.SecretReference', {
  name: string(1),
  namespace: string(2),
}, { atomic: true });
export interface SecretReference extends Infer<typeof SecretReference> {}

export const ObjectReference = struct('io.k8s.api.core.v1.ObjectReference', {
  kind: string(1),
  namespace: string(2),
  name: string(3),
  uid: string(4),
  apiVersion: string(5),
  resourceVersion: string(6),
  fieldPath: string(7),
}, { atomic: true });
export interface ObjectReference extends Infer<typeof ObjectReference> {}
