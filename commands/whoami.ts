import { defineCommand } from "./command.ts";
import { connect } from "./connect.ts";

/** Shows the account that the registry sees behind our requests. */
export default defineCommand({
  examples: ["land whoami --json # with the scopes of the token"],
  args: {},
  async run(context) {
    const { remote, registry } = await connect(context);
    const { user, token } = await remote.me();
    return {
      value: { user: user.name, registry, scopes: token?.scopes ?? [] },
      text: user.name,
    };
  },
});
