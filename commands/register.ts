import { parseUserName } from "#base/names.ts";

import { askText } from "./ask.ts";
import { defineCommand } from "./command.ts";
import { connect } from "./connect.ts";
import { accountArgs, keepCredential, settleNewPassword, settleUserName } from "./password.ts";

/** Makes an account, signs in and keeps the credential for this registry. */
export default defineCommand({
  more: "You are signed in afterwards. The first account of a server is its admin.",
  examples: [
    "land register",
    "land register --username ada --email ada@example.com --password-stdin < password.txt",
  ],
  args: {
    ...accountArgs,
    email: { type: "text", value: "ADDRESS", about: "E-mail address" },
    code: { type: "text", value: "CODE", about: "Invitation code, where the server wants one" },
  },
  async run(context, args) {
    const connection = await connect(context, { anonymous: true });
    const username = await settleUserName(context, args.username, parseUserName);
    const question = { flag: "--email", what: "the e-mail address", message: "E-mail address" };
    const email = args.email ?? (await askText(context, question));
    const password = await settleNewPassword(context, args.passwordStdin);
    const { code } = args;
    const body = { username, email, password, ...(code !== undefined && { code }) };
    const signedIn = await connection.remote.register(body);
    const outcome = await keepCredential(context, connection, signedIn);
    context.say(`Made the account ${signedIn.user.name} on ${connection.registry}, and signed in`);
    return outcome;
  },
});
