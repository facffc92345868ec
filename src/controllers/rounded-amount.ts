/** What `25%` of a total is, or the plain number. Source: Kubernetes API reference, IntOrString. */
export function roundedAmount(amount: number | string, total: number, rounding: 'up' | 'down'): number {
  if (typeof amount === 'number') return amount;
  const percent = Number(amount.replace(/%$/, ''));
  if (!amount.endsWith('%') || Number.isNaN(percent)) return 0;
  const exact = (percent * total) / 100;
  return rounding === 'up' ? Math.ceil(exact) : Math.floor(exact);
}
