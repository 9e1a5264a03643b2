import type { ServerConfig } from "#base/config.ts";
import type { Log } from "#base/log.ts";
import { type Body, BridgeError, type LinkResponse } from "#bridge/model.ts";
import type { LoadedProgram, ProgramAnswer, ProgramAsk, Programs } from "#sites/serving/program.ts";
import { programTrouble } from "#sites/serving/serve-trouble.tsx";

import type { Supervisor } from "../process/supervisor.ts";
import { refOf } from "../tenant.ts";
import { limitBody, tooLarge } from "./visitor-body.ts";
import { requestHead } from "./visitor-request.ts";
import { createAnswers } from "./visitor-response.ts";
import { troubleOf } from "./visitor-trouble.ts";

/** What answers of programs are made with. */
export type VisitorParts = {
  ctx: {
    config: Pick<ServerConfig, "functions.bodyBytes" | "domain" | "sitesDomain">;
    log: Pick<Log, "error">;
  };
  supervisor: Pick<Supervisor, "request" | "tell">;
  /** Whether a program is one that runs: that of the live deploy, of a young draft. */
  mayRun: (program: LoadedProgram) => boolean;
  /** Answers the handshake of a WebSocket; undefined: the request is none. */
  answerUpgrade?: (ask: ProgramAsk) => Promise<ProgramAnswer> | undefined;
};

/** What is wrong with one answer, of which nobody else tells the site's owner. */
const UNTOLD = new Set(["bad_body", "bad_head", "bad_response", "body_too_large", "protocol"]);
/** A body up to this is read before the program is asked, so that a slow visitor keeps no program waiting. */
const SMALL_BYTES = 64 * 1024;

/** Answers visitors of sites by their programs. */
export function createPrograms(parts: VisitorParts): Programs {
  const { supervisor } = parts;
  const { config, log } = parts.ctx;
  const maxBytes = config["functions.bodyBytes"];
  const answers = createAnswers(config);
  const ask = (asked: ProgramAsk): Promise<LinkResponse> => {
    const { request, program } = asked;
    if (!parts.mayRun(program))
      throw new BridgeError("deploy_not_live", "The deploy is not what visitors get");
    const announced = Number(request.headers.get("content-length") ?? "0");
    if (announced > maxBytes) throw tooLarge(maxBytes);
    const head = requestHead(asked);
    const ref = refOf(asked.site.id, asked.site.name, asked.program);
    if (request.body === null) return supervisor.request(ref, head, null, request.signal);
    const send = (body: Body): Promise<LinkResponse> =>
      supervisor.request(ref, head, body, request.signal);
    return sendBody(request, request.body, { announced, maxBytes }, send);
  };
  const failed = (asked: ProgramAsk, error: unknown): ProgramAnswer => {
    if (!(error instanceof BridgeError))
      log.error("program failed", { site: asked.site.name, cause: error });
    else if (UNTOLD.has(error.code)) tellOwner(supervisor, asked, error);
    return troubleAnswer(asked, error);
  };
  const answered = (asked: ProgramAsk, response: LinkResponse): ProgramAnswer => {
    try {
      return answers.toAnswer(asked.request.method, response, (error) =>
        tellOwner(supervisor, asked, error),
      );
    } catch (error) {
      return failed(asked, error);
    }
  };
  return {
    answer(asked) {
      try {
        const upgrade = parts.answerUpgrade?.(asked);
        if (upgrade) return upgrade.catch((error: unknown) => failed(asked, error));
        return ask(asked).then(
          (response) => answered(asked, response),
          (error: unknown) => failed(asked, error),
        );
      } catch (error) {
        return Promise.resolve(failed(asked, error));
      }
    },
  };
}

function tellOwner(
  supervisor: Pick<Supervisor, "tell">,
  asked: ProgramAsk,
  { code, message }: BridgeError,
): void {
  const { requestId } = asked;
  supervisor.tell(refOf(asked.site.id, asked.site.name, asked.program), {
    // What a visitor did is no fault of the program.
    level: code === "body_too_large" ? "warn" : "error",
    message,
    requestId,
    data: { code },
  });
}

async function sendBody(
  request: Request,
  body: ReadableStream<Uint8Array>,
  { announced, maxBytes }: { announced: number; maxBytes: number },
  send: (body: Body) => Promise<LinkResponse>,
): Promise<LinkResponse> {
  if (announced > 0 && announced <= SMALL_BYTES)
    return send(new Uint8Array(await request.arrayBuffer()));
  const limited = limitBody(body, maxBytes);
  try {
    return await send(limited.body);
  } catch (error) {
    // The program only saw that it broke off.
    throw limited.isOver() ? tooLarge(maxBytes) : error;
  }
}

function troubleAnswer({ request, requestId }: ProgramAsk, error: unknown): ProgramAnswer {
  const response = programTrouble(request, { ...troubleOf(error), requestId });
  return { response, bytes: Number(response.headers.get("content-length") ?? "0") };
}
