import type { Invite, NewInvite } from "#accounts/model.ts";
import type { Html } from "#html/html.ts";

import type { Frame } from "./layout.tsx";
import { Ago, Badge, CodeLine, Csrf, Empty, Field, Table } from "./ui.tsx";

type InvitesProps = {
  frame: Frame;
  invites: readonly Invite[];
  newInvite?: NewInvite | undefined;
};

/** Invitations, for admins: the list, the one just made, and the button for another. */
export function Invites({ frame, invites, newInvite }: InvitesProps): Html {
  return (
    <section class="part" aria-labelledby="invites">
      <h2 id="invites">Invitations</h2>
      <p class="soft">Each code makes one account on this server.</p>
      {newInvite && (
        <div class="secret" role="status">
          <p>
            <strong>The invitation is made.</strong> Copy its code now: it is not shown again.
          </p>
          <CodeLine code={newInvite.code} label="the invitation code" />
        </div>
      )}
      {invites.length === 0 ? (
        <Empty title="No invitations" />
      ) : (
        <InviteTable {...{ frame, invites }} />
      )}
      <form class="card row" method="post" action="/settings/invites">
        <Csrf token={frame.csrf} />
        <Field
          name="note"
          label="Note"
          maxlength={128}
          autocomplete="off"
          hint="For whom it is. Only admins see it."
        />
        <button class="button">Make invitation</button>
      </form>
    </section>
  );
}

function InviteTable({ frame, invites }: InvitesProps): Html {
  return (
    <Table label="Invitations" head={["Note", "Made", "State", ""]} isStacked>
      {invites.map((one) => (
        <tr>
          <th scope="row">{one.note || "–"}</th>
          <td data-label="Made">
            <Ago at={one.createdAt} now={frame.now} />
          </td>
          <td data-label="State">
            <InviteState invite={one} now={frame.now} />
          </td>
          <td>
            {one.usedBy === null && (
              <form method="post" action={`/settings/invites/${encodeURIComponent(one.id)}/revoke`}>
                <Csrf token={frame.csrf} />
                <button class="button small danger" aria-label={`Take invitation ${one.note} back`}>
                  Take back
                </button>
              </form>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}

function InviteState({ invite, now }: { invite: Invite; now: Date }): Html {
  if (invite.usedBy !== null) return <span>used by {invite.usedBy}</span>;
  if (invite.expiresAt === null) return <Badge kind="good">open</Badge>;
  if (Date.parse(invite.expiresAt) <= now.getTime()) return <Badge>expired</Badge>;
  return (
    <span>
      <Badge kind="good">open</Badge> until <Ago at={invite.expiresAt} now={now} />
    </span>
  );
}
