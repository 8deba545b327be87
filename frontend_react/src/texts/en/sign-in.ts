interface ReasonText {
  title: string;
  detail: string;
}

/** What Matteflow is, to somebody who comes for the first time. */
const about = "Matteflow cuts out what your photographs show, and keeps the results for you alone.";

const reasons = {
  none: { title: "Sign in to see your pictures", detail: about },
  done: { title: "You are signed out", detail: about },
  elsewhere: {
    title: "You signed out in another tab",
    detail: "So you are signed out here too. Sign in to come back to this page.",
  },
  denied: {
    title: "You were not signed in",
    detail: "The sign-in was cancelled, or your account may not use this site. Try again, or ask whoever runs it.",
  },
  mismatch: {
    title: "This sign-in cannot be completed",
    detail: "It was not begun in this tab, or it was used before. Begin it anew.",
  },
  expired: { title: "This sign-in has expired", detail: "It took too long on its way. Begin it anew." },
  unreachable: {
    title: "The sign-in cannot be reached",
    detail: "Look at your connection, then try again.",
  },
  failed: {
    title: "The sign-in did not work",
    detail: "The fault is not yours. Try again, and tell whoever runs this site if it stays like this.",
  },
} satisfies Record<string, ReasonText>;

export const signIn = {
  title: "Sign in",
  signIn: "Sign in",
  reasons,

  account: (email: string) => `Account of ${email}`,
  signOut: "Sign out",
  breaksOff: "Files are still being sent. Signing out breaks them off.",

  ended: "Your sign-in has ended",
  endedDetail: (email: string) =>
    `Sign in again as ${email} in another tab. This page stays as it is, and goes on by itself as soon as you have.`,
  again: "Sign in again",

  nobody: "Nobody is signed in any more.",
  notRenewed: "Your sign-in cannot be renewed just now. Try again in a moment.",
};
