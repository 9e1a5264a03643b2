import { defineCommand } from "./command.ts";
import { connect } from "./connect.ts";
import { accountArgs, keepCredential, settlePassword, settleUserName } from "./password.ts";

/** Signs in and keeps the credential for this registry. */
export default defineCommand({
  more: "The credential is kept for this registry alone. Programs use LAND_TOKEN with a token instead.",
  examples: ["land login", "land login --username ada --password-stdin < password.txt"],
  args: accountArgs,
  async run(context, args) {
    const connection = await connect(context, { anonymous: true });
    const username = await settleUserName(context, args.username);
    const password = await settlePassword(context, args.passwordStdin);
    const signedIn = await connection.remote.login({ username, password });
    const outcome = await keepCredential(context, connection, signedIn);
    context.say(`Signed in to ${connection.registry} as ${signedIn.user.name}`);
    return outcome;
  },
});
