import { derivationOrder } from "./explain.ts";
import type { Incompatibility } from "./incompatibility.ts";
import type { ProofStep } from "./model.ts";
import { ABSENT } from "./sets.ts";
import { nameText, rangeText, reasonOf, statementOf } from "./wording.ts";

/** The derivation of a failure as plain data, each step after those it rests on. */
export function proofOf(failure: Incompatibility): ProofStep[] {
  const order = derivationOrder(failure);
  const steps = new Map(order.map((node, index) => [node, index + 1]));
  return order.map((node): ProofStep => {
    const { cause } = node;
    const step = steps.get(node) ?? 0;
    const says = statementOf(node);
    const terms = node.terms.map(({ slot: { pack }, set }) => {
      const installed = (set & ABSENT) === 0n;
      const versions = rangeText(pack, installed ? set : pack.full & ~set);
      return { package: nameText(pack), installed, versions: pack.isRoot ? "*" : versions };
    });
    if (cause.kind !== "derived") return { step, says, terms, reason: reasonOf(cause) };
    const because: [number, number] = [steps.get(cause.first) ?? 0, steps.get(cause.second) ?? 0];
    return { step, says, terms, because };
  });
}
