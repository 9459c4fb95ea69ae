import { html, type Html } from "../html.ts";
import { plainPage, type Frame } from "../page.ts";

/** The way in: a link's code is filled in by the page's script, or pasted. */
export function signInPage(frame: Frame, fault?: "no_code" | "too_many"): Html {
  const { title, lead, byCommand, byBot, code, enter, faults } = frame.words.signIn;
  return plainPage(
    frame,
    title,
    html`<p class="lead">${lead}</p>
      ${fault !== undefined && html`<p class="note bad" role="alert">${faults[fault]}</p>`}
      <form method="post" action="${frame.base}/sign-in">
        <p>
          <label for="code">${code}</label>
          <input id="code" name="code" class="mono" autocomplete="off" spellcheck="false" maxlength="64" required />
        </p>
        <button class="main">${enter}</button>
      </form>
      <h2>${frame.words.signIn.how}</h2>
      <p>${byCommand} <code>matrix-agents web login</code></p>
      <p>${byBot} <code>!web</code></p>`,
  );
}
