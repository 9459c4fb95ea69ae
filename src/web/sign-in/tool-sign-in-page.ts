import { answerInQuery, type ReturnedAnswer } from "../../tools/sign-in/authorization-answer.ts";
import { clientMetadata } from "../../tools/sign-in/authorization.ts";
import type { PersonSignIns } from "../../tools/sign-in/person-sign-ins.ts";
import { SignInFailure } from "../../tools/sign-in/sign-in-failure.ts";
import { TOOL_CLIENT, TOOL_SIGN_IN, type Address } from "../address.ts";
import { html, type Html } from "../html.ts";
import { plainPage, type Frame } from "../page.ts";

/** The page to which authorisation servers of tool servers lead people back. It needs no session, and decides nothing for anybody. */
export interface ShownPage {
  readonly status: number;
  readonly page: Html;
}

/** The part of sign-ins that the page needs. */
export type ArrivingPeople = Pick<PersonSignIns, "about" | "arrived">;

/**
 * Shows somebody whose browser is back what will happen. It uses nothing up, so that it may be loaded twice, or by a program
 * that only looks. Throws DatabaseError.
 */
export async function arrivalPage(people: ArrivingPeople, frame: Frame, query: URLSearchParams): Promise<ShownPage> {
  const answer = answerInQuery(query);
  const who = answer && (await people.about(answer.state));
  if (answer === undefined || who === undefined) return failedPage(frame, "unknown");
  if (answer.kind === "error") return failedPage(frame, "denied");
  const { title, lead, notYou, go } = frame.words.toolSignIn;
  const field = (name: string, value: string): Html => html`<input type="hidden" name="${name}" value="${value}" />`;
  return {
    status: 200,
    page: plainPage(
      frame,
      title,
      html`<p class="lead">${lead(who.userId, who.server)}</p>
        <p class="note bad">${notYou}</p>
        <form method="post" action="${frame.base}${TOOL_SIGN_IN}">
          ${field("state", answer.state)} ${field("code", answer.code)}
          ${answer.iss !== undefined && field("iss", answer.iss)}
          <button class="main">${go}</button>
        </form>`,
    ),
  };
}

/** Takes the tokens, and shows the code by which the person confirms that it was she. Throws DatabaseError. */
export async function arrivedPage(
  people: ArrivingPeople,
  frame: Frame,
  field: (name: string) => string | undefined,
): Promise<ShownPage> {
  const [state, code, iss] = [field("state"), field("code"), field("iss")];
  if (state === undefined || code === undefined) return failedPage(frame, "unknown");
  const answer: ReturnedAnswer = { kind: "code", state, code, ...(iss === undefined ? {} : { iss }) };
  try {
    const { who, code: confirmation } = await people.arrived(answer);
    const { title, almost, notYou, close } = frame.words.toolSignIn;
    return {
      status: 200,
      page: plainPage(
        frame,
        title,
        html`<p class="lead">${almost(who.userId)}</p>
          <p><code>!tools sign-in ${who.server} ${confirmation}</code></p>
          <p class="note bad">${notYou}</p>
          <p>${close}</p>`,
      ),
    };
  } catch (error) {
    if (!(error instanceof SignInFailure)) throw error;
    const { code: why } = error;
    return failedPage(frame, why === "unknown" || why === "away" || why === "denied" ? why : "failed");
  }
}

/** The document by which authorisation servers know the bridge without registration (OAuth Client ID Metadata Document). */
export function clientDocument({ url }: Address): object {
  return { client_id: `${url}${TOOL_CLIENT}`, ...clientMetadata(`${url}${TOOL_SIGN_IN}`, "web") };
}

function failedPage(frame: Frame, why: keyof Frame["words"]["toolSignIn"]["faults"]): ShownPage {
  const { title, faults, over } = frame.words.toolSignIn;
  return {
    status: why === "away" ? 502 : 400,
    page: plainPage(
      frame,
      title,
      html`<p role="alert">${faults[why]}</p>
        <p>${over}</p>`,
    ),
  };
}
