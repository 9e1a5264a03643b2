import { derivationOrder } from "./explain.ts";
import type { Incompatibility, Term } from "./incompatibility.ts";
import type { ProofStep, ProofTerm } from "./model.ts";
import type { Pack } from "./pack.ts";
import { ABSENT, runsOf, type VersionSet } from "./sets.ts";
import { nameText, rangeText, reasonOf, statementOf, versionAt } from "./wording.ts";

/** The derivation of a failure as plain data, each step after those it rests on. */
export function proofOf(failure: Incompatibility): ProofStep[] {
  const termOf = createTerms();
  const order = derivationOrder(failure);
  const steps = new Map(order.map((node, index) => [node, index + 1]));
  return order.map((node): ProofStep => {
    const { cause } = node;
    const step = steps.get(node) ?? 0;
    const says = statementOf(node);
    const terms = node.terms.map(termOf);
    if (cause.kind !== "derived") return { step, says, terms, reason: reasonOf(cause) };
    const because: [number, number] = [steps.get(cause.first) ?? 0, steps.get(cause.second) ?? 0];
    return { step, says, terms, because };
  });
}

/** Terms as data; a proof has many that are equal, so each is made once. */
function createTerms(): (term: Term) => ProofTerm {
  const made = new Map<Pack, Map<VersionSet, ProofTerm>>();
  return (term) => {
    const { pack } = term.slot;
    const known = made.get(pack) ?? new Map<VersionSet, ProofTerm>();
    made.set(pack, known);
    const told = known.get(term.set) ?? proofTermOf(term);
    known.set(term.set, told);
    return told;
  };
}

function proofTermOf({ slot: { pack }, set }: Term): ProofTerm {
  const name = nameText(pack);
  if (pack.isRoot)
    return { package: name, project: true, installed: true, versions: "*", runs: [] };
  const installed = (set & ABSENT) === 0n;
  const meant = installed ? set : pack.full & ~set;
  const runs = runsOf(meant & ~ABSENT).map(([from, to]): [string, string] => [
    versionAt(pack, from),
    versionAt(pack, to),
  ]);
  return { package: name, installed, versions: rangeText(pack, meant), runs };
}
