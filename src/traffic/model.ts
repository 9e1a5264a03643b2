import { type Static, Type } from "@sinclair/typebox";

/** Shapes of traffic answers. The only file of this feature that the client may see. */

const Item = Type.Object({ item: Type.String(), count: Type.Integer(), bytes: Type.Integer() });

const Counts = {
  requests: Type.Integer(),
  /** HTML documents. */
  pages: Type.Integer(),
  visitors: Type.Integer(),
  bytes: Type.Integer(),
  /** Requests of bots, counted in nothing else. */
  bots: Type.Integer(),
};

/** Traffic of a site over some days. Days and hours are UTC. */
export const Traffic = Type.Object({
  /** `YYYY-MM-DD`, both included. */
  from: Type.String(),
  to: Type.String(),
  total: Type.Object(Counts),
  /** One entry a day, without gaps, oldest first. */
  days: Type.Array(Type.Object({ day: Type.String(), ...Counts })),
  /** One entry an hour of the last two days, without gaps. */
  hours: Type.Array(Type.Object({ hour: Type.String({ format: "date-time" }), ...Counts })),
  /** The most frequent, at most 50 each. */
  paths: Type.Array(Item),
  referrers: Type.Array(Item),
  statuses: Type.Array(Item),
  /** ISO 3166 codes; empty where the operator gave no database. */
  countries: Type.Array(Item),
});
export type Traffic = Static<typeof Traffic>;
