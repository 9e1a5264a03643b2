import { fail, LandError } from "#base/errors.ts";

import { defineCommand } from "./command.ts";
import { connect } from "./connect.ts";

/** Forgets the credential of this registry. */
export default defineCommand({
  more: "Its token is revoked on the registry too, where that can be reached.",
  examples: ["land logout", "land logout --registry https://land.example.com"],
  args: {},
  async run(context) {
    const { remote, registry, credentials, tokenFrom } = await connect(context);
    if (tokenFrom === "environment")
      throw fail("usage", {
        problem: "Cannot sign out: LAND_TOKEN signs in",
        hint: "Unset LAND_TOKEN; `land token revoke` ends a token for all who have it",
      });
    if (tokenFrom === "store")
      await remote.logout().catch((error: unknown) => {
        if (!(error instanceof LandError) || error.code === "cancelled") throw error;
        context.warn(`The token is still valid at ${registry}: ${error.message}`);
      });
    const known = await credentials.remove(registry);
    context.say(known ? `Signed out of ${registry}` : `You were not signed in to ${registry}`);
    return { value: { registry } };
  },
});
